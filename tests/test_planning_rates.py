"""Trials of a device: what they are of, not how fast it is."""

import numpy as np
import pytest

from cgm_jax.kernels import Laplace
from cgm_jax.planning import Rates, measured_rates, plan, rates


@pytest.mark.medium
def test_all_speeds_are_numbers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rates, "NUM_TILES", 2)
    found = measured_rates([20, 30], 3, 500, kernel=Laplace(1.0), dtype=np.float64)
    assert isinstance(found, Rates)
    assert found.num_candidates == 500
    assert all(np.isfinite(found))
    assert min(found) > 0
    planned = plan([20, 30], 3, 500, rates=found)
    assert 0 < planned.seconds < 1e6
    assert planned.most_sampling_seconds > 0


def test_a_device_that_is_twice_as_fast_takes_half_the_time():
    slow = Rates(1e8, 1e8, 1e2, 1e4, 1_000, 1e9, 0.4)
    fast = Rates(2e8, 2e8, 2e2, 2e4, 1_000, 2e9, 0.2)
    sizes = [[5_000] * 30, 4, 20_000]
    assert plan(*sizes, rates=slow).seconds == pytest.approx(
        2 * plan(*sizes, rates=fast).seconds
    )


@pytest.mark.medium
def test_no_more_than_the_most_candidates_are_tried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rates, "MOST_CANDIDATES", 100)
    monkeypatch.setattr(rates, "NUM_TILES", 1)
    found = measured_rates([20, 30], 2, 10**9)
    assert found.num_candidates == 100


@pytest.mark.medium
def test_with_many_columns_fewer_candidates_are_tried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rates, "MOST_ENTRIES", 1_000)
    monkeypatch.setattr(rates, "NUM_TILES", 1)
    assert measured_rates([20, 30], 10, 10**9).num_candidates == 100
