"""What users hand in: accepted as it is, converted once, or refused with a reason."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from cgm_jax._shared.arrays import (
    as_parties,
    as_points,
    is_traced,
    to_host,
    with_common_dtype,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_arrays_stay_what_they_are(dtype: type):
    points = np.ones((3, 2), dtype)
    assert as_points(points, "points") is points
    on_device = jnp.ones((3, 2), np.float32)
    assert as_points(on_device, "points") is on_device


# PITFALLS 3
def test_float64_is_never_cut():
    points = as_points([[1 + 1e-12]], "points")
    assert points.dtype == np.float64 and points[0, 0] == 1 + 1e-12


@pytest.mark.parametrize(
    "points",
    [
        np.ones((3, 2), np.int64),
        np.ones((3, 2), np.uint8),
        np.ones((3, 2), bool),
        np.ones((3, 2), np.float16),
        jnp.ones((3, 2), jnp.bfloat16),
        [[1, 1], [1, 1], [1, 1]],
    ],
)
def test_other_numbers_become_float32(points):
    array = as_points(points, "points")
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, 1)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64])
def test_whole_numbers_that_float32_cannot_hold_become_float64(dtype: type):
    numbers = np.array([[2**24 + 1], [2**24 + 3], [1]], dtype)
    points = as_points(numbers, "points")
    assert points.dtype == np.float64
    np.testing.assert_array_equal(points, numbers)
    assert as_points(np.array([[2**24]], dtype), "points").dtype == np.float32
    on_device = as_points(jnp.array([[-(2**24) - 1]], np.int32), "points")
    assert on_device.dtype == np.float64 and on_device[0, 0] == -(2**24) - 1


def test_whole_numbers_that_float64_cannot_hold_are_an_error():
    exact = np.array([[2**63 + 2**40], [2**53]], np.uint64)
    np.testing.assert_array_equal(as_points(exact, "points"), exact.astype(float))
    with pytest.raises(ValueError, match=r"that float64 holds \(up to 2\^53\)"):
        as_points(np.array([[2**53 + 1]]), "points")


def test_masked_cells_are_an_error_that_says_what_to_do():
    array = np.ma.masked_equal([[1.0, 2.0], [-999.0, 3.0]], -999)
    with pytest.raises(ValueError, match=r"masked cells.*leave out.*\.filled\(value\)"):
        as_points(array, "points")
    np.testing.assert_array_equal(as_points(array[:1], "points"), [[1, 2]])


def test_a_frame_with_missing_cells_is_told_what_to_call():
    frame = pd.DataFrame({"x": pd.array([1, None], "Int64")})
    told = r"\.to_numpy\(float, na_value.*encode_frames"
    with pytest.raises(ValueError, match=told):
        as_points(frame, "points")
    with pytest.raises(TypeError, match=told):
        as_points(frame.assign(y="text"), "points")
    filled = frame.to_numpy(float, na_value=-1)
    np.testing.assert_array_equal(as_points(filled, "points"), [[1], [-1]])


@pytest.mark.parametrize("shape", [(), (3,), (3, 0), (3, 2, 1)])
def test_other_shapes_are_an_error(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"Expected things of shape \(n, d\)"):
        as_points(np.zeros(shape), "things")


@pytest.mark.parametrize(
    "entries", [["a"], [1j], [None], [np.datetime64("2020-01-01")]]
)
def test_what_is_no_real_number_is_an_error(entries: list):
    with pytest.raises(TypeError, match="Expected things to be real numbers"):
        as_points(np.array([entries]), "things")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_the_row_of_a_number_that_is_not_finite_is_named(number: float):
    points = np.zeros((5, 2))
    points[3, 1] = points[4, 0] = number
    for array in (points, jnp.asarray(points)):
        with pytest.raises(
            ValueError, match="in things, got NaN or infinity in row 3;"
        ):
            as_points(array, "things")


def test_a_traced_array_is_only_checked_for_its_shape():
    seen = []

    @jax.jit
    def function(points):
        seen.append(is_traced(points) and is_traced({"a": [1.0, points]}))
        return as_points(points, "points")

    assert np.isnan(function(jnp.full((2, 2), jnp.nan))).all()
    assert seen == [True]
    assert not is_traced({"a": [1.0, np.ones(2), jnp.ones(2)]})
    with pytest.raises(ValueError, match="of shape"):
        function(jnp.ones(3))


def test_parties_need_points():
    parties = as_parties([np.ones((1, 2)), [[1, 2]]])
    assert [x.shape for x in parties] == [(1, 2), (1, 2)]
    with pytest.raises(ValueError, match="at least one party"):
        as_parties([])
    with pytest.raises(ValueError, match=r"points in parties\[1\], got none"):
        as_parties([np.ones((1, 2)), np.ones((0, 2))])
    with pytest.raises(ValueError, match=r"finite numbers in parties\[1\]"):
        as_parties([np.ones((1, 2)), np.full((1, 2), np.nan)])


def test_the_widest_dtype_is_that_of_all():
    single, double = np.ones((2, 3), np.float32), np.ones((4, 3))
    both = with_common_dtype(("a", single), ("b", double))
    assert [x.dtype for x in both] == [np.float64, np.float64]
    (alone,) = with_common_dtype(("a", single))
    assert alone is single
    with pytest.raises(ValueError, match="got 3 in a and 2 in b"):
        with_common_dtype(("a", single), ("b", np.ones((4, 2))))


def test_a_jax_array_is_widened_without_64_bit_types():
    single, double = jnp.ones((2, 3), jnp.float32), np.full((2, 3), 1 / 3)
    both = with_common_dtype(("a", single), ("b", double))
    assert [x.dtype for x in both] == [np.float64] * 2
    np.testing.assert_array_equal(both[0], np.ones((2, 3)))


def test_results_are_float64_outside_and_untouched_inside_a_transformation():
    result = to_host(jnp.ones(3, np.float32))
    assert isinstance(result, np.ndarray) and result.dtype == np.float64
    assert to_host(jnp.float32(1)).dtype == np.float64
    seen = []
    jax.jit(lambda x: seen.append(to_host(x) is x))(jnp.ones(3))
    assert seen == [True]
