"""What a table teaches of one column, against scikit-learn itself and known answers."""

import jax
import numpy as np
import pytest
from real_tables import cells_of
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from cgm_jax.metrics import train_on_synthetic

KEY = jax.random.key(0)


def table(num: int, seed: int, *, noise: float = 1.0) -> dict[str, list[str]]:
    """Two numbers, a category of three that they decide, and a number of their sum."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num, 2))
    score = x[:, 0] + noise * rng.normal(size=num)
    return {
        "x": [f"{a:.6f}" for a in x[:, 0]],
        "y": [f"{a:.6f}" for a in x[:, 1]],
        "class": np.array(["low", "mid", "top"])[
            np.digitize(score, (-0.5, 0.5))
        ].tolist(),
        "two": np.where(score > 0, "a", "b").tolist(),
        "sum": [f"{a:.6f}" for a in x.sum(axis=1)],
    }


def score(training: dict, test: dict, target: str, **options):
    return train_on_synthetic(
        KEY, cells_of(training), cells_of(test), target, **options
    )


def some(rows: dict, *names: str) -> dict:
    return {name: rows[name] for name in names}


@pytest.mark.medium
def test_two_classes_are_scored_as_by_hand():
    names = "x", "y", "two"
    training, test = (some(table(400, seed), *names) for seed in (0, 1))
    found = score(training, test, "two")
    x, z = (np.array([t["x"], t["y"]], float).T[:, :2] for t in (training, test))
    seed = int(jax.random.bits(KEY)) // 2
    trees = HistGradientBoostingClassifier(early_stopping=False, random_state=seed)
    told = trees.fit(x, training["two"]).predict_proba(z)[:, 1]
    assert found.score == pytest.approx(roc_auc_score(test["two"], told), abs=1e-12)
    assert found.measure == "AUC" and 0.7 < found.score < 0.9
    predicted = np.where(told > 0.5, "b", "a")
    assert found.accuracy == np.mean(predicted == np.array(test["two"]))


@pytest.mark.medium
def test_more_classes_are_each_scored_against_the_rest():
    names = "x", "y", "class"
    training, test = (some(table(400, seed), *names) for seed in (0, 1))
    found = score(training, test, "class")
    seed = int(jax.random.bits(KEY)) // 2
    trees = HistGradientBoostingClassifier(early_stopping=False, random_state=seed)
    x, z = (np.array([t["x"], t["y"]], float).T for t in (training, test))
    told = trees.fit(x, training["class"]).predict_proba(z)
    expected = roc_auc_score(test["class"], told, multi_class="ovr")
    assert found.score == pytest.approx(expected, abs=1e-12)
    assert found.accuracy == trees.score(z, test["class"])


@pytest.mark.medium
def test_a_number_is_scored_by_the_error_left():
    training, test = (some(table(600, seed), "x", "y", "sum") for seed in (0, 1))
    found = score(training, test, "sum")
    assert found.measure == "R²" and 0.9 < found.score < 1
    assert np.isnan(found.accuracy)
    alone = score(some(training, "x", "sum"), some(test, "x", "sum"), "sum")
    assert 0.2 < alone.score < 0.6  # the other half of the variance is in y


@pytest.mark.medium
def test_what_is_not_there_to_learn_has_the_score_of_guessing():
    test = some(table(300, 1), "x", "class")
    only = {**test, "class": ["low"] * 300}
    found = score(only, test, "class")
    assert found.score == 0.5
    assert found.accuracy == np.mean(np.array(test["class"]) == "low")
    two = {**test, "class": [c if c != "top" else "mid" for c in test["class"]]}
    known, guessed = score(test, test, "class").score, score(two, test, "class").score
    assert 0.5 < guessed < known
    # In any order, and independent: half of all pairs are right, up to chance.
    mixed = {**test, "x": np.random.default_rng(2).permutation(test["x"]).tolist()}
    assert abs(score(mixed, test, "class").score - 0.5) < 0.1
    nothing_else = some(test, "class")
    assert score(nothing_else, nothing_else, "class").score == 0.5


def test_of_one_value_there_is_no_score():
    training = some(table(60, 0), "x", "two", "sum")
    test = some(table(60, 1), "x", "two", "sum")
    found = score(training, {**test, "two": ["a"] * 60}, "two")
    assert np.isnan(found.score) and 0 < found.accuracy <= 1
    constant = {**test, "sum": ["1.5"] * 60}
    assert np.isnan(score(training, constant, "sum").score)


@pytest.mark.medium
def test_missing_cells_are_kept_but_for_the_targets():
    training, test = (some(table(300, seed), "x", "y", "two") for seed in (0, 1))
    whole = score(training, test, "two").score
    holes = {name: list(column) for name, column in training.items()}
    holes["two"][:100] = [""] * 100
    rest = {name: column[100:] for name, column in training.items()}
    assert score(holes, test, "two") == score(rest, test, "two")
    empty = {**training, "x": [""] * 300, "y": training["y"]}
    assert score(empty, test, "two").score < whole
    unknown = {**test, "x": [""] * 300}
    assert score(training, unknown, "two").score < whole


def test_a_category_that_was_not_learned_is_a_missing_one():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 300)
    rows = {
        "code": np.array(["u", "v", "w"])[codes].tolist(),
        "two": np.where(codes == 0, "a", "b").tolist(),
    }
    assert score(rows, rows, "two").score == 1
    other = {**rows, "code": ["z" if c == "w" else c for c in rows["code"]]}
    assert 0.5 < score(rows, other, "two").score <= 1


def test_a_target_that_cannot_be_predicted_is_refused():
    rows = some(table(50, 0), "x", "two")
    with pytest.raises(
        ValueError, match=r"Expected a target among .* got z; there are"
    ):
        score(rows, rows, "z")
    kinds = {"x": "number", "two": "identifier"}
    with pytest.raises(ValueError, match="got two; there are x"):
        score(rows, rows, "two", kinds=kinds)


def test_where_a_target_is_missing_everywhere_its_score_is_unknown():
    rows = some(table(50, 0), "x", "two")
    none = {**rows, "two": [""] * 50}
    for training, test in ((none, rows), (rows, none)):
        assert np.isnan(score(training, test, "two").score)
