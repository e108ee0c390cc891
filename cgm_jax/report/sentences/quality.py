"""How like synthetic rows are to real ones, in words."""

from collections.abc import Iterable

import numpy as np

from cgm_jax.metrics import TableQuality

__all__ = ["likeness_sentences", "table_quality_sentences"]

# Of the score of boosted trees. The best published generators reach 0.6 to 0.9 on the
# usual tables, columns drawn independently 0.02.
_HARDLY, _IN_PART = 0.7, 0.2
_COPIED = 0.4  # how often trees are right; guessing is right half of the time
_MOST_NAMED = 3  # columns or pairs in a sentence
_ALIKE = 0.995  # what is above is not named
_MISSING = 0.01  # a difference of shares that is worth a word


def table_quality_sentences(quality: TableQuality, party: str) -> list[str]:
    """A verdict on one party's synthetic rows, and the figures that it rests on."""
    return [_verdict(quality, party), *likeness_sentences(quality)]


def likeness_sentences(quality: TableQuality) -> list[str]:
    """How like columns, pairs of columns and shares of missing cells are."""
    shapes = list(zip(quality.shapes, quality.columns, strict=True))
    sentences = _likeness("Each column by itself", quality.shape, shapes)
    num = len(quality.columns)
    pairs = [
        (quality.trends[i, j], f"{quality.columns[i]} with {quality.columns[j]}")
        for i in range(num)
        for j in range(i)
    ]
    sentences += _likeness("Each pair of columns", quality.trend, pairs)
    worst = int(np.argmax(np.abs(quality.missing_differences))) if num else 0
    if num and abs(quality.missing_differences[worst]) >= _MISSING:
        real, synthetic = quality.missing[:, worst]
        sentences.append(
            f"The share of missing cells differs the most in {quality.columns[worst]}: "
            f"{synthetic:.1%} of the synthetic rows, {real:.1%} of the real ones."
        )
    return sentences


def _verdict(quality: TableQuality, party: str) -> str:
    found = quality.detection
    if found is None:
        return (
            f"{party}: whether synthetic rows can be told from real ones cannot be "
            "measured: that takes 30 rows of each and a column to compare."
        )
    how = "easily"
    if found.boosted >= _IN_PART:
        how = "hardly" if found.boosted >= _HARDLY else "in part"
    trees, plane = found.boosted_areas.mean(), found.logistic_areas.mean()
    copied = ""
    if trees < _COPIED:
        copied = (
            " So much less than 50% is a sign of copies: a real row that the trees have"
            " not seen lies among synthetic ones that are near to it."
        )
    return (
        f"{party}: synthetic rows can {how} be told from real ones. Shown one of each, "
        f"boosted trees pick the real one {trees:.0%} of the time and logistic "
        f"regression {plane:.0%}, where guessing is right 50% of the time "
        f"({found.num_real:,} real and {found.num_synthetic:,} synthetic rows).{copied}"
    )


def _likeness(what: str, mean: float, parts: Iterable[tuple[float, str]]) -> list[str]:
    if np.isnan(mean):
        return []
    least = sorted(part for part in parts if part[0] < _ALIKE)[:_MOST_NAMED]
    named = ", ".join(f"{name} ({score:.1%})" for score, name in least)
    rest = f"; the least alike: {named}" if named else ""
    return [f"{what} is {mean:.1%} alike on average{rest}."]
