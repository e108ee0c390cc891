"""Values of chosen coalitions, against the table and the definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from block_games import log_uniform_sizes, random_sums, sums_of, value_of

from cgm_jax.valuation import coalition_values, values_of_coalitions
from cgm_jax.valuation.coalitions import membership


@pytest.mark.parametrize("sizes", [[3, 5], [2, 0, 7, 1, 4], [0, 0, 3, 0]])
def test_all_coalitions_are_the_table(sizes: list[int]):
    sums = random_sums(sizes)
    members = membership(len(sizes) - 1).astype(bool)
    found = values_of_coalitions(sums, members)
    assert isinstance(found, np.ndarray) and found.dtype == np.float64
    np.testing.assert_allclose(found, coalition_values(sums), rtol=1e-12, atol=1e-15)
    assert found[0] == 0


def test_hundreds_of_parties():
    sums = random_sums(log_uniform_sizes(300, 10_000))
    members = np.random.default_rng(0).uniform(size=(5, 300)) < 0.3
    expected = [value_of(sums, np.flatnonzero(row).tolist()) for row in members]
    np.testing.assert_allclose(values_of_coalitions(sums, members), expected)


def test_no_coalition_has_no_value():
    found = values_of_coalitions(random_sums([1, 2, 3]), np.zeros((0, 2), bool))
    assert found.shape == (0,)


@pytest.mark.medium
def test_differentiable_inside_the_users_jit():
    sums = random_sums([0, 2, 5])
    members = membership(2).astype(bool)

    @jax.jit
    def total(between):
        found = values_of_coalitions(sums_of(between, sums.sizes), members)
        return jnp.sum(found)

    between = sums.between.astype(np.float32)
    slope = jax.grad(total)(between)
    assert slope.dtype == jnp.float32
    assert np.isfinite(slope).all()
    # Linear in the sums: the slope along them is the value.
    np.testing.assert_allclose((slope * between).sum(), total(between), rtol=1e-5)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (np.ones((2, 3), bool), r"shape \(m, 2\).*\(2, 3\)"),
        (np.ones(2, bool), r"\(2,\)"),
        (np.array([[0, 1]]), "booleans .* int64"),
    ],
)
def test_what_are_not_coalitions(members: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        values_of_coalitions(random_sums([1, 2, 3]), members)
