"""Signs that the parties' files do not mean the same thing by the same column.

Nothing here is an error: each sign becomes one sentence for the mediator. Three rules:

- **scale**: the median of \\|x\\| over a party's column is more than 30 times, or less
  than a 30th of, that of at least half of the other parties. Medians of zero are left
  out, so that sparse columns give no sign.
- **outlier**: a cell is further from the median of the column over all parties than
  10^6 times the typical distance (the median of the distances that are not zero).
- **same data**: two parties have the same rows in the same order.

The first two are about columns in which every party has numbers.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from cgm_jax.tables import Cells

from .column_signs import list_columns
from .spelling import same_cells

SCALE_RATIO = 30.0
OUTLIER_RATIO = 1e6
_THOUSAND = 500.0, 2000.0  # the ratio of 1.234 to 1234, by and large

_Table = Mapping[str, Cells]


def warning_signs(
    names: Sequence[str], tables: Sequence[_Table], first_rows: Sequence[int]
) -> tuple[str, ...]:
    """Sentences on columns of another scale, on far outliers and on equal parties."""
    columns = [
        name
        for name in tables[0]
        if all(table[name].form in ("whole", "number", "empty") for table in tables)
    ]
    points = [_points(table, columns) for table in tables]
    is_grouped = np.array(
        [[_may_be_thousands(table[name]) for name in columns] for table in tables], bool
    ).reshape(len(tables), len(columns))
    return (
        *_same_data(names, tables),
        *_scales(names, columns, points, is_grouped),
        *_outliers(names, columns, points, first_rows),
    )


def _points(table: _Table, columns: Sequence[str]) -> Float[np.ndarray, "rows d"]:
    """Numbers, NaN where a cell is missing."""
    points = np.full((len(next(iter(table.values()), ())), len(columns)), np.nan)
    for position, name in enumerate(columns):
        present = ~table[name].is_missing
        points[present, position] = table[name].present.astype(np.float64)
    return points


def _may_be_thousands(cells: Cells) -> bool:
    """Whether every cell is like 1.234, which is 1234 beside decimal commas."""
    spelling = cells.spelling
    return spelling.fixed_decimals and spelling.num_decimals == 3


def _same_data(names: Sequence[str], tables: Sequence[_Table]) -> list[str]:
    sentences = []
    for i, name in enumerate(names):
        for j in range(i):
            # As a rule, shapes or first columns differ, and most data are not compared.
            mine, theirs = tables[i], tables[j]
            if mine and all(same_cells(mine[x], theirs[x]) for x in mine):
                sentences.append(
                    f"{name}: the data are the same as those of {names[j]}; if one is "
                    "a copy by mistake, leave it out."
                )
                break
    return sentences


def _scales(
    names: Sequence[str],
    columns: Sequence[str],
    points: Sequence[Float[np.ndarray, "_ d"]],
    is_grouped: Bool[np.ndarray, "n d"],
) -> list[str]:
    n = len(points)
    typical = np.array([[_median(np.abs(x)) for x in party.T] for party in points])
    typical = typical.reshape(n, len(columns))
    typical[typical == 0] = np.nan
    # Of two parties each is as far from the other: one sentence is enough.
    more_than_two = np.isfinite(typical).sum(axis=0) > 2
    middle = np.array(
        [_middle_of_known(np.delete(typical, i, axis=0), upper=False) for i in range(n)]
    ).reshape(typical.shape)
    ratio = middle / typical
    thousands = is_grouped & (ratio > _THOUSAND[0]) & (ratio < _THOUSAND[1])
    sentences = []
    for i, name in enumerate(names):
        others = np.delete(typical, i, axis=0)
        larger = typical[i] > SCALE_RATIO * _middle_of_known(others, upper=True)
        smaller = SCALE_RATIO * typical[i] < middle[i]
        if thousands[i].any():
            sentences.append(
                f"{name}: every value of {_chosen(columns, thousands[i])} has three "
                "decimals and is about a thousandth of the other parties'; if the "
                "point is between thousands, write the numbers without it."
            )
        smaller &= more_than_two & ~thousands[i]
        larger &= more_than_two | ~thousands.any(axis=0)
        for word, found in (("large", larger), ("small", smaller)):
            if found.any():
                sentences.append(
                    f"{name}: values of {_chosen(columns, found)} are typically more "
                    f"than {SCALE_RATIO:.0f} times as {word} as the other parties'; "
                    "check the units."
                )
    return sentences


def _median(values: Float[np.ndarray, " rows"]) -> float:
    present = values[~np.isnan(values)]
    return float(np.median(present)) if len(present) else np.nan


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
    points: Sequence[Float[np.ndarray, "_ d"]],
    first_rows: Sequence[int],
) -> list[str]:
    medians, limits = np.zeros(len(columns)), np.full(len(columns), np.inf)
    for column in range(len(columns)):
        cells = np.concatenate([party[:, column] for party in points])
        medians[column] = _median(cells)
        distances = np.abs(cells - medians[column])
        if (distances > 0).any():
            limits[column] = OUTLIER_RATIO * np.median(distances[distances > 0])
    sentences = []
    for name, party, first_row in zip(names, points, first_rows, strict=True):
        is_outlier = np.abs(party - medians) > limits
        found = np.asarray(is_outlier.any(axis=0))
        if found.any():
            row = np.argmax(is_outlier[:, np.argmax(found)]) + first_row
            sentences.append(
                f"{name}: {_chosen(columns, found)} (row {row}): a value is "
                f"more than {OUTLIER_RATIO:,.0f} times as far from the median as is "
                "typical; check it, for one such row can decide the length scale."
            )
    return sentences


def _chosen(columns: Sequence[str], chosen: Bool[np.ndarray, " d"]) -> str:
    return list_columns(
        name for name, is_chosen in zip(columns, chosen, strict=True) if is_chosen
    )
