r"""How often the two-sample test finds a difference, with learned kernels and others.

For every size of sample some kernels are learned, each from a pair of samples of its
own, and each is tested on many fresh pairs of the same size. Power is the share of the
tests that reject P = Q where P ≠ Q, level the same share where both samples are of P.
All kernels see the same points, so that what they reach can be compared.

The kernels are

- a deep kernel: a network of the points and the points themselves, learned for the
  test power J from `starting_deep_kernel` at the near length scale;
- the squared exponential with a learned length scale, that of the largest J;
- at the near length scale, a distance that 1 % of all pairs are within;
- at the median distance.

How they are made is in `tested_kernels.py`.

Reference: Liu, Xu, Lu, Zhang, Gretton and Sutherland, *Learning Deep Kernels for
Non-Parametric Two-Sample Tests*, 2020, Sec. 7.1.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import in_float32
from cgm_jax._shared.workers import map_on_workers
from cgm_jax.collaboration.collaboration import Progress
from cgm_jax.kernels import Kernel
from cgm_jax.two_sample import estimate_power, two_sample_test

from .tested_kernels import (
    NEAR,
    Pair,
    deep_kernels,
    kernels_at_quantile,
    kernels_of_learned_scale,
)
from .two_samples import blobs, high_dimensional_gaussian_mixtures

__all__ = [
    "KERNELS",
    "POWER_PROBLEMS",
    "PowerOptions",
    "PowerProblem",
    "PowerResults",
    "measure_power",
]

KERNELS: tuple[str, ...] = "deep kernel", "learned ℓ", "near ℓ", "median ℓ"
"""Names of the kernels compared."""

_NUM_FRESH = 10  # pairs of samples that J is reported of
# Children of a size's key.
_DATA, _FIT, _TEST, _LEVEL = range(4)


@dataclass(frozen=True)
class PowerProblem:
    """Two distributions that are hard to tell apart, and how they are told apart.

    Attributes:
        title: what the data are.
        draw: two samples, called as ``draw(key, num_points, same=...)``: whether both
            are of P.
        num_points: sizes of samples.
        network_sizes: of the deep kernel's network: columns, hidden units, features.
    """

    title: str
    draw: Callable[..., Pair]
    num_points: tuple[int, ...]
    network_sizes: tuple[int, ...]


def _blobs(key: Key[Array, ""], num_points: int, *, same: bool) -> Pair:
    return blobs(key, num_points // 9, same=same)


POWER_PROBLEMS = {
    "blobs": PowerProblem(
        "Blobs", _blobs, (90, 180, 360, 630, 900), (2, 50, 50, 50, 50)
    ),
    "hdgm": PowerProblem(
        "High-dimensional Gaussian mixtures",
        high_dimensional_gaussian_mixtures,
        (1_000, 2_000, 4_000),
        (10, 30, 30, 30, 30),
    ),
}
"""Those of Liu et al. 2020; the blobs' samples have 10 to 100 points per blob."""


@dataclass(frozen=True, kw_only=True)
class PowerOptions:
    """What may differ from the setting of the package.

    Attributes:
        num_points: sizes of samples; None for those of the problem. Blobs need
            multiples of nine.
        num_kernels: kernels learned for each size.
        num_tests: pairs of samples that each is tested on, for power and for level.
        num_permutations: of every test.
        significance: level α of the test.
        num_steps: of the deep kernel; None for the more, the more points, at most
            1,000 (`num_steps_for`).
        learning_rate: of the deep kernel.
        batch_size: most points of each sample that a step looks at.
        jitter: how far the deep kernel's points are moved at every step: root mean
            square of the distance, in near length scales.
        seed: of everything random.
    """

    num_points: tuple[int, ...] | None = None
    num_kernels: int = 10
    num_tests: int = 100
    num_permutations: int = 100
    significance: float = 0.05
    num_steps: int | None = None
    learning_rate: float = 5e-4
    batch_size: int = 360
    jitter: float = 0.7
    seed: int = 0


@dataclass(frozen=True, eq=False)
class PowerResults:
    """What the tests found, by kernel (as `KERNELS`), size and learned kernel."""

    problem: PowerProblem
    options: PowerOptions
    num_points: tuple[int, ...]
    """Points per sample, one number per size."""

    power: Float[np.ndarray, "4 sizes kernels"]
    """Share of the tests that rejected, where P ≠ Q."""

    level: Float[np.ndarray, "4 sizes kernels"]
    """The same where both samples are of P."""

    fitted_criterion: Float[np.ndarray, "4 sizes kernels"]
    """J of the points that the kernel was learned from."""

    fresh_criterion: Float[np.ndarray, "4 sizes kernels"]
    """J of fresh points: mean over ten pairs of samples."""

    training_seconds: Float[np.ndarray, "4 sizes"]
    """Seconds for all kernels of a size together, with compilation."""

    @property
    def level_deviations(self) -> Float[np.ndarray, "4 sizes"]:
        """(level − α) / √(α (1 − α) / number of tests), kernels together: about a
        standard normal number where the test is valid.
        """
        alpha = self.options.significance
        num_tests = self.options.num_tests * self.level.shape[-1]
        return (self.level.mean(-1) - alpha) / np.sqrt(alpha * (1 - alpha) / num_tests)


def measure_power(
    problem: PowerProblem,
    options: PowerOptions = PowerOptions(),
    *,
    progress: Progress | None = None,
) -> PowerResults:
    """Learn kernels at every size of sample, and test fresh samples with each.

    Args:
        problem: one of `POWER_PROBLEMS`, or one's own.
        options: where they differ from the package's setting.
        progress: called with what is under way and the share that is done.

    Returns:
        Power, level, J and seconds.

    Raises:
        ValueError: for invalid options, or samples of another size than asked
            for.

    Example:
        >>> options = PowerOptions(
        ...     num_points=(90,), num_kernels=2, num_tests=3, num_steps=2
        ... )
        >>> found = measure_power(POWER_PROBLEMS["blobs"], options)
        >>> found.power.shape
        (4, 1, 2)

    Reference:
        Liu et al. 2020, Sec. 7.1.
    """
    sizes = options.num_points or problem.num_points
    _check(options, sizes)

    def told(done: int) -> Callable[[str, float], None]:
        def tell(stage: str, share: float) -> None:
            if progress is not None:
                text = f"{stage}, {sizes[done]:,} points a sample"
                progress(text, (done + share) / len(sizes))

        return tell

    found = [
        _of_one_size(problem, options, num_points, told(i))
        for i, num_points in enumerate(sizes)
    ]
    power, level, fitted, fresh, seconds = (
        np.stack(arrays, axis=1) for arrays in zip(*found, strict=True)
    )
    return PowerResults(problem, options, sizes, power, level, fitted, fresh, seconds)


def _of_one_size(
    problem: PowerProblem,
    options: PowerOptions,
    num_points: int,
    tell: Callable[[str, float], None],
) -> tuple[np.ndarray, ...]:
    """Power, level, both J's and seconds: the first axis is the kind of kernel."""
    key = jax.random.fold_in(jax.random.key(options.seed), num_points)
    data_key, fit_key, test_key, level_key = (
        jax.random.fold_in(key, child) for child in (_DATA, _FIT, _TEST, _LEVEL)
    )
    pairs = [
        _drawn(problem, jax.random.fold_in(data_key, i), num_points)
        for i in range(options.num_kernels)
    ]
    tell("learning kernels", 0.0)
    began, kernels = [time.perf_counter()], []
    for make in (
        lambda: deep_kernels(
            fit_key,
            pairs,
            network_sizes=problem.network_sizes,
            num_steps=options.num_steps,
            learning_rate=options.learning_rate,
            batch_size=options.batch_size,
            jitter=options.jitter,
        ),
        lambda: kernels_of_learned_scale(fit_key, pairs),
        lambda: kernels_at_quantile(NEAR, pairs),
        lambda: kernels_at_quantile(0.5, pairs),
    ):
        kernels.append(make())
        began.append(time.perf_counter())
    tell("testing", 0.5)
    # The same samples for all kinds of kernels.
    *shares, fresh = (
        _measured(measure, kernels, key)
        for measure, key in (
            (partial(_rejected, problem, options, num_points, same=False), test_key),
            (partial(_rejected, problem, options, num_points, same=True), level_key),
            (partial(_fresh_criterion, problem, num_points), test_key),
        )
    )
    fitted = [
        [
            float(estimate_power(kernel, x, y).criterion)
            for kernel, (x, y) in zip(own, pairs, strict=True)
        ]
        for own in kernels
    ]
    return *shares, np.array(fitted), fresh, np.diff(began)


def _drawn(problem: PowerProblem, key: Key[Array, ""], num_points: int) -> Pair:
    x, y = problem.draw(key, num_points, same=False)
    if not len(x) == len(y) == num_points:
        raise ValueError(
            f"Expected samples of {num_points} points, got {len(x)} and {len(y)}; "
            "blobs need a multiple of nine."
        )
    return x, y


def _measured(
    measure: Callable[[Kernel, Key[Array, ""]], Float[Array, ""]],
    kernels: Sequence[Sequence[Kernel]],
    key: Key[Array, ""],
) -> Float[np.ndarray, "kinds kernels"]:
    """A measure of every kernel, the i-th of each kind with one key; one per core."""
    programs: dict[Any, Callable[..., Float[Array, ""]]] = {}
    with jax.enable_x64(False):
        # float32 arrays, or a program would be made for every length scale.
        kernels = in_float32(kernels)
        for kernel in (own[0] for own in kernels):  # before the threads, and not in all
            kind = jax.tree.structure(kernel)
            if kind not in programs:
                programs[kind] = jax.jit(measure).lower(kernel, key).compile()

    def work(place: tuple[int, int], check: Callable[[], None]) -> float:
        check()
        kernel = kernels[place[0]][place[1]]
        program = programs[jax.tree.structure(kernel)]
        with jax.enable_x64(False):
            return float(program(kernel, jax.random.fold_in(key, place[1])))

    shape = len(kernels), len(kernels[0])
    return np.reshape(map_on_workers(work, np.ndindex(shape)), shape)


def _rejected(
    problem: PowerProblem,
    options: PowerOptions,
    num_points: int,
    kernel: Kernel,
    key: Key[Array, ""],
    *,
    same: bool,
) -> Float[Array, ""]:
    def one(key: Key[Array, ""]) -> Array:
        data_key, test_key = jax.random.split(key)
        test = two_sample_test(
            test_key,
            kernel,
            *problem.draw(data_key, num_points, same=same),
            num_permutations=options.num_permutations,
        )
        return jnp.asarray(test.p_value) <= options.significance

    return jnp.mean(jax.lax.map(one, jax.random.split(key, options.num_tests)))


def _fresh_criterion(
    problem: PowerProblem, num_points: int, kernel: Kernel, key: Key[Array, ""]
) -> Float[Array, ""]:
    def one(key: Key[Array, ""]) -> Array:
        pair = problem.draw(key, num_points, same=False)
        return jnp.asarray(estimate_power(kernel, *pair).criterion)

    return jnp.mean(jax.lax.map(one, jax.random.split(key, _NUM_FRESH)))


def _check(options: PowerOptions, sizes: Sequence[int]) -> None:
    counts = {
        "num_points": min(sizes, default=0),
        "num_kernels": options.num_kernels,
        "num_tests": options.num_tests,
        "num_permutations": options.num_permutations,
        "num_steps": 1 if options.num_steps is None else options.num_steps,
    }
    for name, count in counts.items():
        least = 2 if name == "num_points" else 1
        if count < least:
            raise ValueError(f"Expected {name} >= {least}, got {count}.")
    if len(set(sizes)) < len(sizes):
        raise ValueError(f"Expected different sizes of samples, got {sizes}.")
    if not 0 < options.significance < 1:
        raise ValueError(
            f"Expected a significance in (0, 1), got {options.significance}."
        )
