"""Names in single backticks are links to what the pages document, or an error.

A name is looked up in the class, in the folder and in the package. If it is none of
those, it is the one exported name that ends with it. Types in signatures are looked up
in the same way, and may be from elsewhere. And ``|S|`` is a size, not a substitution.
"""

import re
from typing import Any

from docutils import nodes
from docutils.transforms.references import Substitutions
from sphinx.addnodes import desc, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

__all__ = ["setup"]

MEMBERS = {"attribute", "method", "property", "type"}


class PublicName(XRefRole):
    """The role of text in single backticks."""

    def process_link(
        self, env: BuildEnvironment, refnode: Any, *link: Any
    ) -> tuple[str, str]:
        refnode["py:module"] = env.ref_context.get("py:module")
        refnode["py:class"] = env.ref_context.get("py:class")
        return super().process_link(env, refnode, *link)


class OneLookup(SphinxTransform):
    """Types in signatures, and ``gram.gram_sums`` in a guide, are looked up likewise."""

    default_priority = 999

    def apply(self, **_: Any) -> None:
        for node in self.document.findall(pending_xref):
            if node.get("refdomain") == "py":
                node["refdomain"] = ""
        if self.env.docname.startswith("reference/"):
            return
        for node in list(self.document.findall(nodes.literal)):
            if re.fullmatch(r"\w+(\.\w+)+", node.astext()):
                maybe = pending_xref(refdomain="", reftype="", reftarget=node.astext())
                node.replace_self(maybe)
                maybe += node


class Typography(SphinxTransform):
    """``|S|`` is a size, not a substitution; a dash stands behind an argument."""

    default_priority = Substitutions.default_priority - 1

    def apply(self, **_: Any) -> None:
        for node in list(self.document.findall(nodes.substitution_reference)):
            node.replace_self(nodes.Text(f"|{node.astext()}|"))
        for field in self.document.findall(nodes.field_body):
            for text in list(field.findall(nodes.Text)):
                if text == " -- ":
                    text.parent.replace(text, nodes.Text(" – "))


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.reference | None:
    """What a name means where it stands, if it has one meaning."""
    if node.get("refdomain"):
        return None
    documented = env.domains.python_domain.objects
    target = node["reftarget"]
    module, inside = node.get("py:module") or "", node.get("py:class") or ""
    package = module.split(".")[0]
    near = [f"{module}.{inside}.{target}", f"{module}.{target}", f"{package}.{target}"]
    found = [documented[name] for name in [*near, target] if name in documented]
    ending = [
        each
        for name, each in documented.items()
        if name.endswith(f".{target}")
        and ("." in target or each.objtype not in MEMBERS)
    ]
    if found or len(ending) == 1:
        place = (found or ending)[0]
        origin = node["refdoc"]
        return make_refnode(app.builder, origin, place.docname, place.node_id, text)
    if node["reftype"] == "public-name":
        logging.getLogger(__name__).warning(
            "docstring of %s: `%s` is %s the names on these pages",
            docstring_of(node) or module,
            target,
            "several of" if ending else "none of",
            location=node,
        )
    return None


def docstring_of(node: nodes.Node) -> str:
    """The documented name in whose docstring a node is."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, desc):
            return " ".join(node[0]["ids"][:1])
    return ""


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("public-name", PublicName(innernodeclass=nodes.literal))
    app.add_transform(Typography)
    app.add_transform(OneLookup)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
