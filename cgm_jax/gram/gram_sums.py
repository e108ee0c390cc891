"""One Gram pass: all sums of the kernel that the rest of the package reads.

With blocks 1…n the parties and block n+1 the candidates, t points in all,

    R[x, j] = Σ_{x' in block j} k(x, x'),        B[i, j] = Σ_{x in block i} R[x, j].

All that follows is made of B and the candidates' rows of R. Memory is O(t·n).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from cgm_jax._shared.arrays import (
    AnyArray,
    ArrayLike,
    Points,
    Scalar,
    aligned,
    array_module,
    as_parties,
    as_points,
    as_sequence,
    is_traced,
    to_host,
    with_common_dtype,
)
from cgm_jax._shared.checks import as_whole
from cgm_jax._shared.platforms import platform_settings
from cgm_jax._shared.precision import at_once, matmul
from cgm_jax._shared.results import Result
from cgm_jax._shared.sharded import is_sharded, on_host
from cgm_jax.embeddings import FeatureMap
from cgm_jax.kernels.base import Kernel, centred

from .feature_sums import check_features, embeddings, rows_of_embeddings
from .few_dimensions import sums_by_waves, waves_of
from .mesh import as_mesh, on_device_of, sums_on_mesh
from .small_blocks import are_small, sums_between_small_blocks
from .tiles import (
    Blocks,
    rows_between_blocks,
    sums_between_blocks,
    sums_of_rows,
    sums_of_symmetric_rows,
)

__all__ = ["GramSums", "gram_sums"]

SMALL = 8  # tiles
SMALL_BYTES = 2**24  # of sums of all points with all parties


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class GramSums(Result):
    """Sums of a kernel between the n parties and the g candidates."""

    between: Float[AnyArray, "blocks blocks"]
    """B, shape ``(n+1, n+1)``, float64, symmetric; the candidates come last."""

    candidate_rows: Float[AnyArray, "g blocks"]
    """The candidates' rows of R, shape ``(g, n+1)``, float64."""

    sizes: Float[np.ndarray, " blocks"]
    """Number of points in every block, or their total weight, shape ``(n+1,)``; floats,
    so that products of sizes do not overflow."""

    @property
    def num_parties(self) -> int:
        """n."""
        return len(self.sizes) - 1

    @property
    def reference_size(self) -> Scalar:
        """t, the number of points of the reference set."""
        return self.sizes.sum()

    @property
    def pool(self) -> "GramSums":
        """The same parties with no candidates: the reference set is the pool alone."""
        n = self.num_parties
        keep = (np.arange(n + 1) < n).astype(float)
        return replace(
            self,
            between=self.between * (keep[:, None] * keep[None]),
            candidate_rows=self.candidate_rows[:0],
            sizes=self.sizes * keep,
        )


def gram_sums(
    kernel: Kernel,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    *,
    weights: Sequence[Float[ArrayLike, " _"]] | None = None,
    features: FeatureMap | None = None,
    tile_size: int | None = None,
    mesh: Mesh | None = None,
) -> GramSums:
    r"""Sums of the kernel between all parties and the candidates.

    .. math:: B_{ij} = \sum_{x \in D_i} \sum_{x' \in D_j} w_x w_{x'} k(x, x')

    They take time O(t²), tile by tile. On a CPU many points of up to three columns take
    O(t), if the kernel is made of squared exponentials and no tile size is given: it is
    then written as a sum of waves, to within 1e-13.

    Args:
        kernel: the kernel.
        parties: the parties' points, arrays of shape ``(n_i, d)``; sizes may differ.
        candidates: synthetic points, shape ``(g, d)``; g may be 0.
        weights: how much each of the parties' points counts, arrays of shape
            ``(n_i,)``, positive or 0, not all 0; a point of weight 2 counts as two. 1
            by default, and always for a candidate.
        features: features of the kernel, from `cgm_jax.embeddings`: with D of them
            the sums are inner products of sums of features, in time O(t·D) in place of
            O(t²), and approximate (`embedding_sums`).
        tile_size: points on the side of a tile: the same sums, and memory of
            ``tile_size**2`` kernel entries a core, twice that on an accelerator; 512 on
            a CPU, 2,048 elsewhere.
        mesh: devices that share the work, each holding its part of the points, as from
            ``jax.make_mesh((8,), ("x",))``; in several processes all call this with
            the same points. By default the mesh that points are sharded over, and no
            other device gets them. Few points of the host take one device.

    Returns:
        The sums, float64, of kernel entries in float64 if a point is, else in float32
        at least; inside the user's own ``jit`` in the dtype of the points.

    Raises:
        ValueError: if shapes do not fit, an entry is not finite, a weight is negative,
            a party's weights are all 0, ``tile_size < 1``, or points are on other
            devices than those of the mesh.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(1.0)
        >>> candidates = np.ones((3, 1))
        >>> sums = gram_sums(kernel, [np.zeros((2, 1)), np.ones((1, 1))], candidates)
        >>> sums.between[:, 2]
        array([3.6391839, 3.       , 9.       ])

        The same, the first party's two equal points being one of weight 2:

        >>> once = [np.zeros((1, 1)), np.ones((1, 1))]
        >>> weights = [np.array([2.0]), np.array([1.0])]
        >>> gram_sums(kernel, once, candidates, weights=weights) == sums
        True

    Reference:
        Tay et al. 2022, Eq. 2 and App. H.
    """
    points, drawn, of_points = as_weighted_blocks(parties, candidates, weights)
    given = kernel, features, points, drawn, of_points
    mesh = as_mesh(mesh, *points, drawn, traced=is_traced(given))
    side = checked_tile_size(tile_size)
    if features is not None:
        check_features(features, kernel, points[0])
    with at_once(given), on_device_of(mesh):
        if features is None:
            between, rows = sums_with_parties(
                kernel,
                points,
                drawn,
                tile_size,
                weights=of_points,
                among_candidates=True,
                mesh=mesh,
            )
            between = _with_candidates(between, rows)
        else:
            totals = embeddings(features, [*points, drawn], side, of_points, mesh)
            between = matmul(totals, totals.T)
            rows = rows_of_embeddings(features, points, drawn, totals, side, mesh)
    sizes = block_sizes(points, drawn, of_points)
    return GramSums(to_host(between), to_host(rows), sizes)


def _with_candidates(
    between: Float[AnyArray, "_ _"], rows: Float[AnyArray, "g blocks"]
) -> Float[AnyArray, "blocks blocks"]:
    """B with the candidates as its last block, for which there may be room already."""
    xp = array_module(between, rows)
    edge = xp.sum(rows, axis=0)
    if len(between) == len(edge):
        between[-1], between[:, -1] = edge, edge
        return between
    return xp.block([[between, edge[:-1, None]], [edge[None]]])


def as_weighted_blocks(
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    weights: Sequence[Float[ArrayLike, " _"]] | None,
) -> tuple[list[Points], Points, list[AnyArray] | None]:
    """Points and weights, checked, in one dtype; all traced where a weight is."""
    points, drawn = as_blocks(parties, candidates, sharded=True)
    of_points = None if weights is None else _as_weights(weights, points)
    if is_traced(of_points):  # inside of `jit` the points are part of the program, too
        points, drawn = jax.lax.optimization_barrier((points, drawn))
    return points, drawn, of_points


def block_sizes(
    points: list[Points], drawn: Points, weights: list[AnyArray] | None
) -> Any:
    """The number of points of every block, or their total weight."""
    if weights is None:
        return np.array([*map(len, points), len(drawn)], float)
    xp = array_module(weights)
    total = [to_host(xp.sum(w, dtype=float)) for w in weights]
    return xp.stack([*total, xp.asarray(float(len(drawn)))])


def _as_weights(
    weights: Sequence[Float[ArrayLike, " _"]], points: list[Points]
) -> list[AnyArray]:
    """The weights of every party's points, checked, in their dtype."""
    if not isinstance(weights, Iterable) or isinstance(weights, str | Mapping):
        raise TypeError(
            "Expected weights as a sequence of one array per party, got "
            f"{type(weights).__name__}."
        )
    given = list(weights)
    if len(given) != len(points):
        raise ValueError(
            f"Expected weights of {len(points)} parties, got those of {len(given)}."
        )
    arrays = []
    for i, (w, x) in enumerate(zip(given, points, strict=True)):
        array: Any = w if is_traced(w) else on_host(w)
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"Expected real numbers in weights[{i}], got dtype {array.dtype}."
            )
        array = array.astype(x.dtype)
        if array.shape != (len(x),):
            raise ValueError(
                f"Expected weights[{i}] of shape ({len(x)},), one per point, got "
                f"{array.shape}."
            )
        if not is_traced(array) and not (
            np.isfinite(array).all() and (array >= 0).all() and array.any()
        ):
            raise ValueError(
                f"Expected finite numbers >= 0 in weights[{i}], not all 0, got {array}."
            )
        arrays.append(array)
    return arrays


def default_tile_size() -> int:
    """Side of a tile that a core's cache or an accelerator likes."""
    return platform_settings().tile_size


def checked_tile_size(tile_size: int | None) -> int:
    """The side of a tile that was asked for, or the default."""
    if tile_size is None:
        return default_tile_size()
    return as_whole(tile_size, "tile_size", smallest=1)


def as_blocks(
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    *,
    sharded: bool = False,
) -> tuple[list[Points], Points]:
    """Parties and candidates, checked, with one number of columns and one dtype."""
    *parties, candidates = aligned(*as_sequence(parties), candidates)
    points = as_parties(parties, sharded=sharded)
    named = [(f"parties[{i}]", x) for i, x in enumerate(points)]
    *points, drawn = with_common_dtype(
        *named, ("candidates", as_points(candidates, "candidates", sharded=sharded))
    )
    return points, drawn


def sums_with_parties(
    kernel: Kernel,
    points: list[Points],
    candidates: Points,
    tile_size: int | None = None,
    *,
    weights: list[AnyArray] | None = None,
    among_candidates: bool = False,
    in_total: bool = False,
    mesh: Mesh | None = None,
) -> tuple[Float[AnyArray, "n n"], Float[AnyArray, "g columns"]]:
    """B between the parties, and R of the candidates over the parties.

    All that a party's own value needs; the last column of R, the candidates over
    themselves, only ``among_candidates``. ``in_total`` it may be one row, the sum of R.
    Without a tile size there may be no tiles.
    """
    may_have_waves = tile_size is None
    tile_size = checked_tile_size(tile_size)
    if may_have_waves:
        num_columns = 0 if in_total else len(points) + among_candidates
        if waves := waves_of(kernel, points, candidates, weights, num_columns):
            return sums_by_waves(waves, points, candidates, weights, num_columns)
    if mesh is not None and not _is_small_on_host(points, candidates, tile_size):
        return sums_on_mesh(
            mesh,
            kernel,
            points,
            candidates,
            tile_size,
            weights=weights,
            among_candidates=among_candidates,
        )
    *points, candidates = centred(kernel, *points, candidates)
    xp = array_module(kernel, points, candidates, weights)
    weight = None if weights is None else xp.concatenate(weights)
    if _is_small(kernel, points, candidates, weight, tile_size):
        between, rows = _small_sums(
            kernel,
            points,
            candidates,
            weight,
            tile_size,
            among_candidates=among_candidates,
        )
        return between, rows if among_candidates else rows[:, :-1]
    sizes = [*map(len, points)]
    of_pool = kernel, xp.concatenate(points), sizes, tile_size, weight
    is_small = are_small(len(sizes), sum(sizes), max(sizes), tile_size)
    if is_small and not is_traced(of_pool):
        between = sums_between_small_blocks(*of_pool, room=int(among_candidates))
    else:
        between = sums_between_blocks(Blocks.cut(*of_pool))
    if len(candidates) == 0:
        return between, xp.zeros((0, len(points) + among_candidates), between.dtype)
    pool = Blocks.cut(*of_pool)
    drawn = Blocks.cut(kernel, candidates, [len(candidates)], tile_size)
    own = sums_of_symmetric_rows(drawn) if among_candidates else None
    return between, sums_of_rows(drawn, pool, last=own)


def _is_small(
    kernel: Kernel | None,
    points: list[Points],
    candidates: Points,
    weight: AnyArray | list[AnyArray] | None,
    tile_size: int,
) -> bool:
    """Whether compiling takes longer than summing, so that one program is to do all."""
    num_points = sum(map(len, points)) + len(candidates)
    is_small = (
        num_points <= SMALL * tile_size and 8 * num_points * len(points) <= SMALL_BYTES
    )
    return is_small and not is_traced(kernel, points, candidates, weight)


def _is_small_on_host(points: list[Points], candidates: Points, tile_size: int) -> bool:
    """Whether it is not worth while to share points out to devices."""
    is_on_host = not any(map(is_sharded, (*points, candidates)))
    return is_on_host and _is_small(None, points, candidates, None, tile_size)


def _small_sums(
    kernel: Kernel,
    points: list[Points],
    candidates: Points,
    weight: AnyArray | None,
    tile_size: int,
    *,
    among_candidates: bool,
) -> tuple[Float[np.ndarray, "n n"], Float[np.ndarray, "g blocks"]]:
    """B between the parties and R of the candidates, parts of one R of all points."""
    sizes = [*map(len, points), len(candidates)]
    everyone = np.concatenate([*points, candidates])
    pool_size = sum(sizes[:-1])
    if weight is not None:
        weight = np.concatenate([weight, np.ones(len(candidates), weight.dtype)])
    blocks = Blocks.cut(kernel, everyone, sizes, tile_size, weight)
    row, column, share = blocks.pairs()
    if not among_candidates:
        has_party = row * blocks.members.block_of.shape[1] < pool_size
        row, column, share = (x[has_party] for x in (row, column, share))
    rows = np.asarray(rows_between_blocks(blocks, (row, column, share)))
    of_points = rows[:pool_size, :-1]
    if weight is not None:
        of_points = of_points * weight[:pool_size, None]
    half = np.add.reduceat(of_points, np.cumsum([0, *sizes[:-2]]), axis=0) / 2
    return half + half.T, rows[pool_size:]
