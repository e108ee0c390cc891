"""Data closed over in the user's own functions, and data that these transform."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cgm_jax
from cgm_jax.collaboration import Growing
from cgm_jax.generators import KernelDensity
from cgm_jax.gram import gram_sums, median_length_scale, smallest_length_scale
from cgm_jax.kernels import Laplace, SquaredExponential
from cgm_jax.metrics import (
    class_imbalance,
    nearest_distances,
    reverse_kl_divergence,
    wasserstein2_gaussians,
)
from cgm_jax.rewards import (
    fair_reward_values,
    solve_reward_scheme,
    stability_lower_values,
    stable_sets,
)
from cgm_jax.sampling import weighted_sampling
from cgm_jax.two_sample import estimate_power, two_sample_test
from cgm_jax.valuation import (
    coalition_values,
    mmd2_biased,
    mmd2_unbiased,
    mmd_shapley_values,
    permutation_shapley_values,
    point_shapley_values,
    shapley_values,
    value,
    values_with_candidates,
)

rng = np.random.default_rng(1)
X, Y, G = rng.normal(size=(30, 2)), rng.normal(size=(30, 2)), rng.normal(size=(80, 2))
KERNEL, KEY = SquaredExponential(1.0), jax.random.key(0)
LABELS = np.arange(12) % 3


def draw():
    sums = gram_sums(KERNEL, [X, Y], G)
    rewards = weighted_sampling(
        KEY, KERNEL, G, sums, np.full(2, 0.4), inverse_temperature=1.0
    )
    return [r.indices for r in rewards]


def collaborate():
    candidates = Growing(KernelDensity(0.2), num=100, at_most=400)
    result = cgm_jax.collaborate(KEY, [X, Y + 1], candidates)
    return result.promises.scheme.reward_values, result.draw.rewards[0].indices


def estimated():
    table = coalition_values(gram_sums(KERNEL, [X, Y], G))
    return permutation_shapley_values(KEY, table, 2, max_permutations=8).values


CALLS = {
    "value": lambda: value(KERNEL, X, Y),
    "mmd2_biased": lambda: mmd2_biased(KERNEL, X, Y),
    "mmd2_unbiased": lambda: mmd2_unbiased(KERNEL, X, Y),
    "gram_sums": lambda: gram_sums(KERNEL, [X, X[:3]], Y).between,
    "Shapley values": lambda: (
        mmd_shapley_values(gram_sums(KERNEL, [X, X[:3]], Y)).shapley_values
    ),
    "table": lambda: shapley_values(coalition_values(gram_sums(KERNEL, [X, X], Y))),
    "limits": lambda: values_with_candidates(gram_sums(KERNEL, [X, Y], G)),
    "orders": estimated,
    "points": lambda: point_shapley_values(KERNEL, X).shapley_values,
    "power": lambda: estimate_power(KERNEL, X, Y).criterion,
    "test": lambda: two_sample_test(KEY, KERNEL, X, Y, num_permutations=20).p_value,
    "length scale": lambda: smallest_length_scale(KERNEL, [X, Y], G),
    "median": lambda: median_length_scale(X),
    "scheme": lambda: (
        solve_reward_scheme(*np.array([[0.1, 0.2], [0.1] * 2, [0.5] * 2])).rho
    ),
    "stable sets": lambda: stable_sets(np.array([0.2, 0.1])),
    "neighbours": lambda: nearest_distances(X, Y, num_neighbors=2),
    "KL": lambda: reverse_kl_divergence(X[:10], X),
    "W2": lambda: wasserstein2_gaussians(X, Y),
    "imbalance": lambda: class_imbalance(LABELS, num_classes=3),
    "draw": draw,
    "collaborate": collaborate,
}
SCOPES = {
    "jit": lambda f: jax.jit(f)(1.0),
    "grad": lambda f: jax.grad(f)(1.0),
    "vmap": lambda f: jax.vmap(f)(jnp.ones(2)),
    "scan": lambda f: jax.lax.scan(lambda c, s: (c, f(s)), 0, jnp.ones(2)),
}


@cache
def outside(name):
    return CALLS[name]()


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("name", CALLS)
def test_data_closed_over_give_the_same_and_are_not_harmed(name, scope, x64):
    expected = outside(name)

    def function(s):
        jax.tree.map(np.testing.assert_array_equal, CALLS[name](), expected)
        return s * 2

    with jax.enable_x64(x64):
        SCOPES[scope](function)
        for data in (X, Y, G):
            assert jnp.asarray(data).dtype == (np.float64 if x64 else np.float32)
            np.testing.assert_allclose(jnp.sin(data), np.sin(data), rtol=1e-5)


TRACED = {
    "stable sets": (lambda x: stable_sets(x[:, 0]), 0),
    "stability": (
        lambda x: stability_lower_values(gram_sums(KERNEL, [x, Y], G), x[:2, 0]),
        1e-12,
    ),
    "stability of a table": (
        lambda x: stability_lower_values(x[:8, 0], x[:3, 1]),
        0,
    ),
    "orders of sums": (
        lambda x: (
            permutation_shapley_values(
                KEY, gram_sums(KERNEL, [x, Y, x[:3]], G), 3, max_permutations=40
            ).values
        ),
        1e-12,
    ),
    "orders of a table": (
        lambda x: (
            permutation_shapley_values(
                KEY, x[:8, 0], 3, max_permutations=40
            ).standard_errors
        ),
        1e-12,
    ),
    "KL": (lambda x: reverse_kl_divergence(x[:10], x), 1e-12),
    "KL of copies": (
        lambda x: reverse_kl_divergence(x[np.arange(27) % 9], x[np.arange(92) % 30]),
        1e-12,
    ),
    "median": (median_length_scale, 1e-12),
    "neighbours": (lambda x: nearest_distances(x, Y, num_neighbors=3), 1e-12),
    "fair rewards": (
        lambda x: fair_reward_values(abs(x[:5, 0]), abs(x[:5, 1]) / 50, x[:5, 0] ** 0),
        1e-12,
    ),
    "W2": (lambda x: wasserstein2_gaussians(x, Y), 1e-12),
    "value": (lambda x: value(Laplace(1.0), x, Y), 1e-12),
}


@pytest.mark.parametrize("name", TRACED)
@pytest.mark.medium
def test_what_has_a_meaning_can_be_traced(name):
    function, tolerance = TRACED[name]
    pairs = np.stack([X, Y])

    @jax.jit
    def alone_and_in_a_batch(x, pairs):
        return function(x), jax.vmap(function)(pairs)

    with jax.enable_x64(True):
        alone, batch = alone_and_in_a_batch(X, pairs)
        for found, x in (
            (alone, X),
            (jax.tree.map(lambda part: np.asarray(part)[0], batch), X),
            (jax.tree.map(lambda part: np.asarray(part)[1], batch), Y),
        ):
            jax.tree.map(
                partial(np.testing.assert_allclose, atol=tolerance, rtol=1e-9),
                found,
                function(x),
            )


def test_labels_can_be_traced():
    traced = jax.jit(lambda y: class_imbalance(y, num_classes=4))(LABELS)
    assert traced == pytest.approx(class_imbalance(LABELS, num_classes=4), rel=1e-6)


def test_orders_that_stop_by_numbers_are_refused_inside_jit():
    def estimate(table):
        return permutation_shapley_values(KEY, table, 3, standard_error=0.1).values

    with pytest.raises(TypeError, match="Give max_permutations"):
        jax.jit(estimate)(jnp.arange(8.0))
