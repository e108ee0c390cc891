"""Points cut into tiles that the devices of a mesh share.

Points of the host are cut as for one device, and every device gets some of the tiles,
in order. Of points that are sharded, a device cuts what it has of every block.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from cgm_jax._shared.arrays import Points, rounded_up
from cgm_jax._shared.precision import compiled
from cgm_jax._shared.sharded import corners, is_sharded, on_host
from cgm_jax.kernels.base import Embedding, Kernel

from .embedding import check_embedding, embedded, overflow
from .tiles import Members, side_and_number

__all__ = [
    "AXIS",
    "ON_ALL",
    "ON_EACH",
    "Shares",
    "made_by",
    "on_each",
    "parameters",
    "put",
]

AXIS = "devices"
ON_ALL, ON_EACH = PartitionSpec(), PartitionSpec(AXIS)

Tiling = tuple[
    Int[np.ndarray, "devices num_tiles tile_size"],  # the point in every place
    Bool[np.ndarray, "devices num_tiles tile_size"],  # whether it is not a copy
]


class Shares(NamedTuple):
    """Points in blocks, cut into tiles: those of one device after those of another."""

    mesh: Mesh
    kernel: Kernel
    members: Members
    num_tiles: tuple[int, ...]  # of every device, with points; the others fill up
    place: Int[np.ndarray, " num_points"]  # of every point, among those of all tiles
    num_blocks: int
    width: int  # most blocks that meet in one tile

    @classmethod
    def cut(
        cls,
        mesh: Mesh,
        kernel: Kernel,
        sets: list[Points],
        tile_size: int,
        weights: list[np.ndarray] | None = None,
    ) -> "Shares":
        """Embed and cut points, one block a set."""
        sizes = np.array([*map(len, sets)])
        stay = any(map(is_sharded, sets))
        number, is_point = (_of_shards if stay else _of_host)(
            sizes, tile_size, mesh.size
        )
        side = number.shape[-1]
        by_tile = number.reshape(-1, side)
        if stay:
            tiles = _tiles_of_shards(mesh, sets, number.shape[1:])
        else:
            pool: np.ndarray = np.concatenate(sets)
            shape = *by_tile.shape, len(pool[0])
            tiles = made_by(mesh, shape, lambda index: pool[by_tile[index[0]]])
        block = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[by_tile]
        first = block[:, 0].copy()
        weight = np.ones(sizes.sum()) if weights is None else np.concatenate(weights)
        weight = np.where(is_point, weight[number], 0).astype(sets[0].dtype)
        place = np.empty(sizes.sum(), int)
        place[number[is_point]] = np.flatnonzero(is_point)
        members = Members(
            _embedding(mesh, kernel, sets, tiles),
            put(mesh, block - first[:, None]),
            put(mesh, weight.reshape(-1, side)),
            put(mesh, first),
        )
        has_points = is_point.any(axis=-1)
        last = np.where(has_points, np.arange(1, number.shape[1] + 1)[None], 0)
        return cls(
            mesh,
            kernel,
            members,
            tuple(last.max(axis=1).tolist()),
            place,
            len(sizes),
            rounded_up(int((block[:, -1] - first).max()) + 1),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Tiles of a device, and points of a tile."""
        num_tiles, side = self.members.block_of.shape
        return num_tiles // self.mesh.size, side


def _of_host(sizes: np.ndarray, tile_size: int, num_devices: int) -> Tiling:
    """The tiles of one device, shared out in order and as equally as can be."""
    num_points = int(sizes.sum())
    side, num_tiles = side_and_number(num_points, tile_size)
    shares = np.array_split(np.arange(num_tiles), num_devices)
    tile = np.full((num_devices, rounded_up(len(shares[0]))), num_tiles)
    for device, share in enumerate(shares):
        tile[device, : len(share)] = share
    number = tile[..., None] * side + np.arange(side)[None, None]
    return np.minimum(number, num_points - 1), number < num_points


def _of_shards(sizes: np.ndarray, tile_size: int, num_devices: int) -> Tiling:
    """Tiles of what each device has of every set, in equal parts but for the last."""
    parts = -(-sizes // num_devices)
    side, num_tiles = side_and_number(int(parts.sum()), tile_size)
    num_tiles = rounded_up(num_tiles)
    block, within = (
        np.repeat(x, parts) for x in (np.arange(len(sizes)), _starts(parts))
    )
    within = np.arange(parts.sum()) - within
    within = np.arange(num_devices)[:, None] * parts[block][None] + within[None]
    is_point = within < sizes[block][None]
    number = _starts(sizes)[block][None] + np.minimum(within, sizes[block][None] - 1)
    place, is_place = _places(int(parts.sum()), (num_tiles, side))
    return number[:, place], is_point[:, place] & is_place[None]


def _starts(sizes: np.ndarray) -> np.ndarray:
    return np.cumsum(sizes) - sizes


def _places(
    number: int, shape: tuple[int, ...]
) -> tuple[Int[np.ndarray, "..."], Bool[np.ndarray, "..."]]:
    """So many things in an array, which the last fills up; and where they are."""
    place = np.arange(np.prod(shape)).reshape(shape)
    return np.minimum(place, number - 1), place < number


def _tiles_of_shards(
    mesh: Mesh, sets: list[Points], shape: tuple[int, ...]
) -> Float[Array, "tiles side d"]:
    def part_of(points: Any) -> Array:
        """Shared out in equal parts, which the last point fills up."""
        padding = -len(points) % mesh.size
        if is_sharded(points):
            return _in_parts(mesh, points, padding)
        points, number = np.asarray(points), len(points) + padding
        row, _ = _places(len(points), (number,))
        shape = number, points.shape[1]
        return made_by(mesh, shape, lambda index: points[row[index[0]]])

    return _tiles(mesh, [part_of(x) for x in sets], shape)


@compiled(static_argnames=("mesh", "shape"))
def _tiles(mesh, parts, shape):
    def work(parts):
        rows = jnp.concatenate(parts)
        place, _ = _places(len(rows), shape)
        return rows[place]

    return on_each(mesh, work, ON_EACH)(parts)


@compiled(static_argnames=("mesh", "padding"))
def _in_parts(mesh, points, padding):
    points = jnp.pad(points, ((0, padding), (0, 0)), mode="edge")
    return lax.with_sharding_constraint(points, NamedSharding(mesh, ON_EACH))


def _embedding(
    mesh: Mesh, kernel: Kernel, sets: list[Points], tiles: Float[Array, "tiles side d"]
) -> Embedding:
    check_embedding(kernel, tiles)
    embedding, is_finite = _embedded(mesh, tiles, parameters(kernel))
    if not is_finite:
        seen = [corners(x) if is_sharded(x) else np.asarray(x) for x in sets]
        raise ValueError(overflow(kernel, np.concatenate(seen)))
    return embedding


@compiled(static_argnames="mesh")
def _embedded(mesh, tiles, kernel):
    def work(tiles, kernel):
        embedding, is_finite = embedded(kernel, tiles)
        return embedding, lax.pmin(is_finite.astype(jnp.int32), AXIS)

    return on_each(mesh, work, (ON_EACH, ON_ALL), ON_ALL)(tiles, kernel)


def parameters(kernel: Kernel) -> Kernel:
    """A kernel that is on no device, to go to all of them."""
    return jax.tree.map(lambda x: on_host(x) if isinstance(x, jax.Array) else x, kernel)


def on_each(
    mesh: Mesh, work: Callable[..., Any], out: Any, last: PartitionSpec = ON_EACH
) -> Callable[..., Any]:
    """A function that every device calls with its parts; of the last as it says."""

    def call(*args: Any) -> Any:
        specs = *(ON_EACH for _ in args[:-1]), last
        # A kernel of the user's need not know how its loops vary over a mesh.
        return jax.shard_map(
            work, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False
        )(*args)

    return call


def put(mesh: Mesh, array: np.ndarray) -> Array:
    """The same on all devices, the first axis cut into equal parts."""
    return made_by(mesh, array.shape, lambda index: array[index])


def made_by(
    mesh: Mesh, shape: tuple[int, ...], part: Callable[[Any], np.ndarray]
) -> Array:
    """An array of which every process makes the parts of its own devices."""
    return jax.make_array_from_callback(shape, NamedSharding(mesh, ON_EACH), part)
