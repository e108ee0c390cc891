"""A deep kernel beside the squared exponential: a Gram pass and a step of learning."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float

from benchmarks.studies.two_samples import blobs
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import DeepKernel, FeatureNetwork, Kernel, SquaredExponential
from cgm_jax.learning.training import Comparisons, kernel_of, start_training, train
from cgm_jax.two_sample.criterion import LAMBDA, power_criterion

from . import plain
from .data import clusters
from .rows import Baseline, Row, relative_error
from .timing import Timing, measure

__all__ = ["dense_power_criterion", "plain_features", "rows"]

_WIDTH, _NUM_LAYERS = 50, 4  # of the network, as in Liu et al. 2020
_NUM_CHECKED = 256  # candidates whose sums are compared


def rows(*, small: bool) -> Iterator[Row]:
    """The Gram pass, and steps of learning at two sizes.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        One row after the other.
    """
    yield _gram_row(*((20, 400) if small else (1_000, 45_000)))
    for points_per_blob, steps in ((4, 2),) if small else ((100, 20), (1_000, 1)):
        yield _step_row(points_per_blob, steps)


def dense_power_criterion(
    kernel: Kernel, x: Float[Array, "n d"], y: Float[Array, "n d"]
) -> Float[Array, ""]:
    """J of whole matrices, as Liu et al. 2020 print it."""
    n = len(x)
    h = kernel(x, x) + kernel(y, y) - kernel(x, y) - kernel(y, x)
    mmd2 = (jnp.sum(h) - jnp.trace(h)) / n / (n - 1)
    sums = jnp.sum(h, axis=1)
    variance = 4 / n**3 * jnp.sum(sums**2) - 4 / n**4 * jnp.sum(h) ** 2
    return mmd2 / jnp.sqrt(variance + LAMBDA)


def plain_features(network: FeatureNetwork, points: np.ndarray) -> np.ndarray:
    """The features, in NumPy and float64."""
    features = points.astype(float)
    for i, layer in enumerate(network.layers):
        if i:
            features = np.logaddexp(features, 0)  # softplus
        weights, bias = (np.asarray(p[...], float) for p in (layer.kernel, layer.bias))
        features = features @ weights + bias
    return features


def _network(num_columns: int) -> FeatureNetwork:
    return FeatureNetwork((num_columns, *[_WIDTH] * _NUM_LAYERS), rngs=nnx.Rngs(0))


def _gram_row(party_size: int, num_candidates: int) -> Row:
    problem = clusters(2, 5, party_size, num_candidates)
    network = _network(2)
    scale = float(np.std(plain_features(network, problem.candidates), axis=0).max())
    kernel = DeepKernel(network, SquaredExponential(scale))
    timing = measure(
        lambda: gram_sums(kernel, problem.parties, problem.candidates), runs=3
    )
    others = SquaredExponential(problem.length_scale)
    without = measure(
        lambda: gram_sums(others, problem.parties, problem.candidates), runs=3
    )
    checked = np.linspace(0, num_candidates - 1, _NUM_CHECKED).astype(int)
    of_checked = plain_features(network, problem.candidates[checked])
    exact = [
        plain.sums_over(plain_features(network, block), of_checked, scale)
        for block in (*problem.parties, problem.candidates)
    ]
    t = len(problem.reference)
    return Row(
        name="deep kernel, Gram pass",
        size={"t": t, "d": 2, "n": 5},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=t**2 / timing.seconds,
        unit="pairs/s",
        error=relative_error(
            np.asarray(timing.result.candidate_rows)[checked], np.stack(exact, axis=1)
        ),
        error_against=f"plain sums of {_NUM_CHECKED} candidates over all points",
        baseline=Baseline("the squared exponential's pass", without.seconds, None),
    )


def _step_row(points_per_blob: int, steps: int) -> Row:
    x, y = (np.asarray(s) for s in blobs(jax.random.key(0), points_per_blob))
    kernel = DeepKernel(
        _network(2), SquaredExponential(0.1), SquaredExponential(0.3), 0.01
    )
    timing = _steps(kernel, x, y, steps)
    without = _steps(SquaredExponential(0.3), x, y, steps)
    # A slope where the kernel matrices fit: that of the first points of each sample.
    few = slice(min(len(x), 900))
    slope, exact = (
        _slope(criterion, kernel, x[few].astype(dtype), y[few].astype(dtype))
        for criterion, dtype in (
            (power_criterion, np.float32),
            (dense_power_criterion, np.float64),
        )
    )
    n = len(x)
    return Row(
        name="deep kernel, one step",
        size={"t": 2 * n, "d": 2},
        seconds=timing.seconds / steps,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=steps / timing.seconds,
        unit="steps/s",
        error=relative_error(slope, exact),
        error_against="the slope of J by whole matrices"
        + ("" if few.stop == n else f", of {few.stop} points a sample"),
        baseline=Baseline(
            "a step with the squared exponential", without.seconds / steps, None
        ),
    )


def _steps(kernel: Kernel, x: np.ndarray, y: np.ndarray, steps: int) -> Timing[Kernel]:
    n = len(x)
    rows = np.arange(2 * n, dtype=np.int32).reshape(1, 2, n)
    members = np.repeat(np.eye(2, dtype=bool), n, axis=1)[None]
    compared = Comparisons(
        jnp.concatenate([x, y]), jnp.asarray(members), jnp.asarray(rows)
    )
    start = start_training(kernel, x.dtype)

    def run() -> Kernel:
        state = train(
            jax.random.key(0),
            start,
            compared,
            jnp.asarray(5e-4, x.dtype),
            jnp.zeros((), x.dtype),
            jnp.asarray(steps, jnp.int32),
            objective="power",
            num_drawn=None,
        )
        return kernel_of(state)

    return measure(run, runs=3)


def _slope(criterion, kernel: Kernel, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """All of a kernel's slopes behind each other."""
    with jax.enable_x64(x.dtype == np.float64):
        in_dtype = jax.tree.map(lambda leaf: jnp.asarray(leaf, x.dtype), kernel)
        found = jax.jit(jax.grad(criterion))(in_dtype, jnp.asarray(x), jnp.asarray(y))
        return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(found)])
