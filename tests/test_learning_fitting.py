"""Kernels that are learned: better on rows that they have not seen, and only if so."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import oracles
import pytest
from flax import nnx

from cgm_jax.gram import project_kernel, smallest_length_scale
from cgm_jax.kernels import (
    DeepKernel,
    FeatureNetwork,
    Kernel,
    SquaredExponential,
    load_kernel,
)
from cgm_jax.kernels.distances import squared_distances
from cgm_jax.kernels.saving import read_kernel_file
from cgm_jax.learning import FittingProgress, fit_kernel, fit_kernels

SE = oracles.squared_exponential
QUICK = {"num_steps": 60, "learning_rate": 0.05, "evaluate_every": 20}


def groups(seed: int = 0, sizes: tuple[int, ...] = (80, 80)) -> list[np.ndarray]:
    """They differ in the second column, by its spread; the first is noise.

    Programs are compiled for the number of rows that are seen, of a kernel and a dtype.
    """
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, 2)) * [2.0, 0.3 + 0.3 * i] for i, n in enumerate(sizes)]


def as_many(groups: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Evenly spaced rows of every group, as many as the smallest has."""
    groups = list(groups)
    num = min(map(len, groups))
    return [group[np.arange(num) * len(group) // num] for group in groups]


def by_definition(kernel: DeepKernel) -> oracles.KernelFunction:
    """The kernel in NumPy."""
    layers = kernel.network.network().layers
    network = oracles.softplus_network(
        [tuple(np.asarray(a[...], float) for a in (x.kernel, x.bias)) for x in layers]
    )
    base, q = (SE(float(k.length_scale)) for k in (kernel.base, kernel.points_kernel))
    return oracles.deep(base, network, q, float(kernel.epsilon))


KERNEL = SquaredExponential(np.ones(2))
DEEP = DeepKernel(
    FeatureNetwork((2, 16, 8), rngs=nnx.Rngs(0)),
    SquaredExponential(0.3),
    SquaredExponential(1.0),
    0.1,
)
UNEQUAL, THREE = (60, 40), (60, 40, 50)


@pytest.mark.medium
def test_a_scale_a_dimension_finds_the_dimension():
    points = groups()
    fitted = fit_kernel(jax.random.key(0), KERNEL, points, **QUICK)
    scales = np.asarray(fitted.kernel.length_scale)
    assert scales.dtype == np.float64
    assert scales[0] > 1.5 * scales[1]
    # both J's, by their definition on the rows that are named
    for rows, found in (
        (fitted.fitted_rows, fitted.fitted_power),
        (fitted.held_out_rows, fitted.held_out_power),
    ):
        x, y = (group[each] for group, each in zip(points, rows, strict=True))
        np.testing.assert_allclose(found, oracles.power_criterion(SE(scales), x, y))
    x, y = (g[r] for g, r in zip(points, fitted.held_out_rows, strict=True))
    assert all(
        not np.intersect1d(*rows).size
        for rows in zip(fitted.fitted_rows, fitted.held_out_rows, strict=True)
    )
    assert fitted.held_out_power > 1.2 * oracles.power_criterion(SE(np.ones(2)), x, y)
    assert fitted.stop_reason == "all-steps"
    np.testing.assert_array_equal(fitted.history[:, 0], [0, 20, 40, 60])
    assert fitted.history[-1, 1] > fitted.history[0, 1]
    assert np.isnan(fitted.history[:, 2]).all()


@pytest.mark.medium
def test_rows_are_seen_or_held_out_and_nothing_else_matters():
    points = groups(sizes=(40, 31))
    options = {"num_steps": 3, "share": 0.5, "validation_share": 0.25}
    fitted = fit_kernel(jax.random.key(0), KERNEL, points, **options)
    for group, seen, rest in zip(
        points, fitted.fitted_rows, fitted.held_out_rows, strict=True
    ):
        assert len(seen) == round(0.5 * len(group))
        np.testing.assert_array_equal(
            np.sort(np.concatenate([seen, rest])), np.arange(len(group))
        )
    # other numbers in the rows held out change no parameter
    for group, rest in zip(points, fitted.held_out_rows, strict=True):
        group[rest] *= 3
    again = fit_kernel(jax.random.key(0), KERNEL, points, **options)
    np.testing.assert_array_equal(again.kernel.length_scale, fitted.kernel.length_scale)
    assert again.fitted_power == fitted.fitted_power
    assert again.held_out_power != fitted.held_out_power


@pytest.mark.medium
def test_many_fits_are_each_of_them():
    # of the sizes below, for which a program is there
    problems = [[g.astype(np.float32) for g in groups(i, THREE)] for i in range(2)]
    keys = jax.random.split(jax.random.key(0), 2)
    kernels = [SquaredExponential(np.ones(2)), SquaredExponential(np.full(2, 2.0))]
    fits = fit_kernels(keys, kernels, problems, num_steps=5, batch_size=20)
    for key, kernel, problem, fitted in zip(keys, kernels, problems, fits, strict=True):
        alone = fit_kernel(key, kernel, problem, num_steps=5, batch_size=20)
        np.testing.assert_array_equal(
            fitted.kernel.length_scale, alone.kernel.length_scale
        )
        for rows, others in zip(fitted.fitted_rows, alone.fitted_rows, strict=True):
            np.testing.assert_array_equal(rows, others)
        assert fitted.held_out_power == alone.held_out_power


@pytest.mark.medium
def test_jitter_keeps_a_network_from_overfitting():
    rng = np.random.default_rng(0)
    points = [rng.normal(size=(n, 2)).astype(np.float32) for n in UNEQUAL]  # one law
    by_heart, moved = (
        fit_kernel(jax.random.key(0), DEEP, points, jitter=jitter, **QUICK)
        for jitter in (0.0, 1.0)
    )
    # what is reported is J of the points where they are, which no jitter changes
    assert moved.history[0, 1] == by_heart.history[0, 1]
    assert moved.fitted_power < 0.7 * by_heart.fitted_power


@pytest.mark.parametrize("between", ["pairs", "pool"])
def test_several_groups_of_unequal_sizes(between: str):
    points = [g.astype(np.float32) for g in groups(sizes=THREE)]
    fitted = fit_kernel(jax.random.key(0), KERNEL, points, between=between, **QUICK)
    scales = np.asarray(fitted.kernel.length_scale)
    assert scales.dtype == np.float32
    assert scales[0] > scales[1]
    assert fitted.history[-1, 1] > fitted.history[0, 1]


@pytest.mark.medium
def test_invariance_makes_differences_smaller():
    fitted = fit_kernel(
        jax.random.key(0), KERNEL, groups(), objective="invariance", **QUICK
    )
    assert abs(fitted.history[-1, 1]) < abs(fitted.history[0, 1])


@pytest.mark.medium
def test_a_deep_kernel_learns_and_is_saved(tmp_path: Path):
    points = [g.astype(np.float32) for g in groups(sizes=UNEQUAL)]
    told: list[FittingProgress] = []
    fitted = fit_kernel(jax.random.key(0), DEEP, points, progress=told.append, **QUICK)
    assert [each.step for each in told] == [0, 20, 40, 60]
    # It starts at the kernel that is given.
    seen = as_many(g[r] for g, r in zip(points, fitted.fitted_rows, strict=True))
    expected = oracles.power_criterion(by_definition(DEEP), *seen)
    np.testing.assert_allclose(fitted.history[0, 1], expected, rtol=1e-4)
    assert fitted.history[-1, 1] > fitted.history[0, 1]
    assert 0 < float(fitted.kernel.epsilon) < 1
    assert jax.tree.structure(fitted.kernel) == jax.tree.structure(DEEP)
    for before, after in zip(
        jax.tree.leaves(DEEP), jax.tree.leaves(fitted.kernel), strict=True
    ):
        assert not np.allclose(before, after)  # all parameters are learned
    fitted.save(tmp_path / "kernel.npz")
    x, block = points[0][:9], jax.jit(lambda kernel, x: kernel(x, x))
    np.testing.assert_array_equal(
        block(load_kernel(tmp_path / "kernel.npz"), x), block(fitted.kernel, x)
    )
    assert read_kernel_file(tmp_path / "kernel.npz").powers() == {
        "J on fitted rows": fitted.fitted_power,
        "J on held-out rows": fitted.held_out_power,
    }


@pytest.mark.medium
def test_validation_rows_are_kept_from_the_fit():
    # Too few rows for so large a step: J of the seen rises, of the others falls.
    points = groups(sizes=(20, 16))
    fitted = fit_kernel(
        jax.random.key(1),
        KERNEL,
        points,
        share=1.0,
        num_steps=60,
        learning_rate=0.2,
        evaluate_every=20,
        validation_share=0.25,
    )
    assert fitted.stop_reason == "all-steps"
    _, seen, validation = fitted.history.T
    assert seen[-1] > seen[0] and validation[-1] < seen[-1]
    assert np.isnan(fitted.held_out_power)
    assert [len(rows) for rows in fitted.fitted_rows] == [20, 16]
    assert all(len(rows) == 0 for rows in fitted.held_out_rows)


def by_adam(kernel, x, y, *, num_steps: int, learning_rate: float):
    """J ascended in log ℓ, by Adam as Kingma and Ba write it; slopes numerically."""

    def loss(log_scale):
        return -oracles.power_criterion(SE(np.exp(log_scale)), x, y)

    log_scale = np.log(np.asarray(kernel.length_scale))
    mean, square = np.zeros_like(log_scale), np.zeros_like(log_scale)
    for t in range(1, num_steps + 1):
        ends = [[loss(log_scale + s * h) for s in (1, -1)] for h in 1e-5 * np.eye(2)]
        g = -np.diff(ends)[:, 0] / 2e-5
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        step = (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.999**t)) + 1e-8)
        log_scale = log_scale - learning_rate * step
    return np.exp(log_scale)


def test_steps_are_those_of_adam():
    points = groups(sizes=(40, 40))  # as many as half of the usual groups
    fitted = fit_kernel(
        jax.random.key(0), KERNEL, points, share=1.0, num_steps=20, learning_rate=0.05
    )
    expected = by_adam(KERNEL, *points, num_steps=20, learning_rate=0.05)
    np.testing.assert_allclose(fitted.kernel.length_scale, expected, rtol=1e-6)


@pytest.mark.medium
def test_any_optimizer_of_optax_takes_the_steps():
    fitted = fit_kernel(
        jax.random.key(0),
        KERNEL,
        groups(sizes=(40, 40)),
        share=1.0,
        num_steps=20,
        optimizer=optax.lion(0.01, weight_decay=0.0),
    )
    moved = np.log(fitted.kernel.length_scale / KERNEL.length_scale)
    np.testing.assert_allclose(np.abs(moved), 0.2, rtol=1e-6)  # 20 steps by sign


# --- kernels of the user's own


@dataclass(frozen=True)
class Waves(Kernel):
    """exp(−|x − y|² / 2ℓ²) cos(ω · (x − y)), with ω any real numbers."""

    length_scale: Any
    frequency: Any = field(metadata={"domain": "real"})

    def embed(self, points):
        scaled = points / jnp.asarray(self.length_scale, points.dtype)
        return scaled, points @ jnp.asarray(self.frequency, points.dtype)

    def pairwise(self, x, y):
        near = jnp.exp(-squared_distances(x[0], y[0]) / 2)
        return near * jnp.cos(x[1][:, None] - y[1][None])

    def diagonal(self, points):
        return jnp.ones(len(points), points.dtype)

    def with_length_scale(self, length_scale):
        return replace(self, length_scale=length_scale)


@dataclass(frozen=True)
class Undeclared(Waves):
    """The same; nothing is said of ω."""

    frequency: Any = None


@pytest.mark.medium
def test_a_real_parameter_is_learned_as_it_is():
    start = Waves(2.0, np.array([-0.5, 0.0]))
    fitted = fit_kernel(jax.random.key(0), start, groups(), **QUICK)
    assert fitted.stop_reason == "all-steps"
    frequency = np.asarray(fitted.kernel.frequency)
    assert np.isfinite(frequency).all() and (frequency != start.frequency).any()
    assert fitted.history[-1, 1] > fitted.history[0, 1]


@pytest.mark.parametrize("frequency", [-0.5, 0.0, np.nan])
def test_a_parameter_outside_of_its_domain_is_refused(frequency: float):
    kernel = Undeclared(2.0, np.array([0.5, frequency]))
    with pytest.raises(ValueError, match=r"'frequency' to start.*\"domain\": \"real\""):
        fit_kernel(jax.random.key(0), kernel, groups(), **QUICK)


def test_infinite_numbers_end_a_fit_with_the_last_good_kernel():
    fitted = fit_kernel(
        jax.random.key(0), KERNEL, groups(), num_steps=50, learning_rate=1e30
    )
    assert fitted.stop_reason == "not-finite"
    np.testing.assert_array_equal(fitted.kernel.length_scale, np.ones(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "fame"}, "objective to be one of power, invariance"),
        ({"between": "all"}, "between to be one of pairs, pool"),
        ({"share": 0.0}, "0 < share <= 1"),
        ({"learning_rate": np.nan}, "finite learning_rate"),
        ({"jitter": -0.1}, "finite jitter >= 0"),
        ({"validation_share": 1.0}, "0 <= validation_share < 1"),
        ({"num_steps": 0}, "num_steps and evaluate_every of at least 1"),
        ({"share": 0.01}, "at least two rows to fit to"),
        ({"batch_size": 1}, "batch_size >= 2"),
    ],
)
def test_options_that_are_none_are_an_error(options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        fit_kernel(jax.random.key(0), KERNEL, groups(), **options)


def test_one_group_and_fits_without_groups_are_an_error():
    with pytest.raises(ValueError, match="at least two groups"):
        fit_kernel(jax.random.key(0), KERNEL, groups()[:1])
    keys = jax.random.split(jax.random.key(0), 2)
    with pytest.raises(ValueError, match="one key and one list of groups"):
        fit_kernels(keys, [KERNEL], [groups()])


# As many rows are seen either way: one program fits to both.
@pytest.mark.parametrize(("share", "sizes"), [(0.5, UNEQUAL), (1.0, (30, 20))])
@pytest.mark.medium
def test_a_learned_kernel_is_projected_to_the_valid_range(
    share: float, sizes: tuple[int, ...]
):
    points = [g.astype(np.float32) for g in groups(sizes=sizes)]
    candidates = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    options = {"share": share, "num_steps": 5}
    key = jax.random.key(0)
    learned = fit_kernel(key, DEEP, points, **options)
    projected = fit_kernel(key, DEEP, points, candidates=candidates, **options)
    rows = learned.held_out_rows if share < 1 else learned.fitted_rows
    valued = [group[each] for group, each in zip(points, rows, strict=True)]
    scale = smallest_length_scale(learned.kernel, valued, candidates)
    assert projected.kernel.length_scale == scale != learned.kernel.length_scale
    # both J's are of the kernel that is returned
    found = projected.held_out_power if share < 1 else projected.fitted_power
    expected = oracles.power_criterion(
        by_definition(projected.kernel), *as_many(valued)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("root", [3.0, 30.0])  # with 30, flat in one dimension only
@pytest.mark.medium
def test_scales_of_dimensions_keep_their_proportions_in_the_valid_range(root: float):
    points, candidates = groups(sizes=(30, 40)), np.zeros((0, 2))
    kernel = SquaredExponential(np.array([0.6 / root, 0.6 * root]))
    found = project_kernel(kernel, points, candidates).length_scale
    np.testing.assert_allclose(found[1], root**2 * found[0])
    scale = smallest_length_scale(
        SquaredExponential(1.0), [g / [1 / root, root] for g in points], candidates
    )
    np.testing.assert_allclose(np.sqrt(found[0] * found[1]), scale)


def test_a_kernel_without_a_length_scale_has_no_valid_range():
    kernel = SquaredExponential(1.0) + SquaredExponential(2.0)
    with pytest.raises(ValueError, match=r"with a length scale.*got Sum"):
        project_kernel(kernel, groups(), np.zeros((0, 2)))
