"""How the columns of all parties are read, in words: a row and a sentence each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax.tables import ColumnFacts, TableCodec
from cgm_jax.tables.category_columns import CategoryColumn, LeftOut
from cgm_jax.tables.codec import ColumnCodec
from cgm_jax.tables.number_columns import NumberColumn
from cgm_jax.tables.times import time_text

__all__ = ["column_rows", "left_out_sentences", "rare_category_sentences"]

_MOST_NAMED = 10  # columns in a sentence
_WHY = {
    "identifier": "taken as identifiers, not valued, and numbered anew in rewards; if "
    "they are something else, say so with --columns.",
    "free text": "taken as free text, not valued, and left empty in rewards; if it is "
    "something else, say so with --columns.",
    "constant": "the same everywhere, not valued, and as it is in rewards.",
    "left out": "not read, not valued, and left empty in rewards, as was declared.",
    "empty": "no party has a value there; not valued, and left empty in rewards.",
}


def column_rows(codec: TableCodec) -> list[dict[str, str]]:
    """One row a column, for a table.

    Args:
        codec: of the parties' tables.

    Returns:
        The name, the kind, the scale or the weight of a mismatch, the share of missing
        cells, what a missing cell counts as, and what is handed out, or why nothing.
    """
    return [
        {
            "column": column.facts.name,
            "kind": column.facts.kind,
            "distance": _distance(column),
            "missing": _share(column.facts.missing_share),
            "missing_counts_as": _missing(column),
            "handed_out": _handed_out(column),
        }
        for column in codec.columns
    ]


def left_out_sentences(facts: Sequence[ColumnFacts]) -> list[str]:
    """Which columns are not valued, and what becomes of them: one sentence a reason."""
    by_reason: dict[str, list[str]] = {}
    for column in facts:
        reason = "empty" if column.missing_share == 1 else column.kind
        by_reason.setdefault(reason, []).append(column.name)
    return [
        f"{_listed(by_reason[reason])}: {words}"
        for reason, words in _WHY.items()
        if reason in by_reason
    ]


def rare_category_sentences(
    codec: TableCodec, points: Sequence[Float[ArrayLike, "_ d"]]
) -> list[str]:
    """How many categories are in no reward, and how many rows have them.

    Args:
        codec: of the parties' tables.
        points: the parties' rows as its points.
    """
    pool = np.concatenate([np.asarray(x) for x in points])
    rare = []
    for column, block in zip(codec.columns, codec.blocks(pool), strict=True):
        if isinstance(column, CategoryColumn) and not column.is_allowed.all():
            num, of_all = (~column.is_allowed).sum(), len(column.is_allowed)
            num_rows = int((block[:, ~column.is_allowed] > 0).sum())
            rare.append(
                f"{num:,} of {of_all:,} in {column.facts.name} ({_rows(num_rows)})"
            )
    if not rare:
        return []
    more = len(rare) - _MOST_NAMED
    rest = f" and some in {more:,} more columns" if more > 0 else ""
    return [
        "Categories that too few rows have are in no reward: "
        f"{', '.join(rare[:_MOST_NAMED])}{rest}."
    ]


def _distance(column: ColumnCodec) -> str:
    if isinstance(column, NumberColumn):
        unit = {"D": " days", "s": " s", "ms": " ms", "us": " µs", "ns": " ns"}
        words = unit[column.facts.resolution] if column.facts.form == "time" else ""
        robust = ", by medians (heavy tail)" if column.facts.is_heavy_tailed else ""
        return f"in units of {column.scale:.4g}{words}{robust}"
    if isinstance(column, CategoryColumn):
        return f"another one is {column.height * np.sqrt(2):.3g} away"
    return "–"


def _missing(column: ColumnCodec) -> str:
    if not sum(column.facts.num_missing) or isinstance(column, LeftOut):
        return "–"
    if isinstance(column, CategoryColumn):
        return "a category of its own"
    return f"{_cell(column, column.median)}, and {column.missing:.3g} away"


def _handed_out(column: ColumnCodec) -> str:
    if isinstance(column, LeftOut):
        if column.facts.kind == "identifier":
            return "numbered anew"
        return "the same" if len(column.constant) else "left empty"
    if isinstance(column, CategoryColumn):
        num, of_all = int(column.is_allowed.sum()), len(column.is_allowed)
        words = "all" if num == of_all else f"{num:,} of"
        return f"{words} {of_all:,} categories"
    low, high = (_cell(column, x) for x in (column.lowest, column.highest))
    missing = ""
    if column.missing and not column.hands_out_missing:
        missing = ", none missing"
    return f"{low} to {high}{missing}"


def _cell(column: NumberColumn, value: Any) -> str:
    facts = column.facts
    if facts.form == "time":
        return time_text(int(value), facts.resolution)
    if facts.form == "whole":
        return f"{int(value)}"
    return f"{value:.6g}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    word = "Column" if len(names) == 1 else "Columns"
    return f"{word} {', '.join(names[:_MOST_NAMED])}{rest}"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _share(share: float) -> str:
    return "–" if not share else f"{share:.1%}" if share >= 0.001 else "< 0.1%"
