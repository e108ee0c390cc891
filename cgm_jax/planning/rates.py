"""How fast this device is: short trials of the programs that take nearly all the time.

Nothing is known of a device beforehand: kernel entries, picks, products and the
compiler are timed, on points of the columns and the dtype asked for. It takes about two
seconds, and as long again where the programs have not been compiled before.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike, Float

from cgm_jax._shared.checks import as_whole
from cgm_jax._shared.platforms import platform
from cgm_jax._shared.precision import at_once, matmul, on_numbers
from cgm_jax._shared.workers import num_workers
from cgm_jax.gram.gram_sums import GramSums, default_tile_size
from cgm_jax.gram.tiles import Blocks, sums_between_blocks, sums_of_rows
from cgm_jax.kernels import Kernel, SquaredExponential
from cgm_jax.sampling.pick_many import PICKS_PER_CHUNK
from cgm_jax.sampling.weighted_sampling import draw_rewards

__all__ = ["Rates", "measured_rates"]

NUM_TILES, FEW_TILES = 24, 8  # on a CPU; of another device or of many columns
MANY_COLUMNS = 128
NUM_PICKS = 512
MOST_CANDIDATES = 2**17  # with more, a pick takes longer in proportion
MOST_ENTRIES = 2**22  # and with more coordinates than caches hold, too


class Rates(NamedTuple):
    """The speed of a device with a kernel, for points of some columns and dtype.

    Attributes:
        pairs: kernel entries a second, of points among themselves, on all cores.
        cross: the same between the parties' points and the candidates.
        starts: parties a second whose draw is set up.
        picks: picks a second, of all parties together, among ``num_candidates``.
        num_candidates: how many candidates there were to pick from.
        flops: operations a second of a product in float64.
        compilation: seconds to trace and compile one program; next to none where this
            process has done so before.
    """

    pairs: float
    cross: float
    starts: float
    picks: float
    num_candidates: int
    flops: float
    compilation: float


@on_numbers()
def measured_rates(
    sizes: Sequence[int],
    num_columns: int,
    num_candidates: int,
    *,
    kernel: Kernel | None = None,
    dtype: DTypeLike = np.float32,
    like: Float[np.ndarray, "m d"] | None = None,
) -> Rates:
    """Time short trials on the default device, in about two seconds beside compiling.

    Args:
        sizes: how many points every party has; blocks of that size are summed.
        num_columns: d, the number of columns of the points.
        num_candidates: how many candidates are drawn from.
        kernel: the squared exponential by default.
        dtype: that of the points, float32 or float64.
        like: some points such as the candidates', which picks are timed with: they are
            faster where many columns have two values. Normal ones by default.

    Returns:
        The speeds, for `plan`.

    Example:
        >>> rates = measured_rates([100, 200], 2, 1_000)
        >>> min(rates[:-1]) > 0
        True
    """
    d = as_whole(num_columns, "num_columns", smallest=1)
    g = as_whole(num_candidates, "num_candidates", smallest=1)
    kernel = SquaredExponential(d**0.5) if kernel is None else kernel
    mean_size = max(1, round(sum(sizes) / len(sizes)))
    rng = np.random.default_rng(0)
    with at_once():
        compilation, pairs, cross = _of_a_pass(kernel, rng, mean_size, d, dtype)
        g = min(g, MOST_CANDIDATES, max(1, MOST_ENTRIES // d))
        drawn = rng.normal(size=(g, d)) if like is None else rng.choice(like, g)
        starts, picks = _of_a_draw(kernel, drawn.astype(dtype))
        return Rates(pairs, cross, starts, picks, g, _of_a_product(), compilation)


def _of_a_pass(
    kernel: Kernel, rng: np.random.Generator, size: int, d: int, dtype: DTypeLike
) -> tuple[float, float, float]:
    """Seconds to compile a program, and kernel entries a second of both kinds."""
    side = default_tile_size()
    is_short = platform() == "cpu" and d < MANY_COLUMNS
    num_tiles = NUM_TILES if is_short else FEW_TILES
    num = side * num_tiles
    points = rng.normal(size=(num, d)).astype(dtype)
    size = min(size, num)
    sizes = [*[size] * (num // size), *[num % size] * (num % size > 0)]

    def among() -> Any:
        return sums_between_blocks(Blocks.cut(kernel, points, sizes, side))

    pool = Blocks.cut(kernel, points, sizes, side)
    drawn = Blocks.cut(kernel, points, [num], side)

    def across() -> Any:
        return sums_of_rows(drawn, pool)

    (first, *again), (first_across, *again_across) = (
        [_seconds_of(work) for _ in range(3)] for work in (among, across)
    )
    # Nothing, of programs that this process has compiled before.
    compilation = max(0.0, first + first_across - min(again) - min(again_across))
    pairs = side**2 * num_tiles * (num_tiles + 1) / 2
    return compilation / 2, pairs / min(again), num**2 / min(again_across)


def _of_a_draw(kernel: Kernel, candidates: np.ndarray) -> tuple[float, float]:
    """Parties a second whose draw begins, and picks a second of all threads."""
    n, g = 2 * num_workers(), len(candidates)
    # Sums of nothing, but about as unlike as those of parties that are drawn for.
    rows = 0.2 * g + np.random.default_rng(0).uniform(-10, 10, (g, n + 1))
    sums = GramSums(np.ones((n + 1, n + 1)), rows, np.ones(n + 1) * g)
    few, many = (min(num, g) for num in (1, NUM_PICKS))

    def work(num_picks: int) -> Any:
        return draw_rewards(
            [jax.random.key(0)],
            kernel,
            candidates,
            sums,
            np.full(n, 1e9),
            inverse_temperatures=[1.0],
            max_picks=num_picks,
        )

    work(few)
    short, long = (
        min(_seconds_of(partial(work, num)) for _ in range(2)) for num in (few, many)
    )
    chunks = max(1, -(-many // PICKS_PER_CHUNK) - 1)
    # A clock may say anything of so short a time, but not that it went back.
    of_chunk = max(long - short, long / (chunks + 1) / 2) / chunks
    start = max(short - of_chunk, of_chunk / PICKS_PER_CHUNK)
    return n / start, n * PICKS_PER_CHUNK / of_chunk


def _of_a_product() -> float:
    x, y = jnp.ones((128, 1_024)), jnp.ones((1_024, 1_024))
    work = partial(jax.jit(matmul), x, y)
    _seconds_of(work)
    return 2 * x.size * 1_024 / _seconds_of(work)


def _seconds_of(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - start
