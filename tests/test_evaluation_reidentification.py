"""The attack on rewards: it finds what is there, and nothing where nothing is."""

from functools import cache

import jax
import numpy as np
import pytest
from small_collaborations import small_collaboration, with_promises, with_reward

from cgm_jax.evaluation import reidentification
from cgm_jax.evaluation.nearest_rows import nearness_figures
from cgm_jax.evaluation.reidentification import (
    Control,
    ReadOff,
    _between,
    _guesses,
    reidentify,
)
from cgm_jax.generators import KernelDensity

KEY = jax.random.key(0)


@cache
def wine():
    """scikit-learn's wine in standard deviations, rows in random order."""
    from sklearn.datasets import load_wine

    rows = load_wine().data
    rows = (rows - rows.mean(0)) / rows.std(0)
    return np.random.default_rng(0).permutation(rows)


def blurred(rows, num, bandwidth, seed=0):
    rng = np.random.default_rng(seed)
    rows = rows[rng.integers(0, len(rows), num)]
    return rows + bandwidth * rng.normal(size=rows.shape)


def normal(num, seed, columns=13):
    """Rows of one distribution, with correlations."""
    mix = np.random.default_rng(99).normal(size=(columns, columns))
    return np.random.default_rng(seed).normal(size=(num, columns)) @ mix


# --- what must be found


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.medium
def test_rows_of_wine_are_read_off_a_kernel_density_estimate(is_known):
    """Also if no row is known to be unseen: points in between are not found."""
    rows = wine()
    own, others, unseen = rows[:60], rows[60:149], rows[149:]
    reward = blurred(rows[:149], 5_000, 0.05)
    control = Control(reward, others, unseen) if is_known else None
    found = reidentify(KEY, reward, own, others, control)
    assert found.verdict is ReadOff.READABLE
    assert found.num_recovered == found.num_others >= 85
    assert found.unseen_recovered == 0
    assert found.is_between != is_known


def test_a_few_copies_among_honest_rows_are_found():
    own, others, unseen, honest = (
        normal(n, i) for i, n in enumerate((50, 200, 200, 900))
    )
    reward = np.concatenate([honest, others[:20]])
    found = reidentify(KEY, reward, own, others, Control(reward, others, unseen))
    assert found.verdict is ReadOff.READABLE
    assert (found.num_recovered, found.radius) == (20, 0)


@pytest.mark.medium
def test_nearness_figures_attack_every_reward():
    """Three parties share wine; the generator is made anew of half of the rows."""
    parties = [wine()[i::3] for i in range(3)]
    result = small_collaboration(3, 2)
    pool = np.concatenate(parties)
    result = with_promises(
        result, parties=parties, candidates=blurred(pool, 5_000, 0.05)
    )
    for i in range(3):
        result = with_reward(
            result, i, indices=np.arange(5_000), values=np.zeros(5_000)
        )
    figures = nearness_figures(KEY, result, generator=KernelDensity(0.05))
    for reward in figures.rewards:
        attack = reward.attack
        assert attack.verdict is ReadOff.READABLE
        assert attack.num_recovered > 0.95 * attack.num_others
        assert attack.seen_recovered > 0.95 * attack.num_seen
        assert attack.unseen_recovered == 0 and not attack.is_between
    assert figures.rows()[0]["attack"]["verdict"] == "readable"


# --- what must not be found


@pytest.mark.parametrize("columns", [2, 5, 13])
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.medium
def test_an_honest_resample_gives_no_sign(columns, is_known):
    """Twenty rewards of rows never seen: the level is 0.001 each."""
    for seed in range(0, 100, 5):
        own, others, unseen, reward = (
            normal(n, seed + i, columns) for i, n in enumerate((60, 120, 120, 3_000))
        )
        control = Control(reward, others, unseen) if is_known else None
        found = reidentify(KEY, reward, own, others, control)
        assert found.verdict is not ReadOff.READABLE
        assert columns == 2 or found.verdict is ReadOff.NO_SIGN


@pytest.mark.medium
def test_a_wide_kernel_gives_no_sign():
    rows = wine()
    own, others, unseen = rows[:60], rows[60:119], rows[119:]
    reward = blurred(rows[:119], 3_000, 1.0)
    found = reidentify(KEY, reward, own, others, Control(reward, others, unseen))
    assert found.verdict is ReadOff.NO_SIGN


def test_copies_of_the_own_rows_are_no_rows_of_others():
    """Nor are rows of others that the party has as well."""
    own, others, unseen = normal(80, 0), normal(100, 1), normal(100, 2)
    both = np.concatenate([others, own[:40]])
    reward = blurred(own, 2_000, 0.02)
    found = reidentify(KEY, reward, own, both, Control(reward, both, unseen))
    assert found.num_others == found.num_seen == 100
    assert found.num_recovered == 0 and found.verdict is ReadOff.NO_SIGN


# --- what cannot be measured


def test_too_few_rows_or_a_reward_near_everything_cannot_be_measured():
    own, others, unseen = normal(50, 0), normal(3, 1), normal(3, 2)
    copies = np.concatenate([others, unseen])
    few = reidentify(KEY, copies, own, others, Control(copies, others, unseen))
    assert few.num_recovered == 3 and few.verdict is ReadOff.NOT_MEASURABLE
    rng = np.random.default_rng(0)
    own, others, unseen = rng.uniform(size=(3, 200, 1))
    everywhere = np.linspace(0, 1, 1_000)[:, None]
    dense = reidentify(
        KEY, everywhere, own, others, Control(everywhere, others, unseen)
    )
    assert dense.num_others == dense.num_recovered
    assert dense.verdict is ReadOff.NOT_MEASURABLE
    nothing = reidentify(KEY, normal(0, 0), *(normal(50, i) for i in (1, 2)))
    assert nothing.verdict is ReadOff.NOT_MEASURABLE and nothing.num_others == 50


# --- categories and units


def test_a_category_is_equal_or_it_is_not_recovered():
    rng = np.random.default_rng(0)
    height = 0.954 / np.sqrt(2)
    is_category = np.array([False] * 6 + [True] * 2)

    def rows(num):
        second = rng.random(num) < 0.5
        one_hot = height * np.stack([~second, second], axis=1)
        return np.concatenate([rng.normal(size=(num, 6)), one_hot], axis=1)

    own, others, unseen = rows(50), rows(80), rows(80)
    reward = np.repeat(others, 12, axis=0)
    reward[:, :6] += 0.02 * rng.normal(size=(len(reward), 6))
    control = Control(reward, others, unseen)
    right = reidentify(KEY, reward, own, others, control, is_category=is_category)
    assert right.num_recovered == 80 and right.verdict is ReadOff.READABLE
    reward = reward.copy()
    reward[:, 6:] = reward[:, :5:-1]  # the other category everywhere
    control = Control(reward, others, unseen)
    wrong = reidentify(KEY, reward, own, others, control, is_category=is_category)
    assert wrong.num_recovered == 0 and wrong.verdict is ReadOff.NO_SIGN


@pytest.mark.medium
def test_units_of_numbers_do_not_matter():
    rows = wine()
    own, others, unseen = rows[:60], rows[60:119], rows[119:]
    reward = blurred(rows[:119], 2_000, 0.05)
    first = reidentify(KEY, reward, own, others, Control(reward, others, unseen))
    units = 2.0 ** np.arange(-6, 7)
    own, others, unseen, reward = (x * units for x in (own, others, unseen, reward))
    second = reidentify(KEY, reward, own, others, Control(reward, others, unseen))
    assert first.num_recovered == second.num_recovered > 50
    assert first.verdict is second.verdict


# --- parts


def test_guesses_are_means_of_the_rows_within_a_radius():
    rows = blurred(normal(12, 0, 3), 90, 0.1)
    own = normal(2, 5, 3)
    (zero, as_they_are), *averaged = _guesses(rows, own)
    assert zero == 0
    np.testing.assert_array_equal(as_they_are, rows)
    gaps = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
    first, fifth = np.sort(gaps, axis=1)[:, [1, 5]].T
    radii = [*np.quantile(fifth, [0.1, 0.5, 0.9]), np.median(first)]
    expected = 1.5 * np.repeat(radii, 2)
    np.testing.assert_allclose([radius for radius, _ in averaged], expected)
    for (radius, once), (_, twice) in zip(averaged[::2], averaged[1::2], strict=True):
        far = np.linalg.norm(rows[:, None] - own[None], axis=-1).min(1) > radius
        near = (gaps <= radius) & far
        mean = np.array(
            [rows[mask].mean(0) for mask, kept in zip(near, far, strict=True) if kept]
        )
        np.testing.assert_allclose(once, mean)
        again = [
            mean[mask[far]].mean(0)
            for mask, kept in zip(near, far, strict=True)
            if kept
        ]
        np.testing.assert_allclose(twice, again)


def test_points_in_between_have_numbers_that_rows_have_and_are_no_rows():
    rows = normal(60, 0, 4).round(1)
    is_number = np.array([True] * 3 + [False])
    kept, points = _between(rows, is_number, np.full(4, 0.05))
    assert 30 <= len(points) == len(kept) <= 60
    np.testing.assert_array_equal(kept[:, 3], points[:, 3])  # a category
    for column in range(4):
        assert np.isin(points[:, column], rows[:, column]).all()
    assert not (points[:, None] == rows[None]).all(-1).any()
    coarse = np.repeat(np.arange(4.0), 20)[:, None]  # nothing is in between
    kept, points = _between(coarse, np.array([True]), np.array([0.05]))
    assert len(kept) == len(points) == 0


@pytest.mark.medium
def test_of_very_many_rows_some_are_drawn(monkeypatch):
    monkeypatch.setattr(reidentification, "MAX_ROWS", 700)
    own, others, unseen = normal(50, 0), normal(50, 1), normal(50, 2)
    reward = blurred(others, 1_500, 0.01)
    control = Control(reward[:900], others, unseen)
    found = reidentify(KEY, reward, own, others, control)
    assert found.verdict is ReadOff.READABLE and found.num_recovered == 50


def test_what_fresh_rows_would_give_is_beside_it():
    """30 of 80 rows that were seen are near to a row that was not."""
    own, others, unseen, reward = (normal(n, i) for i, n in enumerate((50, 80, 60, 90)))
    unseen[:30] = others[:30] + 0.01 * others.std(axis=0)
    control = Control(reward, others, unseen)
    assert reidentify(KEY, reward, own, others, control).fresh_recovered == 30
    assert reidentify(KEY, reward, own, others).fresh_recovered is None
