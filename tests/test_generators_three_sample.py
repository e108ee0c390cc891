"""The three-sample test: its level where nothing differs, its power where it does."""

import numpy as np
import oracles
import pytest

from cgm_jax.generators.three_sample import difference_and_error, is_nearer
from cgm_jax.kernels import SquaredExponential

KERNEL = SquaredExponential(1.0)


def share_of_nearer(moved_new: float, moved_old: float, num: int) -> float:
    rng = np.random.default_rng(0)
    answers = []
    for _ in range(num):
        x, new, old = rng.normal(size=(3, 100, 2))
        answers.append(is_nearer(KERNEL, x, new + moved_new, old + moved_old))
    return float(np.mean(answers))


@pytest.mark.medium
def test_equally_far_is_rarely_called_nearer():
    # 5 % of 400, plus four standard errors.
    share = share_of_nearer(0.7, 0.7, 400)
    assert 0.01 < share < 0.05 + 4 * (0.05 * 0.95 / 400) ** 0.5


def test_nearer_is_noticed():
    assert share_of_nearer(0.2, 0.7, 40) > 0.9
    assert share_of_nearer(0.7, 0.2, 40) == 0


@pytest.mark.medium
def test_the_difference_is_that_of_two_mmd2():
    x, new, old = np.random.default_rng(0).normal(size=(3, 30, 2))
    new = new[:20]  # of other sizes: what the diagonals add would cancel otherwise
    k = oracles.squared_exponential(1.0)
    expected = oracles.mmd2_unbiased(k, x, new) - oracles.mmd2_unbiased(k, x, old + 1)
    got, _ = difference_and_error(KERNEL, x, new, old + 1)
    np.testing.assert_allclose(got, expected, rtol=1e-4)  # kernels in float32


@pytest.mark.medium
def test_the_error_is_the_standard_deviation_of_the_difference():
    rng = np.random.default_rng(1)
    pairs = []
    for _ in range(400):
        x, new, old = rng.normal(size=(3, 100, 2))
        pairs.append(difference_and_error(KERNEL, x, new + 0.3, old + 0.7))
    differences, errors = np.transpose(pairs)
    # A standard deviation of 400 numbers is known to 3.5 %; four times that.
    np.testing.assert_allclose(
        np.sqrt(np.mean(errors**2)), differences.std(), rtol=0.14
    )
