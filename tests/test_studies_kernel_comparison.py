"""Two kernels on the same images: what is held out is valued, and labels only judge."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest
from small_experiments import image_data

from benchmarks.studies.__main__ import main
from benchmarks.studies.class_assignments import reassign_classes
from benchmarks.studies.coverage import class_coverage, sharpness
from benchmarks.studies.kernel_comparison import (
    COMPARED,
    _contributions,
    _reassigned,
    compare_kernels,
    fit_to_images,
)
from benchmarks.studies.kernel_tables import kernel_tables
from cgm_jax.collaboration import promise
from cgm_jax.datasets import split_by_proportions
from cgm_jax.experiments import ExperimentData
from cgm_jax.two_sample import estimate_power


@pytest.fixture(scope="module")
def comparison():
    return compare_kernels(
        jax.random.key(0),
        image_data(),
        inverse_temperatures=[1, 8],
        num_steps=3,
        num_assignments=3,
    )


def test_coverage_by_hand():
    # the pool has 4 of class 0, 3 of class 1, 1 of class 2
    found = class_coverage([[0, 0, 1, 1], [0, 0], [1, 2]], 3)
    np.testing.assert_allclose(found, [0.875, 0.5, 0.5])


def test_sharpness_by_hand():
    found = sharpness([1.0, 0.6, 0.7, 0.1], [1.0, 0.5, 0.75, 0.25])
    assert found.tau == pytest.approx(1)
    assert found.gap == pytest.approx(0.3)
    correlation = np.corrcoef([1.0, 0.6, 0.7, 0.1], [4, 2, 3, 1])[0, 1]
    assert found.correlation == pytest.approx(correlation)
    # one pair of six in the wrong order: (5 − 1) / 6
    wrong = sharpness([0.65, 0.6, 0.7, 0.1], [1.0, 0.5, 0.75, 0.25])
    assert wrong.tau == pytest.approx(4 / 6)
    assert wrong.gap == pytest.approx(-0.05)


def test_coverages_that_hardly_differ_are_tied():
    alpha = [0.9, 1.0, 0.5]
    tied = sharpness(alpha, [0.999, 0.99, 0.4])
    assert tied.gap == pytest.approx(0.4)
    assert tied.tau == pytest.approx(2 / np.sqrt(2 * 3))  # τ_b: one pair is tied
    apart = sharpness(alpha, [0.999, 0.95, 0.4])
    assert apart.gap == pytest.approx(-0.1)
    assert apart.tau == pytest.approx(1 / 3)


def test_where_all_cover_the_same_there_is_nothing_to_follow():
    assert np.isnan(sharpness([1.0, 0.9, 0.8], [0.2, 0.2, 0.201])).all()


@pytest.mark.medium
def test_both_kernels_value_the_rows_held_out(comparison):
    data = image_data()
    rest = comparison.fitted.held_out_rows
    assert [len(rows) for rows in rest] == [20, 20, 20]
    umap, deep = (comparison.experiments[name] for name in COMPARED)
    for i, rows in enumerate(rest):
        held_out = umap.promises.parties[i], deep.promises.parties[i]
        np.testing.assert_array_equal(held_out[0], data.parties[i][rows])
        np.testing.assert_array_equal(held_out[1], data.images[0][i][rows])
        np.testing.assert_array_equal(deep.data.labels[i], data.labels[i][rows])
    assert deep.data.columns[-1] == "pixel 9"
    # the deep one is a collaboration over pixels with that kernel, projected
    alone = promise(
        deep.promises.parties,
        data.images[1],
        kernel=comparison.fitted.kernel,
        search_length_scale=True,
    )
    np.testing.assert_array_equal(alone.sums.between, deep.promises.sums.between)
    _, draw_key, _ = jax.random.split(jax.random.key(0), 3)
    key = jax.random.fold_in(jax.random.fold_in(draw_key, 1), 0)
    for ours, theirs in zip(
        alone.draw(key).rewards, deep.draws[1.0].rewards, strict=True
    ):
        np.testing.assert_array_equal(ours.indices, theirs.indices)
    assert min(deep.promises.scheme.own_values) > -1e-9


@pytest.mark.medium
def test_metrics_without_a_kernel_are_of_the_features(comparison):
    umap, deep = (comparison.experiments[name].evaluation for name in COMPARED)
    for name in ("reverse_kl", "wasserstein2", "svm_accuracy", "class_imbalance"):
        same = np.array_equal(getattr(umap.before, name), getattr(deep.before, name))
        assert same, name
    assert not np.allclose(umap.before.mmd2_unbiased, deep.before.mmd2_unbiased)


@pytest.mark.medium
def test_labels_have_no_part_in_learning(comparison):
    data = image_data()
    others = replace(data, labels=[y[::-1].copy() for y in data.labels])
    again = compare_kernels(
        jax.random.key(0),
        others,
        inverse_temperatures=[1],
        num_steps=3,
        num_assignments=1,
    )
    for ours, theirs in zip(
        jax.tree.leaves(comparison.fitted.kernel),
        jax.tree.leaves(again.fitted.kernel),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.medium
def test_learning_raises_j_of_what_is_seen():
    images = image_data().images[0]
    key = jax.random.key(3)
    short, long = (fit_to_images(key, images, num_steps=n) for n in (1, 60))
    assert long.fitted_power > 1.2 * short.fitted_power


@pytest.mark.medium
def test_shares_of_negative_picks(comparison):
    for name in COMPARED:
        rewards = comparison.experiments[name].draws[8.0].rewards
        steps = np.concatenate([np.diff([r.initial_value, *r.values]) for r in rewards])
        found = comparison.negative_shares(name)
        assert list(found) == [1.0, 8.0]
        assert found[8.0] == pytest.approx((steps < 0).mean())


def with_coverage(comparison, coverage):
    rows = comparison.assigned_coverage.copy()
    rows[0] = coverage
    return replace(comparison, assigned_coverage=rows)


@pytest.mark.medium
def test_classes_are_assigned_otherwise_to_the_same_points():
    data = share_of_ten_classes()
    pool = [
        np.column_stack([x, y]) for x, y in zip(data.parties, data.labels, strict=True)
    ]
    before = {tuple(row) for row in np.concatenate(pool)}
    shares = [np.bincount(y, minlength=10) for y in data.labels]
    others = set()
    for seed in range(5):
        again = reassign_classes(jax.random.key(seed), data)
        rows = [
            np.column_stack([x, y])
            for x, y in zip(again.parties, again.labels, strict=True)
        ]
        after = [tuple(row) for row in np.concatenate(rows)]
        assert len(set(after)) == len(after) == len(before)
        assert set(after) == before  # every class is owned as often as every other
        # one order of the classes for all parties
        now = np.array([np.bincount(y, minlength=10) for y in again.labels])
        assert sorted(now.T.tolist()) == sorted(np.array(shares).T.tolist())
        others.add(tuple(now[2]))
        for images, points in zip(again.images[0], again.parties, strict=True):
            np.testing.assert_array_equal(images[:, 0], points[:, 0])
        found = class_coverage(again.labels, 10)
        np.testing.assert_allclose(found, class_coverage(data.labels, 10))
    assert len(others) > 1


def share_of_ten_classes() -> ExperimentData:
    """The paper's unequal split, without rounding, of points that all differ."""
    labels = np.repeat(np.arange(10), 110)
    points = np.arange(1_100.0, dtype=np.float32)[:, None]
    split = split_by_proportions(
        jax.random.key(1), points, labels, "unequal", max_party_size=200
    )
    return replace(
        image_data(),
        parties=split.parties,
        labels=split.labels,
        num_classes=10,
        images=(split.parties, points),
    )


@pytest.mark.medium
def test_both_kernels_value_parties_of_other_classes(comparison):
    assert comparison.assigned_coverage.shape == (3, 3)
    for name in COMPARED:
        alpha = comparison.assigned_alpha[name]
        scheme = comparison.experiments[name].promises.scheme
        np.testing.assert_array_equal(alpha[0], scheme.normalized_shapley)
        assert alpha.shape == (3, 3)
        np.testing.assert_array_equal(alpha.max(1), 1)
        assert len(np.unique(alpha, axis=0)) == 3
        by_hand = [
            sharpness(*both)
            for both in zip(alpha, comparison.assigned_coverage, strict=True)
        ]
        np.testing.assert_array_equal(comparison.assigned_sharpness(name), by_hand)
    sentences = [s for s in kernel_tables(comparison) if isinstance(s, str)]
    differences = comparison.assigned_sharpness("deep") - (
        comparison.assigned_sharpness("UMAP")
    )
    assert f"gap {differences[:, 2].mean():+.3f} ± " in sentences[1]


@pytest.mark.medium
def test_of_other_classes_too_the_rows_held_out_are_valued():
    data, key = image_data(), jax.random.key(4)
    coverage, alpha = _reassigned(key, data, 3, lambda stage, share: None)
    share_key, fit_key = jax.random.split(key)
    again = reassign_classes(share_key, data)
    np.testing.assert_array_equal(coverage, class_coverage(again.labels, 3))
    fitted = fit_to_images(fit_key, again.images[0], num_steps=3)
    for name, points, candidates, kernel in (
        ("UMAP", again.parties, data.candidates, None),
        ("deep", again.images[0], data.images[1], fitted.kernel),
    ):
        rows = zip(points, fitted.held_out_rows, strict=True)
        by_hand = promise(
            [own[rest] for own, rest in rows],
            candidates,
            kernel=kernel,
            search_length_scale=kernel is not None,
        )
        np.testing.assert_allclose(
            alpha[name], by_hand.scheme.normalized_shapley, rtol=1e-6
        )


@pytest.mark.medium
def test_each_party_is_told_from_all_others():
    images = image_data().images[0]
    fitted = fit_to_images(jax.random.key(3), images, num_steps=2)
    seen = [own[rows] for own, rows in zip(images, fitted.fitted_rows, strict=True)]
    by_hand = []
    for i, own in enumerate(seen):
        others = np.concatenate([x for j, x in enumerate(seen) if j != i])
        # as many of the others, evenly spaced
        found = estimate_power(fitted.kernel, own, others[::2])
        by_hand.append(found.criterion)
    assert fitted.fitted_power == pytest.approx(np.mean(by_hand), rel=1e-4)


@pytest.mark.medium
def test_contributions_without_a_draw_are_those_of_a_collaboration(comparison):
    for name in COMPARED:
        experiment = comparison.experiments[name]
        kernel = experiment.promises.kernel.with_length_scale(3.0)
        contributions = _contributions(kernel, experiment.data)
        alpha = experiment.promises.scheme.normalized_shapley
        np.testing.assert_allclose(contributions, alpha, rtol=1e-6)


@pytest.mark.medium
def test_no_assignment_is_tried_where_all_cover_the_same():
    data = image_data()
    labels = [np.arange(40) % 3 for _ in range(3)]
    found = compare_kernels(
        jax.random.key(0),
        replace(data, labels=labels),
        inverse_temperatures=[1],
        num_steps=3,
        num_assignments=4,
    )
    assert len(found.assigned_coverage) == 1
    sentences = [s for s in kernel_tables(found) if isinstance(s, str)]
    assert len(sentences) == 2


def test_no_assignment_is_refused():
    with pytest.raises(ValueError, match="num_assignments >= 1, got 0"):
        compare_kernels(jax.random.key(0), image_data(), num_assignments=0)


@pytest.mark.medium
def test_tables_say_which_is_better(comparison):
    worse = with_coverage(comparison, [1.0, 0.9, 0.1])
    sentences = [s for s in kernel_tables(worse) if isinstance(s, str)]
    tau = [worse.sharpness(name).tau for name in COMPARED]
    word = "the same" if tau[0] == tau[1] else "better" if tau[1] > tau[0] else "worse"
    assert f"by the order of the parties (τ): {word}" in sentences[0]
    assert "learned without labels from 60 rows" in sentences[-1]


@pytest.mark.medium
def test_tables_do_not_judge_where_all_cover_the_same(comparison):
    same = with_coverage(comparison, np.ones(3))
    sentences = [s for s in kernel_tables(same) if isinstance(s, str)]
    assert sentences[0].count("not to be said") == 3
    assert "worse" not in sentences[0]


def test_data_without_images_are_refused():
    with pytest.raises(ValueError, match="candidates in pixels, got features alone"):
        compare_kernels(jax.random.key(0), replace(image_data(), images=None))


@pytest.mark.slow
def test_the_command(tmp_path, capsys):
    from cgm_jax.datasets import digits

    real = digits().points
    drawn = real[np.random.default_rng(0).choice(len(real), 400, replace=False)]
    np.save(tmp_path / "drawn.npy", drawn)
    out = tmp_path / "compared"
    words = ["kernels", "digits", "--out", str(out), "--party-size", "60"]
    words += ["--candidates", str(tmp_path / "drawn.npy"), "--beta", "4"]
    words += ["--assignments", "2"]
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert "Kendall's τ of α, coverage" in printed
    numbers = json.loads((out / "comparison.json").read_text("utf-8"))
    assert set(numbers["kernels"]) == set(COMPARED)
    assert len(numbers["kernels"]["deep"]["alpha"]) == 5
    assert len(numbers["kernels"]["deep"]["alpha by assignment of classes"]) == 2
    assert set(numbers["kernels"]["UMAP"]["stop reasons"]["4.0"]) == {"reached"}
    for name in ("coverage.png", "correlations.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "words", [["credit-ratings"], ["digits", "--beta", "2", "2"], ["digits", "--x"]]
)
def test_wrong_words_are_one_line(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["kernels", *words, "--out", str(tmp_path / "out")])
    assert stopped.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
