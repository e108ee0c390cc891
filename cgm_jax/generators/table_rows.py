"""Generators for tables: draw points of rows that a file can hold and a party may get.

`TableGenerator` makes any generator draw such points: what it draws is brought to rows
before it is valued, so that what is valued is what is handed out. Three things happen
on the way.

- **Calibration.** A value that many real rows share (no claim, the cap of an age) and
  missing cells are blurred by a generator of continuous points. From a sample it is
  found how near to such a value a drawn one must be so that as many are there as in the
  real rows; from then on, these are there exactly.
- **Handing out.** `TableCodec.handed_out`: rare categories and extremes do not leave.
- **No real row.** Points that equal a real one are drawn again: another takes the place
  of each that has the same categories, missing cells and values that many rows have, or
  as many of them as there are, so that their shares stay what the generator drew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, Shaped

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.checks import check_kind
from cgm_jax.tables import TableCodec
from cgm_jax.tables.number_columns import NumberColumn

from .base import Generator, check_generator

__all__ = ["CoarseTableError", "TableGenerator", "is_among"]

_BLOCK = 4_096  # points; calibrated by, their shares have errors of 0.8 % at most
_MOST_DRAWN = 15  # further blocks, to take the places of one block's real rows
_SPARE = 4  # other rows for every place, to choose from


class CoarseTableError(ValueError):
    """Hardly any rows exist but the real ones."""


@dataclass(frozen=True)
class MassPoint:
    """A value of a coordinate that a share of the rows have exactly."""

    coordinate: int
    value: float
    reach: float  # drawn coordinates that are as near have it

    def __call__(self, points: Float[np.ndarray, "m d"]) -> Bool[np.ndarray, " m"]:
        """Which points have it."""
        return np.abs(points[:, self.coordinate] - self.value) <= self.reach


@dataclass(frozen=True, eq=False)
class FittedRows:
    """A fitted model, what it is calibrated by, and the points it must not repeat."""

    model: Any
    mass_points: tuple[MassPoint, ...]
    real: Float[np.ndarray, "n d"]


@dataclass(frozen=True, eq=False)
class TableGenerator:
    """A generator whose points are those of rows that may be handed out.

    Args:
        generator: any generator of points of the codec's.
        codec: of all parties' tables.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.generators import KernelDensity
        >>> from cgm_jax.tables import encode_frames
        >>> rng = np.random.default_rng(0)
        >>> frames = [
        ...     pa.table({"age": rng.integers(18, 80, 50), "bmi": rng.normal(size=50)})
        ...     for _ in range(2)
        ... ]
        >>> parties, codec = encode_frames(frames)
        >>> generator = TableGenerator(KernelDensity(0.2), codec)
        >>> keys = jax.random.split(jax.random.key(0))
        >>> model = generator.fit(keys[0], np.concatenate(parties).astype(np.float32))
        >>> rows = codec.decode(generator.sample(keys[1], model, 3))
        >>> rows["age"].values.dtype
        dtype('int64')
    """

    generator: Generator
    codec: TableCodec

    def __post_init__(self) -> None:
        check_generator(self.generator)
        check_kind(self.codec, TableCodec)

    def fit(self, key: Key[Array, ""], points: Points) -> FittedRows:
        """Fit the generator to the real points, shape ``(n, d)``, and calibrate it."""
        model, real = self.generator.fit(key, points), np.asarray(points)
        if not any(_masses(self.codec, real)):
            return FittedRows(model, (), real)
        sample_key = jax.random.fold_in(key, 1)
        drawn = self.generator.sample(sample_key, model, _BLOCK)
        drawn = self.codec.clipped(np.asarray(drawn, np.float64))
        mass_points = tuple(
            MassPoint(i, value, _reach(np.abs(drawn[:, i] - value), share))
            for i, value, share in _masses(self.codec, real)
        )
        return FittedRows(model, mass_points, real)

    def sample(self, key: Key[Array, ""], model: FittedRows, num: int) -> np.ndarray:
        """Draw points of rows that may be handed out, shape ``(num, d)``, float32.

        Raises:
            CoarseTableError: nearly all of 16 times as many points equal real ones.
        """
        num_blocks = -(-num // _BLOCK)  # whole ones, so that more rows start with fewer
        points = self._drawn(key, model, num_blocks * _BLOCK)
        is_real = is_among(points, model.real)
        for block in np.unique(np.flatnonzero(is_real) // _BLOCK).tolist():
            rows = slice(block * _BLOCK, (block + 1) * _BLOCK)
            places = np.flatnonzero(is_real[rows]) + rows.start
            others = self._others(jax.random.fold_in(key, block), model, len(places))
            chosen = _alike(
                _patterns(self.codec, model.mass_points, points[places]),
                _patterns(self.codec, model.mass_points, others),
            )
            points[places] = others[chosen]
        return points[:num]

    def _others(
        self, key: Key[Array, ""], model: FittedRows, num: int
    ) -> Float[np.ndarray, "k d"]:
        """Points that equal no real one, so many that `num` alike can be chosen."""
        drawn = _BLOCK
        while True:
            points = self._drawn(key, model, drawn)
            points = points[~is_among(points, model.real)]
            if len(points) >= _SPARE * num:
                return points
            if drawn >= _MOST_DRAWN * _BLOCK:
                break
            drawn = min(2 * drawn, _MOST_DRAWN * _BLOCK)
        if len(points) < num:
            raise CoarseTableError(
                f"Expected columns in which other rows than the real ones exist, "
                f"but of {drawn:,} rows that were drawn all but {len(points):,} equal "
                "a real row of some party, which nobody may be handed: add columns or "
                "decimals."
            )
        return points

    def _drawn(
        self, key: Key[Array, ""], model: FittedRows, num: int
    ) -> Float[np.ndarray, "num d"]:
        points = np.asarray(self.generator.sample(key, model.model, num))
        return self.rows_of(points, model.mass_points)

    def rows_of(
        self, points: Float[np.ndarray, "m d"], mass_points: tuple[MassPoint, ...]
    ) -> Float[np.ndarray, "m d"]:
        """Drawn points as those of rows that may be handed out."""
        points = self.codec.clipped(points.astype(np.float64))
        for mass in reversed(mass_points):  # the largest of a column comes last
            points[mass(points), mass.coordinate] = mass.value
        return self.codec.handed_out(points).astype(np.float32)


def _masses(
    codec: TableCodec, real: Float[np.ndarray, "n d"]
) -> Iterator[tuple[int, float, float]]:
    """Coordinate, value and share of each mass point and each kind of missing cell."""
    start = 0
    for column in codec.columns:
        if isinstance(column, NumberColumn):
            present = np.ones(len(real), bool)
            if column.missing:
                present = real[:, start + 1] < column.missing / 2
                yield start + 1, column.missing, 1 - float(present.mean())
            values = column.mass_coordinates
            shares = [
                float(np.isclose(real[present, start], value, rtol=1e-6).mean())
                for value in values
            ]
            for i in np.argsort(shares, kind="stable")[::-1].tolist():
                yield start, float(values[i]), shares[i]
        start += len(column.coordinates)


def _reach(distances: Float[np.ndarray, " m"], share: float) -> float:
    """How far those are that make about this share of them; below 0: none.

    Where a generator draws the value itself, many are equally far.
    """
    levels, counts = np.unique(distances, return_counts=True)
    levels, shares = np.append(-1, levels), np.append(0, counts.cumsum())
    return float(levels[np.argmin(np.abs(shares / len(distances) - share))])


def is_among(
    points: Float[np.ndarray, "m d"], real: Float[np.ndarray, "n d"]
) -> Bool[np.ndarray, " m"]:
    """Whether each point equals a real one, to the last bit."""
    return np.isin(_bits(points), _bits(real.astype(points.dtype)))


def _patterns(
    codec: TableCodec,
    mass_points: tuple[MassPoint, ...],
    points: Float[np.ndarray, "m d"],
) -> Int[np.ndarray, "m c"]:
    """For each column which category, value that many rows have, or missing cell."""
    codes, start = [], 0
    for column in codec.columns:
        block = points[:, start : start + len(column.coordinates)]
        masses = [mass for mass in mass_points if mass.coordinate == start]
        code = np.zeros(len(points), int)
        if isinstance(column, NumberColumn):
            for i, mass in enumerate(masses, 1):
                code[block[:, 0] == np.float32(mass.value)] = i
            if column.missing:
                code[block[:, 1] > column.missing / 2] = -1
        elif block.shape[1]:
            code = block.argmax(axis=1)
        codes.append(code)
        start += block.shape[1]
    return np.column_stack(codes)


def _alike(
    wanted: Int[np.ndarray, "m c"], there: Int[np.ndarray, "k c"]
) -> Int[np.ndarray, " m"]:
    """Which row takes each place, each once: an equal pattern, or the nearest left."""
    _, codes = np.unique(np.concatenate([wanted, there]), axis=0, return_inverse=True)
    mine, theirs = codes[: len(wanted)], codes[len(wanted) :]
    chosen, is_left = np.full(len(wanted), -1), np.ones(len(there), bool)
    for code in np.unique(mine):
        places, rows = np.flatnonzero(mine == code), np.flatnonzero(theirs == code)
        num = min(len(places), len(rows))
        chosen[places[:num]] = rows[:num]
        is_left[rows[:num]] = False
    for place in np.flatnonzero(chosen < 0):
        left = np.flatnonzero(is_left)
        distances = (there[left] != wanted[place]).sum(axis=1)
        chosen[place] = left[distances.argmin()]
        is_left[chosen[place]] = False
    return chosen


def _bits(points: Float[np.ndarray, "n d"]) -> Shaped[np.ndarray, " n"]:
    """The bits of each point as one value; −0 + 0 is 0, one number with one pattern."""
    kind = np.dtype((np.void, points.dtype.itemsize * points.shape[1]))
    return np.ascontiguousarray(points + 0).view(kind)[:, 0]
