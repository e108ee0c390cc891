"""Signs that the parties' files do not mean the same thing by the same column.

Nothing here is an error: each sign becomes one sentence for the mediator. Three rules:

- **scale**: the median of \\|x\\| over a party's column is more than 30 times, or less
  than a 30th of, that of at least half of the other parties. Medians of zero are left
  out, so that sparse columns give no sign.
- **outlier**: a cell is further from the median of the column over all parties than
  10^6 times the typical distance (the median of the distances that are not zero).
- **same data**: two parties have the same rows in the same order.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

SCALE_RATIO = 30.0
OUTLIER_RATIO = 1e6

_Points = Sequence[Float[np.ndarray, "_ d"]]


def warning_signs(
    names: Sequence[str],
    columns: Sequence[str],
    points: _Points,
    first_rows: Sequence[int],
) -> tuple[str, ...]:
    """Sentences on columns of another scale, on far outliers and on equal parties."""
    return (
        *_same_data(names, points),
        *_scales(names, columns, points),
        *_outliers(names, columns, points, first_rows),
    )


def _same_data(names: Sequence[str], points: _Points) -> list[str]:
    sentences = []
    for i, name in enumerate(names):
        for j in range(i):
            # As a rule, shapes or first rows differ, and most data are not compared.
            if (
                points[i].shape == points[j].shape
                and np.array_equal(points[i][:1], points[j][:1])
                and np.array_equal(points[i], points[j])
            ):
                sentences.append(
                    f"{name}: the data are the same as those of {names[j]}; if one is "
                    "a copy by mistake, leave it out."
                )
                break
    return sentences


def _scales(names: Sequence[str], columns: Sequence[str], points: _Points) -> list[str]:
    typical = np.array([[np.median(np.abs(x)) for x in party.T] for party in points])
    typical[typical == 0] = np.nan
    # Of two parties each is as far from the other: one sentence is enough.
    more_than_two = np.isfinite(typical).sum(axis=0) > 2
    sentences = []
    for i, name in enumerate(names):
        others = np.delete(typical, i, axis=0)
        larger = typical[i] > SCALE_RATIO * _middle_of_known(others, upper=True)
        smaller = SCALE_RATIO * typical[i] < _middle_of_known(others, upper=False)
        for word, found in (("large", larger), ("small", smaller & more_than_two)):
            if found.any():
                which = _list_columns(columns, found)
                sentences.append(
                    f"{name}: values of {which} are typically more than "
                    f"{SCALE_RATIO:.0f} times as {word} as the other parties'; check "
                    "the units."
                )
    return sentences


def _middle_of_known(
    rows: Float[np.ndarray, "k d"], *, upper: bool
) -> Float[np.ndarray, " d"]:
    """Middle entry of each column, of two the upper or lower; NaNs do not count."""
    num_known = np.isfinite(rows).sum(axis=0)
    middle = num_known // 2 if upper else (num_known - 1) // 2
    # NaNs are sorted to the end, where an index of -1 finds one.
    return np.take_along_axis(np.sort(rows, axis=0), middle[None], axis=0)[0]


def _outliers(
    names: Sequence[str],
    columns: Sequence[str],
    points: _Points,
    first_rows: Sequence[int],
) -> list[str]:
    medians, limits = np.zeros(len(columns)), np.full(len(columns), np.inf)
    for column in range(len(columns)):
        cells = np.concatenate([party[:, column] for party in points])
        medians[column] = np.median(cells)
        distances = np.abs(cells - medians[column])
        if distances.any():
            limits[column] = OUTLIER_RATIO * np.median(distances[distances > 0])
    sentences = []
    for name, party, first_row in zip(names, points, first_rows, strict=True):
        is_outlier = np.abs(party - medians) > limits
        found = np.asarray(is_outlier.any(axis=0))
        if found.any():
            row = np.argmax(is_outlier[:, np.argmax(found)]) + first_row
            sentences.append(
                f"{name}: {_list_columns(columns, found)} (row {row}): a value is "
                f"more than {OUTLIER_RATIO:,.0f} times as far from the median as is "
                "typical; check it, for one such row can decide the length scale."
            )
    return sentences


def _list_columns(columns: Sequence[str], chosen: np.ndarray) -> str:
    names = [name for name, is_chosen in zip(columns, chosen, strict=True) if is_chosen]
    if len(names) == 1:
        return f"column {names[0]}"
    shown = ", ".join(names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"columns {shown}{more}"
