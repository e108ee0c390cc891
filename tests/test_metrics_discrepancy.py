"""MMD²_u from known sums: the same as by its definition."""

import numpy as np
import pytest
from oracles import mmd2_unbiased, squared_exponential
from small_collaborations import (
    several_draws,
    small_collaboration,
    with_nothing,
    with_reward,
)

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.metrics import mmd2_to_reference
from cgm_jax.valuation import coalition_values


def measured(result):
    promises, rewards = result.promises, result.draw.rewards
    return mmd2_to_reference(
        promises.kernel,
        promises.parties,
        promises.candidates,
        promises.sums,
        [reward.indices for reward in rewards],
        np.array([reward.final_value for reward in rewards]),
    )


@pytest.mark.smoke
@pytest.mark.medium
def test_it_is_the_definition_after_a_draw():
    result = with_nothing(small_collaboration(3, 2), 1)
    # Without a reward, a party keeps the value of its own data.
    promises = result.promises
    own = float(promises.scheme.own_values[1])
    result = with_reward(result, 1, initial_value=own)
    reference = np.concatenate([*promises.parties, promises.candidates])
    for party, found in enumerate(measured(result)):
        drawn = promises.candidates[result.draw.rewards[party].indices]
        held = np.concatenate([promises.parties[party], drawn])
        expected = mmd2_unbiased(
            squared_exponential(promises.length_scale), held, reference
        )
        assert found == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.medium
def test_a_kernel_of_another_height_and_a_single_point():
    kernel = 3.0 * SquaredExponential(0.7)
    one, two, candidates = np.zeros((1, 1)), np.array([[0.3], [1.0]]), np.ones((3, 1))
    sums = gram_sums(kernel, [one, two], candidates)
    nothing = np.zeros(0, int)
    values = coalition_values(sums)[[1, 2]]
    alone, found = mmd2_to_reference(
        kernel, [one, two], candidates, sums, [nothing, nothing], values
    )
    assert np.isnan(alone)
    reference = np.concatenate([one, two, candidates])
    expected = 3 * mmd2_unbiased(squared_exponential(0.7), two, reference)
    assert found == pytest.approx(expected, abs=1e-12)


def test_picks_and_values_of_every_party_are_needed():
    promises, draws = several_draws()
    with pytest.raises(ValueError, match="2 picks and 3 values"):
        mmd2_to_reference(
            promises.kernel,
            promises.parties,
            promises.candidates,
            promises.sums,
            [reward.indices for reward in draws[0].rewards[:2]],
            promises.scheme.own_values,
        )
