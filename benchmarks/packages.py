"""Sums over all pairs beside other packages and a plain JAX program.

KeOps and coreax are installed into environments of their own, as the generators in
``peers`` are; one that does not install here, or does not run, is left out with a word.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgm_jax.gram import gram_sums
from cgm_jax.gram.gram_sums import default_tile_size
from cgm_jax.kernels import SquaredExponential

from . import plain
from .data import clusters
from .peers.peer import ENVIRONMENTS, Peer, SkippedError, installed, printed_by
from .rows import Baseline, Row, relative_error
from .timing import Timing, measure, measure_in_turn

__all__ = ["rows"]

_PEERS = (
    Peer("pykeops", ("pykeops", "numpy"), "pykeops: MIT"),
    Peer("coreax", ("coreax",), "coreax: Apache-2.0"),
)
_PROGRAM = Path(__file__).parent / "peers" / "sums.py"
_TILE, _RUNS, _NUM_CHECKED = 512, 3, 256
_AGREES = 1e-4  # relative, of sums in float32


def rows(*, small: bool) -> Iterator[Row]:
    """Σ_y k(x, y) of every point x, beside the same by others.

    Args:
        small: whether to run at a size that only shows that all works, beside the plain
            program alone.

    Yields:
        One row for each of them.
    """
    for num_dims in (2,) if small else (2, 8):
        problem = clusters(num_dims, 1, 0, 1_000 if small else 10_000)
        points, length_scale = problem.candidates, problem.length_scale
        kernel, nobody = SquaredExponential(length_scale), [points[:1]]

        def ours(kernel=kernel, nobody=nobody, points=points) -> np.ndarray:
            side = default_tile_size()  # given, there are tiles in two dimensions, too
            sums = gram_sums(kernel, nobody, points, tile_size=side)
            return np.asarray(sums.candidate_rows)[:, 1]

        def plainly(points=points, length_scale=length_scale) -> np.ndarray:
            return np.asarray(_plain_sums(points, length_scale))

        mine, plain_timing = measure_in_turn(ours, plainly, runs=_RUNS)
        yield _row(problem.candidates, length_scale, mine, "plain JAX", plain_timing)
        for peer in () if small else _PEERS:
            try:
                name, theirs = _of_peer(peer, points, length_scale)
            except SkippedError as error:
                print(f"{peer.name} is skipped: {error}", file=sys.stderr)
                continue
            # Now, and not with the plain program: the machine may have changed.
            yield _row(points, length_scale, measure(ours, runs=_RUNS), name, theirs)


@jax.jit
def _plain_sums(points: Float[Array, "n d"], length_scale: float) -> Float[Array, " n"]:
    """What a user of JAX would write first: a map over tiles of rows and columns."""
    num_tiles = -(-len(points) // _TILE)
    padding = num_tiles * _TILE - len(points)
    tiles = jnp.pad(points, ((0, padding), (0, 0))).reshape(num_tiles, _TILE, -1)
    weight = (jnp.arange(num_tiles * _TILE) < len(points)).reshape(num_tiles, _TILE)

    def of_rows(x: Float[Array, "tile d"]) -> Float[Array, " tile"]:
        def of_columns(total, other):
            y, is_point = other
            r2 = jnp.sum((x[:, None] - y[None]) ** 2, axis=-1)
            k = jnp.exp(r2 / (-2 * length_scale**2))
            return total + jnp.sum(jnp.where(is_point[None], k, 0), axis=1), None

        start = jnp.zeros(_TILE, points.dtype)
        return jax.lax.scan(of_columns, start, (tiles, weight))[0]

    return jax.lax.map(of_rows, tiles).reshape(-1)[: len(points)]


def _of_peer(
    peer: Peer, points: Float[np.ndarray, "n d"], length_scale: float
) -> tuple[str, Timing[np.ndarray]]:
    """The peer's name and version, its times and its sums."""
    python = installed(peer, ENVIRONMENTS)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "points.npy"), Path(folder, "sums.npy")
        np.save(source, points)
        words = [python, _PROGRAM, peer.name, source, length_scale, _RUNS, target]
        last = printed_by(words, "it fails").splitlines()[-1]
        version, first, *warm = json.loads(last)
        seconds = float(np.median(warm))
        sums = np.load(target)
        return f"{peer.name} {version}", Timing(seconds, first - seconds, _RUNS, sums)


def _row(
    points: Float[np.ndarray, "n d"],
    length_scale: float,
    mine: Timing[np.ndarray],
    name: str,
    theirs: Timing[np.ndarray],
) -> Row:
    exact = points.astype(float)
    checked = np.linspace(0, len(points) - 1, _NUM_CHECKED).astype(int)
    truth = plain.sums_over(exact, exact[checked], length_scale)
    error, their_error = (
        relative_error(timing.result[checked], truth) for timing in (mine, theirs)
    )
    if their_error > _AGREES:
        raise RuntimeError(f"Expected the same sums of {name}, off by {their_error}.")
    return Row(
        name="sums over all pairs beside other packages",
        size={"t": len(points), "d": points.shape[1]},
        seconds=mine.seconds,
        compile_seconds=mine.compile_seconds,
        runs=mine.runs,
        throughput=len(points) ** 2 / mine.seconds,
        unit="pairs/s",
        error=error,
        error_against=f"plain sums of {len(checked)} points, float64",
        baseline=Baseline(
            f"{name}, error {their_error:.0e}, its first call "
            f"{theirs.compile_seconds:.3g} s longer",
            theirs.seconds,
            None,
        ),
    )
