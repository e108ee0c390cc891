"""Data frames of pandas, polars and Arrow as points."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.checks import one_each

from .cells import Cells
from .codec import TableCodec
from .columns import ColumnChoice
from .reading import read_cells

__all__ = ["encode_frames"]


def encode_frames(
    frames: Sequence[Any],
    *,
    choices: Sequence[ColumnChoice] = (),
    standardize: bool = True,
    min_rows: int = 5,
) -> tuple[list[Float[np.ndarray, "_ d"]], TableCodec]:
    """Points of each party's data frame, and the codec that makes rows of points.

    Args:
        frames: one data frame a party, of pandas, polars or Arrow, with the same
            columns in any order; an index is no column.
        choices: what is declared of some columns, such as
            ``ColumnChoice("branch", "category")``; the rest is inferred.
        standardize: numbers in standard deviations of the pool.
        min_rows: rows that must have a category, and how many must be as extreme, for
            it to be handed out.

    Returns:
        Points of shape (n, d) in float64, one array a party, and the codec.

    Raises:
        ValueError: cells that are no numbers, dates, truth values or text, or columns
            that do not fit together; it names the column.

    Example:
        >>> import pandas as pd
        >>> from cgm_jax.tables import encode_frames
        >>> a = pd.DataFrame({"age": [31, 45, 38, 52], "job": ["clerk", "cook"] * 2})
        >>> b = pd.DataFrame({"age": [25, 61], "job": ["clerk", "cook"]})
        >>> points, codec = encode_frames([a, b], min_rows=3)
        >>> codec.coordinates
        ('age', 'job=clerk', 'job=cook')
        >>> codec.decode(points[1])["age"].values
        array([25, 61])
    """
    given = one_each(frames, "data frames")
    tables = [_cells_of(frame, i) for i, frame in enumerate(given)]
    codec = TableCodec.fit(
        tables, choices=choices, standardize=standardize, min_rows=min_rows
    )
    return [codec.encode(table) for table in tables], codec


def _cells_of(frame: Any, party: int) -> dict[str, Cells]:
    import pyarrow as pa

    try:
        if hasattr(frame, "iloc"):  # pandas, whose index would become a column
            table = pa.Table.from_pandas(frame, preserve_index=False)
        else:
            table = pa.table(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):  # quotes cells
        raise ValueError(
            f"Expected frames[{party}] to be a data frame whose columns each hold one "
            f"type, got {type(frame).__name__} or a column of mixed objects; convert "
            "such columns, with .astype(str) if they are text."
        ) from None
    names = [str(name) for name in table.column_names]
    if len(set(names)) < len(names):
        raise ValueError(
            f"Expected a name of its own for each column in frames[{party}]."
        )
    return {
        name: read_cells(column)
        for name, column in zip(names, table.columns, strict=True)
    }
