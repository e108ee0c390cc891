r"""Sums of squared exponentials in one to three dimensions, without a pass over pairs.

In one dimension the trapezoid rule with frequencies hk makes of the kernel a sum of
waves, right to 1e-13 up to the width of the box of points (`embeddings.hermite`):

    exp(−r²/2) = Σ_k w_k cos(hkr) = φ(x)·φ(x'),   φ(x) = √w_k (cos hkx, sin hkx).

In several it is a product over dimensions, and so are features: Φ(x) = l(x) ⊗ r(x),
with r(x) the last dimension's and l(x) the others'. With a matrix for every block,

    M_j = Σ_{x in block j} l(x) r(x)ᵀ,   B_ij = ⟨M_i, M_j⟩,   R[x, j] = l(x)ᵀ M_j r(x),

so that all is products of matrices, in time O(t D) for D features in place of O(t²).
As frequencies are multiples of h, a wave is the product of two before it. All is in
float64, whatever the points are.

It is a relative of the fast Gauss transform, with waves for Hermite's expansions, and
one box of points for many.

Reference: L. Trefethen and J. Weideman, *The Exponentially Convergent Trapezoidal
Rule*, 2014; L. Greengard and J. Strain, *The Fast Gauss Transform*, 1991.
"""

import math
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, Points, is_traced
from cgm_jax._shared.platforms import platform
from cgm_jax._shared.workers import num_workers
from cgm_jax.embeddings.hermite import trapezoid
from cgm_jax.embeddings.spectra import squared_exponentials
from cgm_jax.kernels.base import Kernel

__all__ = ["Waves", "are_cheaper", "entries_by_waves", "sums_by_waves", "waves_of"]

MOST_DIMENSIONS = 3
TOLERANCE = 1e-13
POINTS = 2**13  # at a time
COLUMNS = 64  # of a product that BLAS takes at a time, or a multiple
NUMBERS = 2**21  # in an array of their features: 16 MiB
MOST_NUMBERS = 2**25  # in all M: 256 MiB
ON_ONE_CORE = 2**18  # multiplications of a product of which OpenBLAS gives none away
# In the time of a kernel entry of a tile, on all cores: operations of a product of
# matrices. Of one core: those in the time of a number of a feature, and of a call.
ENTRY, ELEMENT, CALL = 30, 60, 2**20
CHEAPER = 2  # times at least, as BLAS may have fewer cores, or be slower elsewhere
FEW = 2**23  # entries in the time of which no program of tiles is compiled


class Waves(NamedTuple):
    """Features of a squared exponential for points of a box."""

    origin: Float[np.ndarray, " d"]
    """The middle of the box."""

    steps: Float[np.ndarray, " d"]
    """h of every dimension, for points in their own units."""

    amplitudes: list[Float[np.ndarray, " _"]]
    """√w_k of every dimension for k >= 0, those of −k included."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of l and of r."""
        *others, right = (2 * len(amplitudes) - 1 for amplitudes in self.amplitudes)
        return (math.prod(others), right) if others else (right, 1)


def waves_of(
    kernel: Kernel,
    points: Sequence[Points],
    candidates: Points,
    weights: list[AnyArray] | None,
    num_columns: int,
) -> list[Waves] | None:
    """Features of a kernel, if with them sums are cheaper than by tiles.

    Those of each of the squared exponentials that a kernel is a sum of; ``num_columns``
    of R are asked for, 0 if only its sum. There are none for what is traced, or on the
    devices of other processes.
    """
    d, sizes = points[0].shape[1], [*map(len, points)]
    if platform() != "cpu" or d > MOST_DIMENSIONS:
        return None
    if is_traced(kernel, points, candidates, weights) or not all(
        getattr(x, "is_fully_addressable", True) for x in (*points, candidates)
    ):
        return None
    own = [np.asarray(x) for x in (*points, candidates) if len(x)]
    low = np.min([x.min(axis=0) for x in own], axis=0).astype(float)
    high = np.max([x.max(axis=0) for x in own], axis=0).astype(float)
    with np.errstate(over="ignore"):
        if (terms := squared_exponentials(kernel, d)) is None:
            return None
        widths = [(high - low) / scales for _, scales in terms]
    pool, drawn = sum(sizes), len(candidates)
    entries = pool * (pool / 2 + drawn) + (num_columns > len(points)) * drawn**2 / 2
    work = (entries_by_waves(x, len(sizes), pool, drawn, num_columns) for x in widths)
    if not are_cheaper(sum(work), entries):
        return None
    return [
        _waves(low + (high - low) / 2, width, *term)
        for width, term in zip(widths, terms, strict=True)
    ]


def are_cheaper(entries_by_waves: float, entries: float) -> bool:
    """Whether waves take the place of a pass over so many entries of the kernel."""
    return bool(entries_by_waves <= max(entries / CHEAPER, FEW))


def entries_by_waves(
    widths: Sequence[float] | Float[np.ndarray, " d"],
    num_parties: int,
    num_points: int,
    num_candidates: int,
    num_columns: int,
) -> float:
    """The kernel entries that take as long, in a box of so many length scales."""
    num = [_num_features(width) for width in widths]
    features, left = math.prod(num), math.prod(num[:-1]) if len(num) > 1 else num[0]
    if features * (num_parties + 1) > MOST_NUMBERS:
        return math.inf
    total, of_rows = num_points + num_candidates, num_candidates * num_columns
    products = 2 * features * (total + of_rows + num_parties**2)
    made = 2 * total * (left + sum(num)) + of_rows * features / left
    calls = num_parties + total * left / NUMBERS
    return (products + num_workers() * (ELEMENT * made + CALL * calls)) / ENTRY


def sums_by_waves(
    waves: list[Waves],
    points: Sequence[Points],
    candidates: Points,
    weights: list[AnyArray] | None,
    num_columns: int,
) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, "g columns"]]:
    """B, and so many columns of R; if none, the sum of R over candidates as one row."""
    n, points, drawn = len(points), [*map(np.asarray, points)], np.asarray(candidates)
    between = np.zeros((n, n))
    rows = np.zeros((len(drawn), num_columns) if num_columns else (1, n))
    for one in waves:
        given = weights or [None] * n
        totals = [_total(one, *pair) for pair in zip(points, given, strict=True)]
        totals = np.stack([*totals, _total(one, drawn)])
        of_candidates, flat = totals[-1].reshape(-1), totals[:n].reshape(n, -1)
        between += flat @ flat.T
        if num_columns:
            _add_rows(rows, one, drawn, totals[:num_columns])
        else:
            rows += flat @ of_candidates
    # Of what is next to nothing rounding decides the sign.
    return np.maximum(between, 0), np.maximum(rows, 0)


def _num_features(width: float) -> float:
    step, reach = trapezoid(width, TOLERANCE)
    return 1 + 2 * np.ceil(reach / step) if step else math.inf


def _waves(
    origin: Float[np.ndarray, " d"],
    widths: Float[np.ndarray, " d"],
    factor: float,
    scales: Float[np.ndarray, " d"],
) -> Waves:
    steps = np.array([trapezoid(width, TOLERANCE)[0] for width in widths])
    amplitudes = []
    for step, width in zip(steps, widths, strict=True):
        k = np.arange((_num_features(width) + 1) / 2)
        density = np.exp(-((step * k) ** 2) / 2) / math.sqrt(2 * math.pi)
        amplitudes.append(np.sqrt(step * density * np.where(k > 0, 2, 1)))
    amplitudes[0] = math.sqrt(factor) * amplitudes[0]
    return Waves(origin, steps / scales, amplitudes)


def _total(
    waves: Waves, points: Points, weights: AnyArray | None = None
) -> Float[np.ndarray, "left right"]:
    """M of a block."""
    total = np.zeros(waves.shape)
    for part, left, right in _features(waves, points):
        total += _product(left, right if weights is None else right * weights[part])
    return total


def _product(
    left: Float[np.ndarray, "m num"], right: Float[np.ndarray, "k num"]
) -> Float[np.ndarray, "m k"]:
    """A product over points, in pieces if they are not too small.

    BLAS would share it out and wait for the other cores a hundred times, which takes
    long where they are busy.
    """
    side = ON_ONE_CORE // (len(left) * len(right))
    if side < 16:
        return left @ right.T
    end = left.shape[1] // side * side
    x, y = (z[:, :end].reshape(len(z), -1, side) for z in (left, right))
    pieces = x.transpose(1, 0, 2) @ y.transpose(1, 2, 0)
    return pieces.sum(axis=0) + left[:, end:] @ right[:, end:].T


def _add_rows(
    rows: Float[np.ndarray, "g columns"],
    waves: Waves,
    points: Points,
    totals: Float[np.ndarray, "columns left right"],
) -> None:
    """Add R of points over blocks, some blocks at a time.

    BLAS rounds the last few columns of a product differently. Here they are none of the
    points, so that equal points have equal sums wherever they are.
    """
    transposed = np.ascontiguousarray(totals.transpose(0, 2, 1))
    filled = np.pad(points, ((0, -len(points) % COLUMNS), (0, 0)), mode="edge")
    for part, left, right in _features(waves, filled):
        some = max(1, NUMBERS // right.size)
        for first in range(0, len(totals), some):
            blocks = slice(first, first + some)
            products = transposed[blocks].reshape(-1, len(left)) @ left
            products = products.reshape(-1, *right.shape)
            found = np.einsum("jrx,rx->xj", products, right)
            rows[part, blocks] += found[: len(rows[part])]


def _features(
    waves: Waves, points: Points
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Some points at a time, and their l and r, a column each."""
    some = max(1, min(POINTS, NUMBERS // waves.shape[0]) // COLUMNS) * COLUMNS
    for first in range(0, len(points), some):
        part = slice(first, first + some)
        phases = (np.asarray(points[part], float) - waves.origin) * waves.steps
        made = [
            _in_one_dimension(phase, amplitudes)
            for phase, amplitudes in zip(phases.T, waves.amplitudes, strict=True)
        ]
        if len(made) == 1:
            made.append(np.ones((1, len(phases))))
        *others, right = made
        yield part, reduce(_products, others), right


def _in_one_dimension(
    phase: Float[np.ndarray, " num"], amplitudes: Float[np.ndarray, " waves"]
) -> Float[np.ndarray, "features num"]:
    """φ, a column for each phase: all cosines, then the sines for k > 0."""
    waves = np.empty((len(amplitudes), len(phase)), np.complex128)
    waves[0] = 1
    waves[1] = np.exp(1j * phase)
    done = 2
    while done < len(waves):
        more = min(done - 1, len(waves) - done)
        waves[done : done + more] = waves[1 : 1 + more] * waves[done - 1]
        done += more
    waves *= amplitudes[:, None]
    return np.concatenate([np.real(waves), np.imag(waves[1:])])


def _products(
    left: Float[np.ndarray, "m num"], right: Float[np.ndarray, "k num"]
) -> Float[np.ndarray, "mk num"]:
    return (left[:, None] * right[None]).reshape(-1, left.shape[1])
