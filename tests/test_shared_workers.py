"""Threads that keep all cores busy."""

import threading

import jax.numpy as jnp
import pytest

from cgm_jax._shared.workers import map_on_workers, num_workers


def test_results_come_in_the_order_of_the_items():
    assert map_on_workers(lambda item, check: item**2, range(20)) == [
        item**2 for item in range(20)
    ]


def test_64_bit_types_are_on_inside_and_off_outside():
    found = map_on_workers(lambda item, check: jnp.zeros(item).dtype, [1, 2])
    assert set(map(str, found)) == {"float64"}
    assert str(jnp.zeros(1).dtype) == "float32"


def test_a_failure_stops_the_others_and_is_the_one_raised():
    started = threading.Barrier(max(2, num_workers()), timeout=30)

    def work(item: int, check) -> None:
        if num_workers() > 1:
            started.wait()
        if item == 0:
            raise KeyError("the reason")
        while True:
            check()

    with pytest.raises(KeyError, match="the reason"):
        map_on_workers(work, range(max(2, num_workers())))
