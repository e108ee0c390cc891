"""The page on how near rewards are to other parties' real rows, for the mediator."""

from collections.abc import Sequence

from cgm_jax.evaluation.privacy import PrivacyFigures

from .rendering import render_page

__all__ = ["privacy_page"]


def privacy_page(figures: PrivacyFigures, names: Sequence[str]) -> str:
    """The figures as a page for the mediator, one file that refers to nothing outside.

    Args:
        figures: what `privacy_figures` found.
        names: the parties' names.

    Returns:
        The page as HTML.
    """
    return render_page(
        "privacy.html.j2",
        rows=figures.rows(names),
        control=figures.control,
        decimals=figures.decimals,
        without=[
            name
            for name, found in zip(names, figures.rewards, strict=True)
            if found is None
        ],
    )
