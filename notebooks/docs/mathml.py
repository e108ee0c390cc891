"""Formulas as MathML, which browsers draw themselves: no script, no font, no network."""

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

__all__ = ["setup"]


def formula(writer: Any, node: nodes.Element, *, as_block: bool) -> None:
    try:
        written = tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        logging.getLogger(__name__).warning("%s", error, location=node)
        written = writer.encode(node.astext())
    writer.body.append(f'<div class="math">{written}</div>' if as_block else written)
    raise nodes.SkipNode


def inline(writer: Any, node: nodes.math) -> None:
    formula(writer, node, as_block=False)


def block(writer: Any, node: nodes.math_block) -> None:
    formula(writer, node, as_block=True)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
