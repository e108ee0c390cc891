"""The three-sample test: its level where nothing differs, its power where it does."""

import numpy as np

from cgm_jax.generators.three_sample import is_nearer
from cgm_jax.kernels import SquaredExponential

KERNEL = SquaredExponential(1.0)


def share_of_nearer(moved_new: float, moved_old: float, num: int) -> float:
    rng = np.random.default_rng(0)
    answers = []
    for _ in range(num):
        x, new, old = rng.normal(size=(3, 100, 2))
        answers.append(is_nearer(KERNEL, x, new + moved_new, old + moved_old))
    return float(np.mean(answers))


def test_equally_far_is_rarely_called_nearer():
    # 5 % of 400, plus four standard errors.
    assert share_of_nearer(0.7, 0.7, 400) < 0.05 + 4 * (0.05 * 0.95 / 400) ** 0.5
    assert share_of_nearer(0.7, 0.7, 400) > 0.01


def test_nearer_is_noticed():
    assert share_of_nearer(0.2, 0.7, 40) > 0.9
    assert share_of_nearer(0.7, 0.2, 40) == 0
