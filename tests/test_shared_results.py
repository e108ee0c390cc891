"""What all results have: equality that never raises, and forms to hand on."""

import copy
import json
import pickle
from dataclasses import dataclass, replace

import jax
import numpy as np
import pytest

import cgm_jax
from cgm_jax._shared.results import Result, are_equal
from cgm_jax.kernels import DeepKernel, Laplace, SquaredExponential
from cgm_jax.valuation import mmd_shapley_values, point_shapley_values

rng = np.random.default_rng(0)
PARTIES = [rng.normal(size=(20, 2)), rng.normal(size=(20, 2)) + 0.5]
CANDIDATES = rng.normal(size=(100, 2))


def collaborate(seed: int = 0):
    return cgm_jax.collaborate(jax.random.key(seed), PARTIES, CANDIDATES)


@dataclass(frozen=True, eq=False, repr=False)
class Facts(Result):
    array: object
    more: object = None


EQUAL = [1, np.float64(np.nan), np.ones(3), [np.arange(2), {"a": np.nan}], "text", None]


@pytest.mark.parametrize("i", range(len(EQUAL)))
def test_equality_is_of_values_and_never_an_error(i):
    one, other = Facts(EQUAL[i]), Facts(copy.deepcopy(EQUAL[i]))
    assert one == other
    assert one == one
    assert one != Facts(EQUAL[i], more=1)
    for j, value in enumerate(EQUAL):
        assert (Facts(value) == one) is (i == j)
    assert one != EQUAL[i]


def test_arrays_of_another_shape_dtype_or_library_are_not_equal():
    ones = np.ones(3)
    for other in (np.ones(2), np.ones((3, 1)), np.ones(3, int), jax.numpy.ones(3)):
        assert not are_equal(ones, other)
        assert not are_equal(other, ones)
    assert are_equal(jax.numpy.ones(3), jax.numpy.ones(3))
    compared = []
    jax.jit(lambda x: compared.append(Facts(x) == Facts(ones)))(ones)
    assert compared == [False]


@pytest.mark.medium
def test_results_are_equal_copied_pickled_and_in_json():
    result = collaborate()
    assert result == collaborate()
    assert result.draw != collaborate(1).draw
    assert result.promises == collaborate(1).promises
    for copied in (copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        assert copied == result
    facts = json.loads(json.dumps(result.to_dict()))
    scheme = facts["promises"]["scheme"]
    assert scheme["reward_values"] == result.promises.scheme.reward_values.tolist()
    assert scheme["status"] == "optimal"
    assert facts["promises"]["kernel"]["kind"] == "SquaredExponential"


@pytest.mark.medium
def test_vectors_become_a_data_frame():
    pytest.importorskip("pandas")
    result = collaborate()
    frame = result.promises.scheme.to_frame()
    assert len(frame) == 2
    np.testing.assert_array_equal(
        frame["reward_values"], result.promises.scheme.reward_values
    )
    points = point_shapley_values(result.promises.kernel, CANDIDATES).to_frame()
    assert list(points.columns) == ["shapley_values", "leave_one_out"]
    with pytest.raises(ValueError, match="with a vector"):
        Facts(1.0).to_frame()


@pytest.mark.medium
def test_a_repr_is_a_line():
    result = collaborate()
    for shown in (
        result.promises.sums,
        mmd_shapley_values(result.promises.sums),
        point_shapley_values(result.promises.kernel, CANDIDATES),
        result.draw.rewards[0],
        result.promises.scheme,
    ):
        assert len(repr(shown)) < 200, repr(shown)
        assert "\n" not in repr(shown)


def test_kernels_are_equal_by_value_and_those_of_numbers_have_a_hash():
    scales = SquaredExponential(np.ones(2))
    assert scales == SquaredExponential(np.ones(2))
    assert scales not in (SquaredExponential(np.ones(3)), Laplace(np.ones(2)))
    assert hash(SquaredExponential(1.0)) == hash(SquaredExponential(1.0))
    deep = DeepKernel(jax.numpy.tanh, scales)
    assert deep == replace(deep)
    assert 2.0 * deep != 3.0 * deep


def test_folders_list_what_they_export():
    for name in ("kernels", "valuation", "gram", "rewards", "sampling", "metrics"):
        folder = getattr(cgm_jax, name)
        assert dir(folder) == sorted(folder.__all__)
