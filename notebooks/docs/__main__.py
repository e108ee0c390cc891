"""The pages of the project: ``python -m notebooks.docs``, or ``make docs``.

README, guides and notebooks are copied beside one page per public folder and one of the
commands; Sphinx makes ``build/docs`` out of them. A wrong reference in a docstring, or
any other warning, is an error.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

import typer
from sphinx.cmd.build import build_main
from typer.cli import get_docs_for_click

from .source import all_packages

HERE = Path(__file__).parent
PACKAGE = "cgm_jax"
GUIDES = "EXTENDING", "CONTRIBUTING", "CHANGELOG"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m notebooks.docs")
    parser.add_argument("--root", type=Path, default=HERE.parents[1])
    parser.add_argument("--out", type=Path, default=Path("build/docs"))
    options = parser.parse_args()
    root, pages = options.root.resolve(), options.out.resolve()
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder, "sources")
        write_sources(root, sources)
        words = ["-b", "html", "-q", "-W", "--keep-going"]
        words += ["-c", str(HERE), "-D", f"package_root={root}"]
        words += ["-d", str(Path(folder, "doctrees")), str(sources), str(pages)]
        failed = build_main(words)
    if not failed:
        print(f"The first page is {pages / 'index.html'}")
    return failed


def write_sources(root: Path, sources: Path) -> None:
    """Everything that Sphinx reads."""
    notebooks = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    packages = [package.name for package in all_packages(root, PACKAGE)]
    contents = {
        "Reference": [f"reference/{name}" for name in packages],
        "Command line": ["reference/commands"],
        "Notebooks": [f"notebooks/{name}" for name in notebooks],
        "Guides": GUIDES,
    }
    (sources / "notebooks").mkdir(parents=True)
    (sources / "reference").mkdir()
    for name in notebooks:
        shutil.copy(root / "notebooks" / f"{name}.ipynb", sources / "notebooks")
    for name in packages:
        page = f"{name}\n{'=' * len(name)}\n\n.. exports:: {name}\n"
        (sources / "reference" / f"{name}.rst").write_text(page, "utf-8")
    (sources / "reference" / "commands.md").write_text(commands(), "utf-8")
    for name in GUIDES:
        (sources / f"{name}.md").write_text(guide(root, sources, name), "utf-8")
    front = guide(root, sources, "README")
    for title, pages in contents.items():
        listed = "\n".join(pages)
        front += f"\n```{{toctree}}\n:caption: {title}\n:hidden:\n\n{listed}\n```\n"
    (sources / "index.md").write_text(front, "utf-8")


def guide(root: Path, sources: Path, name: str) -> str:
    """A guide, with the files that it links to beside it; folders are not linked."""
    text = (root / f"{name}.md").read_text("utf-8")
    for words, target in re.findall(r"\[([^]]*)\]\((?!\w+:)([^)#]+)\)", text):
        if (root / target).is_dir():
            text = text.replace(f"[{words}]({target})", f"{words} (`{target}`)")
        elif not target.endswith((".md", ".ipynb")):
            (sources / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / target, sources / target)
    return text


def commands() -> str:
    """All commands and their options, from the command line itself."""
    from cgm_jax.cli.app import app

    group = typer.main.get_command(app)
    return get_docs_for_click(obj=group, ctx=typer.Context(group), name="cgm-jax")


if __name__ == "__main__":
    sys.exit(main())
