"""What people are told of cheating: tried, and found in the rows."""

from dataclasses import replace

import numpy as np
from small_collaborations import (
    small_promises,
)

from cgm_jax.audit import (
    Stress,
    Trial,
    compare_with_shapley_fair,
)
from cgm_jax.evidence import (
    Evidence,
    NearDuplicates,
    NoiseRows,
    Resamples,
    near_duplicates,
)
from cgm_jax.report.sentences import (
    comparison_sentence,
    evidence_sentences,
    near_duplicate_sentences,
    other_scheme_sentence,
    scoring_words,
    stress_sentence,
)
from cgm_jax.rewards import solve_reward_scheme

NAMES = ["Ada", "Bo", "Cy"]


def test_of_trials_the_most_profitable_is_named():
    scheme = small_promises(3, 2).scheme

    def trial(party: int, name: str, gain: float) -> Trial:
        return Trial(party, name, 0.0, 0.0, gain, 0.5, 7, 1.0, "optimal")

    losing = (trial(0, "split in 2", -0.02), trial(1, "split in 2", 0.0))
    # In its own units Bo gains most, in shares of what they hold Ada does.
    paying = (trial(1, "withhold half", 0.02), trial(0, "hand in twice", 0.01))
    joint = np.array([[0.1, 0.4, 0.2]])
    stress = Stress({"shapley": scheme}, {"shapley": joint}, losing + paying)
    assert stress_sentence(stress, NAMES) == (
        "2 of the 4 manipulations tried would have been profitable; the most for Ada, "
        'by "hand in twice": what it holds would be worth 10.0% more.'
    )
    assert stress_sentence(replace(stress, trials=losing)) == (
        "None of the 2 manipulations tried was profitable."
    )


def test_the_schemes_under_which_the_worst_would_not_have_paid():
    scheme, names = small_promises(3, 2).scheme, ("shapley", "points", "banzhaf")
    gains = {
        "shapley": {"copy": (0.3, -0.1), "noise": (0.2, 0.1)},
        "points": {"copy": (-0.1, 0.0), "noise": (0.05, -0.2)},
        "banzhaf": {"copy": (0.1, -0.3), "noise": (-0.2, -0.3)},
    }
    trials = tuple(
        Trial(party, strategy, joint_gain=gain, scoring=name)
        for name, of in gains.items()
        for strategy, both in of.items()
        for party, gain in enumerate(both)
    )
    ones = {name: np.ones((1, 2)) for name in names}
    stress = Stress(dict.fromkeys(names, scheme), ones, trials)
    assert other_scheme_sentence(stress) == (
        '"copy" would have paid nobody under points (there "noise" pays the most, '
        "5.0%)."
    )

    def without(*left_out: tuple[str, str]) -> Stress:
        kept = tuple(t for t in trials if (t.scoring, t.strategy) not in left_out)
        schemes = {t.scoring: scheme for t in kept}
        return replace(stress, honest=schemes, trials=kept)

    of_points = [(name, strategy) for name in ("points",) for strategy in gains[name]]
    assert other_scheme_sentence(without(*of_points)) == (
        '"copy" would have paid somebody under every other scheme tried, too: banzhaf.'
    )
    assert other_scheme_sentence(without(("points", "noise"))) == (
        '"copy" would have paid nobody under points (no other way of those tried pays '
        "there)."
    )
    alone = [(name, strategy) for name in names[1:] for strategy in gains[name]]
    assert other_scheme_sentence(without(*alone)) == ""
    # Where stakes are bounded a gain is no surprise: what counts is how large.
    renamed = tuple(
        replace(t, scoring=t.scoring.replace("banzhaf", "robust")) for t in trials
    )
    names = ("shapley", "points", "robust")
    bounded = Stress(
        dict.fromkeys(names, scheme), {name: np.ones((1, 2)) for name in names}, renamed
    )
    assert other_scheme_sentence(bounded).endswith(
        '(there "noise" pays the most, 5.0%). Under robust, none of those tried gains '
        "more than 10.0%."
    )


def test_nobody_would_be_worse_off_under_the_other_scheme():
    values, own = np.array([0.0, 1.0, 2.0, 4.0]), np.array([1.0, 2.0])
    scheme = solve_reward_scheme(np.array([1.5, 2.5]), own, np.array([4.0, 4.0]))
    comparison = compare_with_shapley_fair(values, scheme)
    assert comparison.worse_off == ()
    assert comparison_sentence(comparison) == (
        "Under an older rule, which pays by contribution alone (ρ-Shapley fairness), "
        "nobody would be worse off than alone either."
    )


def shared(exact, contested, sizes, *, copied=0, is_coarse=False) -> NearDuplicates:
    """Pairs with contested or copied rows have the p-value 0."""
    exact, contested = np.array(exact), np.array(contested)
    copied = np.broadcast_to(copied, exact.shape)
    p_values = np.where((contested > 0) | (copied > 0), 0.0, 1.0)
    masks = tuple(
        np.arange(size)[:, None] < of_party[None]
        for size, of_party in zip(sizes, contested, strict=True)
    )
    zeros = np.zeros(exact.shape)
    return NearDuplicates(exact, p_values, copied, zeros, masks, is_coarse)


def test_one_sentence_per_pair_that_shares_rows():
    exact = [[0, 7, 1], [7, 0, 1], [1, 1, 0]]
    found = shared(exact, [[0, 10, 0], [9, 0, 0], [0, 0, 0]], [40, 60, 30])
    lines = near_duplicate_sentences(found, NAMES)
    assert len(lines) == 3
    assert lines[0] == (
        "Ada, Bo: these have rows in common, 7 of the 40 rows of Ada and 3 more nearly,"
        " and 7 of the 60 rows of Bo and 2 more nearly."
    )
    assert lines[1].endswith("1 of the 40 rows of Ada, and 1 of the 30 rows of Cy.")
    assert "7 of the 40 rows of party 0 and" in near_duplicate_sentences(found)[0]
    apart = near_duplicates([np.zeros((3, 2)), np.ones((2, 2))])
    assert near_duplicate_sentences(apart) == []


def test_copies_with_noise_are_told_as_so_many():
    zeros = np.zeros((2, 2), int)
    found = shared(zeros, zeros, [40, 60], copied=[[0, 0], [21.4, 0]])
    (line,) = near_duplicate_sentences(found, NAMES[:2])
    assert "about 21 of the 60 rows of Bo" in line and "which ones cannot" in line


def test_an_equal_row_is_told_unless_columns_are_coarse():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 300, 2))
    assert near_duplicate_sentences(near_duplicates([first, second])) == []
    second[1] = first[1]
    found = near_duplicates([first, second])
    assert not found.is_beyond_chance.any()
    assert len(near_duplicate_sentences(found)) == 1


def test_rows_shared_by_chance_in_coarse_tables_are_one_sentence():
    rng = np.random.default_rng(0)
    parties = [rng.integers(0, 10, size=(n, 2)).astype(float) for n in (60, 90, 40)]
    (line,) = near_duplicate_sentences(near_duplicates(parties), NAMES)
    assert "so coarse that parties have rows in common by chance" in line
    # Most of a party's rows copied are more than chance, where columns are finer.
    fine = [rng.integers(0, 60, size=(n, 2)).astype(float) for n in (60, 90, 40)]
    fine[2][:30] = fine[0][:30]
    first, *rest = near_duplicate_sentences(near_duplicates(fine), NAMES)
    assert first.startswith("Ada, Cy: these have rows in common, 3")
    assert all("by chance" in line for line in rest)


def test_of_very_many_pairs_ten_are_told():
    parties = [np.arange(30.0).reshape(-1, 2)] * 6
    lines = near_duplicate_sentences(near_duplicates(parties))
    assert len(lines) == 11 and "5 more pairs" in lines[10]


def test_noise_and_data_too_much_alike_are_told_of_parties_that_show_them():
    zeros = np.zeros((3, 3), int)
    near = shared(zeros, [[0, 4, 0], [4, 0, 0], [0, 0, 0]], [40, 60, 30])
    votes = tuple(np.zeros(size) for size in (40, 60, 30))
    half, most = np.full(3, 0.5), np.full(3, 0.9)
    p_values = np.array([1, 1e-5, 0.2])
    noise = NoiseRows(votes, np.array([0.0, 0.43, 0.1]), half, most, p_values)
    alike = np.ones((3, 3))
    alike[0, 1] = alike[1, 0] = alike[1, 2] = alike[2, 1] = 1e-6
    found = Evidence(near, noise, Resamples(alike))
    shown, of_noise, of_copy = evidence_sentences(found, NAMES)
    assert shown.startswith("Ada, Bo: these have rows in common")
    assert of_noise == (
        "Bo: about 43 % of the rows lie no more densely than noise would. They are "
        "noise, or few honest rows of a kind that nobody else has: look at them before "
        "you ask."
    )
    # Ada and Bo are told of already.
    assert of_copy.startswith("Bo, Cy: the data of these are more alike than")
    assert "party 1 (counted from 0): about" in evidence_sentences(found)[1]


def test_what_a_score_is_follows_its_name():
    pairs = {
        "distribution(pool)": "is to the pool's",
        "distribution(candidates)": "of the candidates",
        "beta-shapley(1, 4)": "weighted by their sizes as beta-shapley(1, 4)",
        "time-aware robust": "within 4 % of the largest",
        "robust(1.2) banzhaf": "within 20 % of the largest",
        "my own": "the rule my own says of a party's data",
    }
    for name, words in pairs.items():
        assert words in scoring_words(name), name
    assert "in every period" in scoring_words("time-aware robust")
