"""Run by a peer's own Python: sums of a kernel over all pairs of points, timed.

``python sums.py PEER POINTS.npy LENGTH_SCALE RUNS SUMS.npy`` imports nothing of
cgm-jax, writes Σ_y k(x, y) of every point x, and prints the version of the peer and
the seconds of the first call and of warm ones as JSON.
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable

import numpy as np

BLOCK = 512  # rows and columns that coreax has at a time: as fast as 256 and 1,024


def pykeops(points: np.ndarray, length_scale: float) -> Callable[[], np.ndarray]:
    """A symbolic matrix, summed by a program compiled for the formula."""
    from pykeops.numpy import LazyTensor

    x, y = LazyTensor(points[:, None]), LazyTensor(points[None])
    kernel = (((x - y) ** 2).sum(-1) / (-2 * length_scale**2)).exp()
    return lambda: kernel.sum(axis=1)[:, 0]


def coreax(points: np.ndarray, length_scale: float) -> Callable[[], np.ndarray]:
    """Means of the rows of the kernel matrix, by blocks."""
    from coreax import Data
    from coreax.kernels import SquaredExponentialKernel

    kernel, data = SquaredExponentialKernel(length_scale), Data(points)

    def sums() -> np.ndarray:
        means = kernel.gramian_row_mean(data, block_size=BLOCK)
        return len(points) * np.asarray(means)

    return sums


PEERS = {"pykeops": pykeops, "coreax": coreax}


def main() -> None:
    """Sum and time, as the command line says."""
    name, source, length_scale, runs, target = sys.argv[1:]
    work = PEERS[name](np.load(source), float(length_scale))
    seconds = []
    for _ in range(1 + int(runs)):
        start = time.perf_counter()
        sums = work()
        seconds.append(time.perf_counter() - start)
    np.save(target, sums)
    print()  # KeOps says what it compiles
    print(json.dumps([importlib.metadata.version(name), *seconds]))


if __name__ == "__main__":
    main()
