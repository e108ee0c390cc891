"""Points in the parties' own units, in which images are shown and learned.

Numbers are in their units, where float32 holds their digits there; dates, and numbers
far from 0 beside their spread, stay coordinates, as categories do. Columns of one
number only are among them, so that an image has all of its pixels.
"""

import numpy as np
from jaxtyping import Float

from .category_columns import LeftOut
from .codec import ColumnCodec, TableCodec
from .number_columns import NumberColumn

__all__ = ["from_units", "in_units"]

_FARTHEST = 1e4  # from 0, in deviations: three digits of float32 are left


def in_units(
    codec: TableCodec, points: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, "n u"]:
    """Points of a codec in the parties' units, float64.

    Args:
        codec: of all parties' tables.
        points: of shape (n, d).

    Returns:
        Shape (n, u): the coordinates, and constant columns of numbers between them; a
        missing number is the median.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import read_cells
        >>> table = {"age": read_cells(pa.array([31, 45, 38]))}
        >>> codec = TableCodec.fit([table], min_rows=1)
        >>> in_units(codec, codec.encode(table)).tolist()
        [[31.0], [45.0], [38.0]]
    """
    blocks = []
    for column, block in zip(codec.columns, codec.blocks(points), strict=True):
        if isinstance(column, LeftOut) and _is_constant(column):
            blocks.append(np.full((len(points), 1), float(column.constant[0])))
        elif isinstance(column, NumberColumn):
            values = (
                column.decode(block).values if _is_in_units(column) else block[:, 0]
            )
            values = np.where(np.isnan(values), column.median, values)
            blocks.append(np.column_stack([values, *block[:, 1:].T]))
        else:
            blocks.append(block)
    return np.concatenate(blocks, axis=1, dtype=np.float64)


def from_units(
    codec: TableCodec, rows: Float[np.ndarray, "n u"]
) -> Float[np.ndarray, "n d"]:
    """Points of a codec from numbers in the parties' units, the inverse of `in_units`.

    Args:
        codec: of all parties' tables.
        rows: any numbers, of shape (n, u), in the order of `in_units`.

    Returns:
        Shape (n, d), float64.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import read_cells
        >>> table = {"age": read_cells(pa.array([31, 45, 38]))}
        >>> codec = TableCodec.fit([table], min_rows=1)
        >>> from_units(codec, np.array([[38.0]])).round(3).tolist()
        [[0.0]]
    """
    rows, blocks, start = np.asarray(rows, np.float64), [], 0
    for column in codec.columns:
        num = len(column.coordinates)
        if _is_constant(column):
            start += 1
            continue
        block = rows[:, start : start + num]
        start += num
        if isinstance(column, NumberColumn):
            is_own = _is_in_units(column)
            scale, shift = (column.scale, column.shift) if is_own else (1.0, 0.0)
            block = np.column_stack([(block[:, 0] - shift) / scale, *block[:, 1:].T])
        blocks.append(block)
    return np.concatenate(blocks, axis=1)


def _is_constant(column: ColumnCodec) -> bool:
    is_number = column.facts.form in ("number", "whole")
    return column.facts.kind == "constant" and is_number


def _is_in_units(column: NumberColumn) -> bool:
    """Whether float32 tells the values apart in the parties' units."""
    is_near = abs(column.shift) <= _FARTHEST * column.scale and not column.origin
    return is_near and column.facts.form != "time"
