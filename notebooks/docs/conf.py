"""Settings of Sphinx."""

project = "cgm-jax"
author = "The cgm-jax authors"
version = release = ""
extensions = [
    "myst_nb",
    "notebooks.docs.mathml",
    "notebooks.docs.members",
    "notebooks.docs.references",
]
default_role = "public-name"
smartquotes = False  # options such as --out stay as they are
maximum_signature_line_length = 72
python_display_short_literal_types = True
toc_object_entries_show_parents = "hide"
add_module_names = False

# Notebooks are shown as they were saved.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "cgm-jax"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
