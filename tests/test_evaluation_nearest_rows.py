"""The mediator's figures: rewards beside the other parties' rows."""

import json

import jax
import numpy as np
import pytest
from small_collaborations import (
    small_collaboration,
    with_nothing,
    with_promises,
    with_reward,
)

from cgm_jax.evaluation.nearest_rows import (
    NearnessFigures,
    RewardNearness,
    nearness_figures,
)
from cgm_jax.evaluation.reidentification import Reidentification
from cgm_jax.generators import KernelDensity
from cgm_jax.report.page import nearness_page
from cgm_jax.report.sentences.nearest_rows import nearness_warnings

KEY = jax.random.key(0)


def test_rewards_are_put_beside_the_other_parties_rows():
    result = small_collaboration(3, 2)
    # A row of party 0 handed out to all: a match for the others only.
    parties, candidates = result.promises.parties, result.promises.candidates.copy()
    for reward in result.draw.rewards:
        candidates[reward.indices[0]] = parties[0][0]
    result = with_promises(result, candidates=candidates)
    # Half of everyone's rows are known to be unseen; that row is none of them.
    unseen = [np.arange(len(x)) % 2 == 1 for x in parties]
    found = nearness_figures(KEY, result, held_out=unseen)
    for i, reward in enumerate(found.rewards):
        matches = reward.to_others.exact_matches
        assert matches >= 1 if i else matches == 0
        assert reward.control.used.exact_matches == matches
        assert reward.control.held_out.exact_matches == 0
        masks = np.concatenate([m for j, m in enumerate(unseen) if j != i])
        assert reward.control.num_real == min(masks.sum(), (~masks).sum())
        others = np.concatenate([x for j, x in enumerate(parties) if j != i])
        points = candidates[result.draw.rewards[i].indices]
        to_own, gaps = (
            np.sqrt(((points[:, None] - real[None]) ** 2).sum(-1)).min(1)
            for real in (parties[i], others)
        )
        # Rows near the party's own say nothing of others.
        is_near_own = to_own < gaps
        assert reward.num_near_own == is_near_own.sum() > 0
        found_gaps = reward.to_others.distances
        np.testing.assert_allclose(found_gaps, gaps[~is_near_own], atol=1e-6)
        assert reward.num_points == len(points)
    rows = found.rows(["Ada", "Bo", "Cy"])
    assert [row["party"] for row in rows] == ["Ada", "Bo", "Cy"]
    assert rows[1]["others_exact_matches"] >= 1
    assert rows[1]["control"]["used_exact_matches"] >= 1
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_a_reward_of_rows_near_the_own_ones_has_no_distances():
    result = small_collaboration(3, 2)
    parties, candidates = result.promises.parties, result.promises.candidates.copy()
    picks = result.draw.rewards[0].indices
    candidates[picks] = parties[0][0] + 1e-4
    found = nearness_figures(KEY, with_promises(result, candidates=candidates))
    assert found.rewards[0].to_others is None
    assert found.rewards[0].num_near_own == found.rewards[0].num_points == len(picks)
    assert found.rows()[0]["others_distance_median"] is None
    assert "<td>–</td>" in nearness_page(found, ["Ada", "Bo", "Cy"])


@pytest.mark.medium
def test_without_held_out_rows_the_generator_is_made_of_half_of_them():
    rng = np.random.default_rng(0)
    result = small_collaboration(3, 2)
    # Only indices, candidates and parties are read.
    parties = [rng.normal(size=(n, 2)) for n in (10, 151, 200)]
    result = with_promises(result, parties=parties)
    for i in range(3):
        result = with_reward(result, i, indices=np.arange(300))
    close = nearness_figures(KEY, result, generator=KernelDensity(1e-3))
    wide = nearness_figures(KEY, result, generator=KernelDensity(3.0))
    for i, (one, other) in enumerate(zip(close.rewards, wide.rewards, strict=True)):
        sizes = [len(x) for j, x in enumerate(parties) if j != i]
        assert one.control.num_real == sum(size // 2 for size in sizes)
        # Points made of rows of the party itself are as near to either half.
        expected = 0.5 + 0.5 * sum(sizes) / sum(map(len, parties))
        assert abs(one.control.nearer_share - expected) < 0.12
        assert abs(other.control.nearer_share - 0.5) < 0.15
        here, there = one.to_others.distances, other.to_others.distances
        np.testing.assert_array_equal(here, there)  # what was handed out is the same
    assert "half of the rows" in close.control


def test_a_party_without_points_has_no_figures():
    found = nearness_figures(KEY, with_nothing(small_collaboration(3, 2), 1))
    assert found.rewards[1] is None and found.rewards[0].control is None
    assert [row["party"] for row in found.rows()] == [0, 2]
    page = nearness_page(found, ["Ada", "B<o>", "Cy"])
    assert "Without a reward: B&lt;o&gt;." in page
    assert "it is not known which rows" in page and "Nearer to rows seen" not in page


@pytest.mark.medium
def test_the_page_shows_every_figure():
    found = nearness_figures(
        KEY, small_collaboration(3, 2), generator=KernelDensity(0.3)
    )
    page = nearness_page(found, ["Ada", "Bo", "Cy"])
    for row in found.rows(["Ada", "Bo", "Cy"]):
        assert f">{row['party']}</th>" in page
        assert f"<td>{row['others_distance_median']:#.4g}</td>" in page
        assert f"<td>{100 * row['control']['nearer_to_used']:.1f} %</td>" in page
    assert "differentially" not in page and "<script" not in page
    assert "http:" not in page and "https:" not in page


def test_masks_are_one_a_party():
    with pytest.raises(ValueError, match="say of each of"):
        nearness_figures(KEY, small_collaboration(3, 2), held_out=[np.ones(2, bool)])


def test_only_what_is_dangerous_or_unknown_warns():
    def attack(num_recovered: int, p_value: float, least: float) -> Reidentification:
        return Reidentification(
            num_recovered=num_recovered,
            num_others=60,
            seen_recovered=num_recovered,
            num_seen=60,
            unseen_recovered=0,
            num_unseen=60,
            fresh_recovered=0,
            radius=0.1,
            is_between=False,
            p_value=p_value,
            least_p_value=least,
        )

    attacks = attack(50, 1e-9, 1e-9), attack(1, 0.9, 1e-9), attack(0, 1, 0.2)
    rewards = tuple(RewardNearness(9, None, None, each) for each in attacks)
    figures = NearnessFigures((*rewards, None), "none", 2)
    readable, unknown = nearness_warnings(figures, ["a", "b", "c", "d"])
    assert readable.startswith("a: rows of others can be read off the reward, 50 of 60")
    assert unknown.startswith("c: ") and "cannot be measured" in unknown
