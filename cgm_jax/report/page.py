"""Pages for people: one file each, without scripts or links to anything outside."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from cgm_jax import plots
from cgm_jax.evaluation import GeneratorComparison
from cgm_jax.evaluation.nearest_rows import NearnessFigures

from .data import comparison_data, quality_rows, reasons, report_data, stakes_rows
from .handing_out import before_handing_out
from .pictures import Picture, draw_comparison, draw_origin
from .quality import quality_view
from .sections import CandidateOrigin, ReportSection, shown_parties
from .sentences import (
    audit_remarks,
    audit_summary,
    choice_sentences,
    comparison_sentences,
    is_told_apart,
    nearness_sentences,
    other_scheme_sentence,
    outcome,
    promise_rows,
    stress_sentence,
)
from .sentences.numbers import number_words

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "comparison_page",
    "filled_in",
    "nearness_page",
    "report_page",
    "setting_rows",
]


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
        settings: what the run can be repeated with: text, numbers, lists and dicts.
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
        >>> section = ReportSection("Banks", result.promises, [result.draw], ["A", "B"])
        >>> pictures = [draw_pictures(section)]
        >>> report_page([section], pictures, title="Rewards", settings={})[:15]
        '<!doctype html>'
    """
    return filled_in(
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
                "before": before_handing_out(section, None if i else origin),
                "files": section.files,
                "quality": _quality(section),
                "quality_rows": quality_rows(section),
            }
            for i, (section, drawn) in enumerate(zip(sections, pictures, strict=True))
        ],
        is_confidential=any(section.files for section in sections),
        date=settings.get("date"),
        settings=list(setting_rows(settings)),
        generator_note=generator_note,
        origin=origin,
        choice=_choice(origin),
        origin_pictures={} if origin is None else draw_origin(origin),
        max_dots=plots.MAX_DOTS,
    )


def nearness_page(figures: NearnessFigures, names: Sequence[str]) -> str:
    """How near rewards are to other parties' real rows, for the mediator only."""
    found = zip(names, figures.rewards, strict=True)
    return filled_in(
        "nearest_rows.html.j2",
        rows=figures.rows(names),
        verdicts=nearness_sentences(figures, names),
        control=figures.control,
        decimals=figures.decimals,
        without=[name for name, reward in found if reward is None],
    )


def comparison_page(
    comparison: GeneratorComparison, title: str, *, files: Sequence[str] = ()
) -> str:
    """Generators side by side, as a page.

    Args:
        comparison: what was compared.
        title: of the page.
        files: names of the parties' files.
    """
    return filled_in(
        "generators.html.j2",
        title=title,
        files=files,
        reasons=comparison_sentences(comparison),
        comparison=comparison_data(comparison),
        comparison_picture=draw_comparison(comparison),
    )


def _choice(origin: CandidateOrigin | None) -> dict[str, Any]:
    """Why this generator, and what it was compared with."""
    if origin is None or origin.choice is None:
        return {}
    found = origin.choice.comparison
    return {
        "reasons": choice_sentences(origin.choice),
        "comparison": found and comparison_data(found),
        "picture": found and draw_comparison(found),
    }


def _review(section: ReportSection) -> dict[str, Any]:
    """The sentences of the page, and what cheating gains as a table."""
    review, names = section.review, section.names
    if review is None:
        return {}
    stress = review.stress
    return {
        "kept": audit_summary(review.audit),
        "promises": promise_rows(review.audit, names),
        "remarks": audit_remarks(review.audit),
        "reasons": reasons(review, names),
        "stakes": stakes_rows(review, names),
        "gains": {} if stress is None else stress.relative_gains(),
        "gain_sentence": "" if stress is None else stress_sentence(stress, names),
        "schemes": [] if stress is None else list(stress.honest),
        "scheme_sentence": "" if stress is None else other_scheme_sentence(stress),
        "inverse_temperature": review.inverse_temperature,
    }


def _quality(section: ReportSection) -> dict[str, Any] | None:
    """How like all candidates are to the parties' rows, with pictures."""
    facts = section.tables
    if facts is None:
        return None
    return quality_view(
        facts.candidate_quality,
        facts.tables,
        facts.candidates,
        "All candidates",
        kinds=facts.kinds,
    )


def setting_rows(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings as rows of a table: one for each entry of a dict and each dict."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from (
                (f"{name}: {inner}", text) for inner, text in setting_rows(value)
            )
        elif isinstance(value, (list, tuple)) and any(
            isinstance(item, Mapping) for item in value
        ):
            for item in value:
                yield (
                    name,
                    ", ".join(f"{inner} {text}" for inner, text in setting_rows(item)),
                )
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(map(_words, value))
        else:
            yield name, _words(value)


def _words(value: Any) -> str:
    if value is None:
        return "–"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def filled_in(template: str, **values: Any) -> str:
    """A template of the package, filled in; text is escaped, names must exist."""
    return _templates().get_template(template).render(**values) + "\n"


@cache
def _templates() -> "Environment":
    """The package's templates: each is compiled once a process."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cgm_jax.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number_words,
        share=_share,
        signed_share=_signed_share,
        stop=lambda reward: outcome(reward["stop_reason"], reward["num_points"]),
    )
    environment.tests["told_apart"] = is_told_apart
    return environment


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _signed_share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f} %".replace("-", "−")
