"""The page of a report: a single file without scripts or links to anything outside.

Its pictures are in it, and its numbers are those of `report_data`, rounded.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cgm_jax import plots

from .data import reasons, report_data
from .pictures import Picture, draw_origin
from .rendering import render_page
from .sections import CandidateOrigin, ReportSection, shown_parties
from .sentences import audit_sentences, stress_sentence

__all__ = ["report_page"]


def report_page(
    sections: Sequence[ReportSection],
    pictures: Sequence[Mapping[str, Picture]],
    *,
    title: str,
    settings: Mapping[str, Any],
    generator_note: str = "",
    origin: CandidateOrigin | None = None,
) -> str:
    """The page as HTML: what was valued, promised and handed out, with pictures.

    Args:
        sections: at least one.
        pictures: what `draw_pictures` drew of every section.
        title: of the page.
        settings: what the run can be repeated with: options, seeds, versions, digests
            of the inputs; text, numbers, and lists and dicts of them.
        generator_note: a sentence on where the candidates come from.
        origin: what the candidates imitate, for a section of its own.

    Returns:
        One self-contained page, for `files.write_text`.

    Example:
        >>> import jax, numpy as np, cgm_jax
        >>> from cgm_jax.report import ReportSection, draw_pictures
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> section = ReportSection(
        ...     "Two banks", result.promises, [result.draw], ["bank A", "bank B"]
        ... )
        >>> pictures = [draw_pictures(section)]
        >>> report_page([section], pictures, title="Rewards", settings={})[:15]
        '<!doctype html>'
    """
    return render_page(
        "report.html.j2",
        title=title,
        sections=[
            {
                "data": report_data(section, settings={}),
                "printed": section.printed,
                "uncertainty": section.uncertainty,
                "review": _review(section),
                "num_shown": len(shown_parties(section.promises.scheme)),
                "pictures": drawn,
            }
            for section, drawn in zip(sections, pictures, strict=True)
        ],
        settings=list(_rows(settings)),
        generator_note=generator_note,
        origin=origin,
        origin_pictures={} if origin is None else draw_origin(origin),
        max_dots=plots.MAX_DOTS,
    )


def _review(section: ReportSection) -> dict[str, Any]:
    """The sentences of the page, and what cheating gains as a table."""
    review, names = section.review, section.names
    if review is None:
        return {}
    kept, *sentences = audit_sentences(review.audit, names)
    stress = review.stress
    return {
        "kept": kept,
        "sentences": sentences,
        "reasons": reasons(review, names),
        "gains": {} if stress is None else stress.relative_gains(),
        "gain_sentence": "" if stress is None else stress_sentence(stress, names),
        "inverse_temperature": review.inverse_temperature,
    }


def _rows(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings as rows of a table: one for each entry of a dict and each dict."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}: {inner}", text) for inner, text in _rows(value))
        elif isinstance(value, (list, tuple)) and any(
            isinstance(item, Mapping) for item in value
        ):
            for item in value:
                yield name, ", ".join(f"{inner} {text}" for inner, text in _rows(item))
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(map(_words, value))
        else:
            yield name, _words(value)


def _words(value: Any) -> str:
    if value is None:
        return "–"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
