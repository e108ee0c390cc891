"""What a tile of points adds to sums of their features."""

from cgm_jax._shared.precision import matmul

from .tile_loops import add_at
from .tiles import rows_by_block

__all__ = ["add_embedding", "add_embedding_rows"]


def add_embedding(total, width, tile, features, points):
    """What a tile adds to M."""
    i, _, weight = tile
    sums = rows_by_block(features.embed(points.tiles[i]), points, i, width)
    return add_at(total, (points.first[i], 0), weight * sums)


def add_embedding_rows(total, width, tile, both, points):
    """What a tile adds to R, which is its own rows."""
    del width  # one block
    i, _, weight = tile
    features, totals = both
    phi = features.embed(points.tiles[i])
    rows = matmul(phi, totals.astype(phi.dtype).T)
    return add_at(total, (i, 0, 0), weight * rows[None])
