"""What must be known before rewards are handed out, in the order of need."""

from collections.abc import Iterator

from .sections import CandidateOrigin, ReportSection
from .sentences import (
    broken_sentences,
    draw_warnings,
    empty_reward_sentences,
    evidence_sentences,
    generator_warnings,
    label_sentences,
    left_out_sentences,
    nearness_warnings,
    other_scheme_sentence,
    promise_warnings,
    rare_category_sentences,
    stress_sentence,
    uncertainty_warnings,
)

__all__ = ["before_handing_out"]


def before_handing_out(
    section: ReportSection, origin: CandidateOrigin | None = None
) -> dict[str, list[str]]:
    """Every warning once, by what it is about, the broken promises first.

    Args:
        section: what was valued, promised and handed out.
        origin: what the candidates imitate.

    Returns:
        Sentences under headings, those of a draw with its β, unless they are about all.

    Example:
        >>> import jax, numpy as np, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> section = ReportSection("Banks", result.promises, [result.draw], ["A", "B"])
        >>> list(before_handing_out(section))
        []
    """
    groups = {
        "Promises": _on_promises(section),
        "Synthetic rows": _on_generator(section, origin),
        "Cheating": _on_cheating(section),
        "Columns": _on_columns(section),
        "Parties without a reward": _on_empty_rewards(section),
        "Labels": _on_labels(section),
        "Files": _on_files(section),
    }
    found = {about: list(sentences) for about, sentences in groups.items()}
    return {about: sentences for about, sentences in found.items() if sentences}


def _on_promises(section: ReportSection) -> Iterator[str]:
    names, review = section.names, section.review
    missed = list(
        _of_draws([draw_warnings(draw, names) for draw in section.draws], section)
    )
    if review is not None:
        # What was not delivered is said of each party, by the draw.
        yield from broken_sentences(review.audit, names, with_delivery=not missed)
    yield from missed
    yield from promise_warnings(section.promises, names)
    if section.uncertainty is not None:
        yield from uncertainty_warnings(section.uncertainty, names)


def _on_generator(
    section: ReportSection, origin: CandidateOrigin | None
) -> Iterator[str]:
    model = None if origin is None else origin.model
    yield from generator_warnings(
        is_density=section.is_density,
        is_of_other_data=section.is_of_other_data,
        quality=None if model is None else model.quality,
    )
    if section.nearness is not None:
        yield from nearness_warnings(section.nearness, section.names)


def _on_cheating(section: ReportSection) -> Iterator[str]:
    stress = None if section.review is None else section.review.stress
    if stress is not None and stress.profitable:
        yield stress_sentence(stress, section.names)
        if sentence := other_scheme_sentence(stress):
            yield sentence


def _on_columns(section: ReportSection) -> Iterator[str]:
    if section.tables is not None:
        codec = section.tables.codec
        yield from left_out_sentences(codec.facts)
        yield from rare_category_sentences(
            codec, section.promises.points_for("counts of categories")
        )


def _on_empty_rewards(section: ReportSection) -> Iterator[str]:
    scheme, names = section.promises.scheme, section.names
    found = [empty_reward_sentences(scheme, draw, names) for draw in section.draws]
    yield from _of_draws(found, section)


def _on_labels(section: ReportSection) -> Iterator[str]:
    if section.labels is not None:
        yield from label_sentences(section.labels, section.names)


def _on_files(section: ReportSection) -> Iterator[str]:
    yield from section.warnings
    if section.review is not None:
        yield from evidence_sentences(section.review.evidence, section.names)


def _of_draws(found: list[list[str]], section: ReportSection) -> Iterator[str]:
    """Every sentence once; with the β of the draws it is about, unless of all."""
    betas: dict[str, list[str]] = {}
    for draw, sentences in zip(section.draws, found, strict=True):
        for sentence in sentences:
            betas.setdefault(sentence, []).append(f"{draw.inverse_temperature:g}")
    for sentence, about in betas.items():
        of_all = len(about) == len(section.draws)
        yield sentence if of_all else f"β = {', '.join(about)}: {sentence}"
