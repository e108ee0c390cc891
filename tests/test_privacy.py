"""The mediator's figures: rewards beside the other parties' rows."""

import dataclasses
import json

import jax
import numpy as np
from small_collaborations import small_collaboration, with_nothing

from cgm_jax.generators import KernelDensity
from cgm_jax.privacy import halves_control, privacy_figures

KEY = jax.random.key(0)


def held_out(num: int = 30) -> np.ndarray:
    return np.random.default_rng(1).normal(0.3, 0.5, size=(num, 2))


def test_rewards_are_put_beside_the_other_parties_rows():
    result = small_collaboration(3, 2)
    # A row of party 0 handed out to all: a match for the others only.
    candidates = np.array(result.candidates)
    for reward in result.rewards:
        candidates[reward.indices[0]] = result.parties[0][0]
    result = dataclasses.replace(result, candidates=candidates)
    found = privacy_figures(KEY, result, held_out())
    matches = [reward.used.exact_matches for reward in found.rewards]
    assert matches[0] == 0 and matches[1] >= 1 and matches[2] >= 1
    for i, reward in enumerate(found.rewards):
        others = sum(len(x) for j, x in enumerate(result.parties) if j != i)
        assert reward.num_real == min(others, 30)
    rows = found.rows(["Ada", "Bo", "Cy"])
    assert [row["party"] for row in rows] == ["Ada", "Bo", "Cy"]
    assert rows[1]["used_exact_matches"] == matches[1]
    assert rows[1]["nearer_to_used"] == found.rewards[1].nearer_share
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_a_party_without_points_has_no_figures():
    found = privacy_figures(KEY, with_nothing(small_collaboration(3, 2), 1), held_out())
    assert found.rewards[1] is None
    assert [row["party"] for row in found.rows()] == [0, 2]


def test_the_control_sees_copies_and_none_where_there_are_none():
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(n, 3)) for n in (150, 251)]
    close = halves_control(KEY, KernelDensity(0.01), parties)
    assert close.num_real == 200 and len(close.used.distances) == 2_000
    assert close.nearer_share > 0.95
    wide = halves_control(KEY, KernelDensity(5.0), parties, num_points=500)
    assert abs(wide.nearer_share - 0.5) < 5 * 0.5 / np.sqrt(200)
