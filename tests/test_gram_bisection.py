"""Bisection guided by an estimate: plain bisection's answer, from few evaluations."""

import numpy as np
import pytest

from cgm_jax.gram.bisection import first_non_negative

LOW, HIGH, HALVINGS = 0.01, 1000.0, 20


class Counted:
    """Values that turn non-negative at thresholds, and how often they were asked."""

    def __init__(self, thresholds: list[float]):
        self.thresholds, self.asked = np.array(thresholds), 0

    def __call__(self, at: float) -> np.ndarray:
        self.asked += 1
        return np.tanh(np.log(at / self.thresholds))


def plain(values: Counted) -> float:
    low, high = LOW, HIGH
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if values(middle).min() >= 0 else (middle, high)
    return high


ESTIMATES = {
    "exact": lambda at, exact: exact,
    "3 % off": lambda at, exact: exact - 0.03,
    "wrong by more and more": lambda at, exact: exact + 0.02 * np.log(at),
    "another value is least": lambda at, exact: exact[::-1],
    "of no use": lambda at, exact: np.ones(2),
    "of the wrong sign": lambda at, exact: -exact,
}
# Of 20 for plain bisection, with its two ends.
MOST = {"exact": 2, "3 % off": 7, "wrong by more and more": 7}


@pytest.mark.parametrize("estimate", ESTIMATES)
@pytest.mark.parametrize("threshold", [0.0123, 0.07, 1.0, 3.3, 250.0, 999.9996])
def test_the_answer_is_that_of_plain_bisection(estimate: str, threshold: float):
    values = Counted([threshold, threshold / 3])

    def estimated(at: float) -> np.ndarray:
        return ESTIMATES[estimate](at, np.tanh(np.log(at / values.thresholds)))

    expected = plain(values)
    values.asked = 0
    assert first_non_negative(values, estimated, LOW, HIGH, HALVINGS) == expected
    assert values.asked <= MOST.get(estimate, 2 * HALVINGS)


@pytest.mark.parametrize("threshold", [0.001, 0.0123, 3.3, 250.0, 1e4])
def test_without_an_estimate_it_is_plain_bisection(threshold: float):
    values = Counted([threshold])
    expected = plain(values)
    assert first_non_negative(values, None, LOW, HIGH, HALVINGS) == expected
    assert values.asked == 2 * HALVINGS  # as often as plain bisection


@pytest.mark.parametrize(("threshold", "expected"), [(0.001, None), (1e4, HIGH)])
def test_a_change_outside_of_the_bounds(threshold: float, expected: float | None):
    values = Counted([threshold])
    found = first_non_negative(values, values, LOW, HIGH, HALVINGS)
    assert found == (expected or plain(values))
