"""What every step of a collaboration holds and does, counted from its sizes alone.

Bytes are those of the arrays that the code makes, step by step. Work is counted in
kernel entries and other units whose speed `Rates` has. Where the code may go one of two
ways, the larger number of bytes is taken: bytes grow with every size.
"""

from typing import NamedTuple

import numpy as np

from cgm_jax._shared.arrays import rounded_up
from cgm_jax.gram.few_dimensions import (
    MOST_DIMENSIONS,
    are_cheaper,
    entries_by_waves,
)
from cgm_jax.gram.gram_sums import SMALL_BYTES
from cgm_jax.gram.length_scale import MAX_POINTS, MIN_POINTS, WORTH_IT
from cgm_jax.gram.small_blocks import AT_ONCE, are_small
from cgm_jax.gram.tile_loops import TOTALS
from cgm_jax.gram.tiles import BAND
from cgm_jax.kernels.packed import BITS, FEWEST
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

__all__ = [
    "Task",
    "Work",
    "allocator",
    "drawing",
    "kernel_sums",
    "length_scale",
    "one_pass",
    "points",
    "reward_scheme",
    "standard_errors",
]

EXACT_PASSES = 3  # two to six over all points, where a sample shows the way
HALVINGS = 14  # of the 20 there are, where none does: at the others the kernel is flat
ESTIMATES = 40  # passes over a sample
TILE_COPIES = 4  # of a tile of the kernel, at a time
# A TPU has no float64: XLA makes it of several float32 numbers, and keeps so many
# copies of a tile (2.3 GB of one of 4,096 points on a v5e).
TPU_FLOAT64_COPIES = 17
BOX = 6.0  # length scales on a side of the box of points, where waves are summed
PAIR = 50  # bytes of a tile in the list of tiles, its copies included
MAPPED = 2**25  # bytes: the C library gives larger arrays back when they are freed
NODES = 1_500  # of the quadrature for Shapley values, about
WIDTH = 128  # of them at a time
RESAMPLED = 2**25  # numbers of resamples at a time: multiplicities, or sums


class Task(NamedTuple):
    """The sizes of a collaboration, what computes it, and what is to be done.

    Attributes:
        num_parties: n.
        num_rows: points of all parties.
        num_columns: d.
        num_candidates: g.
        dtype: of the points, "float32" or "float64".
        platform: what computes, "cpu", "gpu" or "tpu".
        num_workers: threads that compute at a time.
        tile_size: points on the side of a tile.
        search_length_scale: whether it is searched.
        from_files: whether rows come from files and promises are audited, as in
            ``cgm-jax run``.
        stress_test: whether cheating is tried out, too.
        num_resamples: for standard errors; 0: without.
        num_two_valued: columns of two values each, which a draw reads as bits.
        file_bytes: bytes of the files.
        fits_generators: whether generators of rows are fitted before.
        largest: points of the largest party.
    """

    num_parties: int
    num_rows: int
    num_columns: int
    num_candidates: int
    dtype: str
    platform: str
    num_workers: int
    tile_size: int
    search_length_scale: bool = True
    from_files: bool = False
    stress_test: bool = False
    num_resamples: int = 0
    num_two_valued: int = 0
    file_bytes: int = 0
    fits_generators: bool = False
    largest: int = 1

    @property
    def itemsize(self) -> int:
        """Bytes of a number of a point."""
        return np.dtype(self.dtype).itemsize

    @property
    def row(self) -> int:
        """Bytes of a point."""
        return self.num_columns * self.itemsize

    @property
    def row_of_draw(self) -> int:
        """Bytes of a candidate where it is drawn."""
        if self.num_two_valued < FEWEST:
            return self.row
        others = self.num_columns - self.num_two_valued
        return others * self.itemsize + 4 * -(-self.num_two_valued // BITS)

    @property
    def keeps_blocks(self) -> bool:
        """Whether every party's points stay together in one tile."""
        sizes = self.num_parties, self.num_rows, self.largest
        return self.is_on_host and are_small(*sizes, self.tile_size)

    @property
    def is_on_host(self) -> bool:
        """Whether the device's memory is that of the host."""
        return self.platform == "cpu"


class Work(NamedTuple):
    """What one step needs."""

    kept: float = 0  # bytes of host memory that stay, once it is done
    host: float = 0  # bytes of host memory while it runs, those included
    device: float = 0  # bytes of the device's memory while it runs
    pairs: float = 0  # kernel entries of points among themselves
    cross: float = 0  # and between the parties' points and the candidates
    starts: float = 0  # of draws
    flops: float = 0  # of products in float64
    picks: float = 0
    seconds: float = 0  # besides, on any device

    def with_programs(self, num_bytes: int | float) -> "Work":
        """The same, and what the step imports and compiles, which stays."""
        return self._replace(kept=self.kept + num_bytes, host=self.host + num_bytes)


def points(task: Task) -> Work:
    """The points of the parties and the candidates; rows of files besides."""
    kept = (task.num_rows + task.num_candidates) * task.row
    if task.from_files:  # in float64, too, and what the generator keeps
        kept += task.num_rows * (8 * task.num_columns + 2 * task.row)
    return Work(kept, kept)


def length_scale(task: Task) -> Work:
    """The search: some passes over all points, and many over a sample of them."""
    exact = _by_waves(task, one_pass(task, among_candidates=False), 0)
    sample = one_pass(_sample(task), among_candidates=False)
    if _num_pairs(task) <= WORTH_IT * _num_pairs(_sample(task)):
        numbers = HALVINGS * exact.pairs, HALVINGS * exact.cross
    else:
        numbers = tuple(
            EXACT_PASSES * of_all + ESTIMATES * of_sample
            for of_all, of_sample in zip(exact[3:5], sample[3:5], strict=True)
        )
    return exact._replace(kept=0, pairs=numbers[0], cross=numbers[1])


def kernel_sums(task: Task) -> Work:
    """One pass over all pairs, whose sums stay."""
    columns = task.num_parties + 1
    return _by_waves(task, one_pass(task, among_candidates=True), columns)


def allocator(task: Task) -> int | float:
    """Bytes that the C library keeps of a pass's arrays that it does not map."""
    if not task.is_on_host:
        return 0
    pool, drawn, num_columns = _layout(task)
    points = sum(tiles.cutting + tiles.device for tiles in (pool, drawn))
    rows = 8 * task.num_candidates * task.num_parties
    band = _bands(task, drawn, num_columns) / task.num_workers
    return min(rows, MAPPED) + min(band, MAPPED) + min(points, 3 * MAPPED)


def reward_scheme(task: Task) -> Work:
    """Values of coalitions, Shapley values, and the linear programme."""
    n = task.num_parties
    if n <= MAX_TABLE_PARTIES:
        table = 8 * 2**n
        return Work(kept=table, host=3 * table, flops=64 * 2**n)
    # Coalitions of n parties by n parties, four times, and then the quadrature.
    square = 8 * n**2
    host, device = 4 * square, square + 12 * WIDTH * 8 * n
    if task.is_on_host:
        host, device = max(host, device), 0
    return Work(0, host, device, flops=2 * NODES * n**2)


def drawing(task: Task, num_picks: int) -> Work:
    """So many picks of every party."""
    n, g, workers = task.num_parties, task.num_candidates, task.num_workers
    num_picks = min(num_picks, g)
    places = max(256, rounded_up(g, steps=8))
    held = g * task.row + places * task.row_of_draw
    lanes = workers * places * (40 + 8 * task.itemsize)
    arranging = places * task.row  # as the points of a grid
    kept = 16 * n * num_picks
    host = kept + workers * 100 * num_picks + held
    host += max(arranging, places * 48 + lanes)
    device = 0
    if not task.is_on_host:
        device = places * (task.row + task.row_of_draw + 8 + 8 * task.itemsize)
    return Work(kept, host, device, starts=n, picks=n * num_picks)


def standard_errors(task: Task) -> Work:
    """Resamples of the parties' rows: some passes over all pairs, and a scheme each."""
    n, num = task.num_parties, task.num_resamples
    one, scheme = one_pass(task, among_candidates=False), reward_scheme(task)
    size = max((n + 1) ** 2, task.num_rows)
    passes = -(-num // max(1, RESAMPLED // size))
    # The resampled numbers are there as such, by tiles, and by threads.
    numbers = min(num * size, max(RESAMPLED, size))
    host = 8 * numbers * (2 + task.num_workers * task.is_on_host)
    return Work(
        kept=24 * num * n,
        host=24 * num * n + host + max(one.host, scheme.host),
        device=0 if task.is_on_host else one.device + 16 * numbers,
        pairs=passes * one.pairs,
        cross=passes * one.cross,
        flops=num * (2 * one.pairs + scheme.flops),
    )


def one_pass(task: Task, *, among_candidates: bool) -> Work:
    """Sums over all pairs of points, those of two candidates included or not."""
    n, g = task.num_parties, task.num_candidates
    pool, drawn, num_columns = _layout(task)
    square = 8 * num_columns**2
    totals = min(task.num_workers * square, max(TOTALS, square))
    rows = 8 * g * (n + among_candidates)
    bands = _bands(task, drawn, num_columns)
    copies = TILE_COPIES
    if task.platform == "tpu" and task.itemsize == 8:
        copies = TPU_FLOAT64_COPIES
    tile = copies * task.itemsize * max(pool.side, drawn.side) ** 2
    tiles = task.num_workers * tile
    lists = PAIR * max(pool.pairs_of_tiles, drawn.pairs_of_tiles * among_candidates)
    on_device = pool.device + drawn.device
    small = min(3 * 8 * (task.num_rows + g) * num_columns, 3 * SMALL_BYTES)
    if task.is_on_host:
        whole = 8 * (n + 1) ** 2  # B of the parties and the candidates
        summing = pool.device + totals + square + lists + tiles
        if task.keeps_blocks:
            square, whole, summing = whole, 0, _in_whole_blocks(task, tiles)
        steps = (
            pool.cutting + pool.device,
            summing,
            pool.device + square + drawn.cutting + drawn.device,
            on_device + square + rows + max(bands, lists) + tiles,
            square + rows + whole,
            small,
        )
        host, device = max(steps), 0
    else:
        host = max(
            pool.cutting,
            2 * square + max(lists, drawn.cutting),
            square + rows + max(bands, lists, 8 * (n + 1) ** 2),
            small,
        )
        device = on_device + max(2 * square, bands, small) + tile
    kept = rows + 8 * (n + 1) ** 2 if among_candidates else 0
    pairs = pool.pairs + among_candidates * drawn.pairs
    return Work(kept, host, device, pairs, pool.places * drawn.places)


def _by_waves(task: Task, work: Work, num_columns: int) -> Work:
    """A pass of a squared exponential, which may take less (`few_dimensions`)."""
    n, num_rows, g = task.num_parties, task.num_rows, task.num_candidates
    if not task.is_on_host or task.num_columns > MOST_DIMENSIONS:
        return work
    box = [BOX] * task.num_columns
    entries = entries_by_waves(box, n, num_rows, g, num_columns)
    by_tiles = work.pairs + work.cross
    if not are_cheaper(entries, by_tiles):
        return work
    # Of few points they save compiling, which is no part of this, and take longer.
    return work._replace(pairs=min(entries, by_tiles), cross=0)


def _in_whole_blocks(task: Task, tiles: int) -> int | float:
    """Bytes of the host while B is made of tiles of whole blocks: `small_blocks`."""
    n, side = task.num_parties, task.tile_size
    blocks = max(1, side * n // task.num_rows)  # of a tile
    places = (n / blocks + 1) * side
    of_pair = rounded_up(blocks) ** 2 if task.largest > 1 else side**2
    sums = task.num_workers * AT_ONCE * of_pair * task.itemsize
    return 8 * (n + 1) ** 2 + places * (task.row + 40) + sums + tiles


def _layout(task: Task) -> tuple["_Tiles", "_Tiles", int]:
    """Tiles of the parties' points and of the candidates, and columns of a total."""
    pool, drawn = (_cut(task, num) for num in (task.num_rows, task.num_candidates))
    n = task.num_parties
    return pool, drawn, rounded_up(max(8, n + min(n, task.tile_size) - 1))


def _bands(task: Task, drawn: "_Tiles", num_columns: int) -> int | float:
    """Bytes of the rows' sums that all threads work on."""
    band = 8 * drawn.side * num_columns
    share = -(-drawn.num_tiles // task.num_workers)
    return task.num_workers * max(band, min(BAND, band * share))


class _Tiles(NamedTuple):
    """Some points in tiles."""

    side: int
    num_tiles: int
    device: float  # bytes of the tiles, and of what says whose the points are
    cutting: float  # bytes of the host while they are cut

    @property
    def places(self) -> int | float:
        return float(self.num_tiles) * self.side

    @property
    def pairs_of_tiles(self) -> int | float:
        """Those on and above the diagonal."""
        return self.num_tiles * (self.num_tiles + 1) / 2

    @property
    def pairs(self) -> int | float:
        """Kernel entries of the points with themselves, each pair once."""
        return self.pairs_of_tiles * self.side**2


def _cut(task: Task, num_points: int) -> _Tiles:
    side = min(task.tile_size, max(64, 1 << max(0, num_points - 1).bit_length()))
    num_tiles = -(-num_points // side)
    places = rounded_up(max(1, num_tiles)) * side
    device = places * (task.row + task.itemsize + 8)
    cutting = num_points * task.row + places * (task.row + 24)
    return _Tiles(side, num_tiles, device, cutting)


def _sample(task: Task) -> Task:
    """The points that a length scale is estimated with."""
    n, num_rows = task.num_parties, task.num_rows
    share = min(num_rows / n, max(MIN_POINTS, MAX_POINTS / n))
    return task._replace(
        num_rows=max(1, round(n * share)),
        num_candidates=min(task.num_candidates, MAX_POINTS),
    )


def _num_pairs(task: Task) -> int | float:
    return float(task.num_rows) * (task.num_rows + task.num_candidates)
