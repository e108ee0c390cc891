"""Sharing points among parties: every law of the split, on random tables and data."""

import jax
import numpy as np
import pytest

from cgm_jax.datasets import paper_proportions, split_by_proportions

SPLITS = ("equal-disjoint", "unequal")


def labelled_points(counts, seed=0):
    """Shuffled points, the first coordinate the row number, and their classes."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    rows = np.arange(len(labels), dtype=np.float64)
    return np.stack([rows, rng.normal(size=len(rows))], axis=1), labels


def random_table(num_parties, num_classes, seed):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(num_classes), size=num_parties)


@pytest.mark.parametrize("num_classes", [5, 10])
@pytest.mark.parametrize("split", SPLITS)
def test_paper_tables_share_out_every_party(split, num_classes):
    table = paper_proportions(split, num_classes=num_classes)
    assert table.shape == (5, num_classes)
    np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-15)
    # as printed, every class is asked for alike in both splits
    np.testing.assert_allclose(table.sum(axis=0), 5 / num_classes, rtol=1e-15)


def test_paper_tables_are_the_printed_ones():
    one, two, three, four = (
        paper_proportions(split, num_classes=num_classes)
        for num_classes in (5, 10)
        for split in SPLITS
    )
    assert one[3].tolist() == [0.01, 0.01, 0.01, 0.96, 0.01]
    assert two[3].tolist() == [0.01, 0.2, 0.58, 0.2, 0.01]
    assert three[1].tolist() == [0.005] * 2 + [0.48] * 2 + [0.005] * 6
    assert four[2].tolist() == [0.29, 0.29, 0.195, 0.195] + [0.005] * 6
    assert four[3].tolist() == [0.005] * 2 + [0.1] * 2 + [0.29] * 2 + [0.1] * 2 + (
        [0.005] * 2
    )


def test_paper_tables_that_do_not_exist():
    with pytest.raises(ValueError, match="equal-disjoint, unequal, got 'equal'"):
        paper_proportions("equal", num_classes=5)
    with pytest.raises(ValueError, match="5 or 10 classes, got num_classes=3"):
        paper_proportions("unequal", num_classes=3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.medium
def test_parties_own_disjoint_rows_in_their_proportions(seed):
    points, labels = labelled_points([50, 81, 64, 120], seed)
    table = random_table(3, 4, seed)
    data = split_by_proportions(jax.random.key(seed), points, labels, table)

    rows = [party[:, 0].astype(int) for party in data.parties]
    owned = np.concatenate(rows)
    assert len(np.unique(owned)) == len(owned)
    size = len(rows[0])
    for i in range(3):
        np.testing.assert_array_equal(data.parties[i], points[rows[i]])
        np.testing.assert_array_equal(data.labels[i], labels[rows[i]])
        counts = np.bincount(data.labels[i], minlength=4)
        assert counts.sum() == size
        assert (np.abs(counts - size * table[i]) < 1).all()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.medium
def test_default_size_is_the_largest_that_fits(seed):
    points, labels = labelled_points([9, 14, 25], seed)
    table = random_table(2, 3, seed)
    key = jax.random.key(0)
    largest = len(split_by_proportions(key, points, labels, table).parties[0])
    for size in range(largest + 1, len(points) + 1):
        with pytest.raises(ValueError, match=f"at most {largest} fits"):
            split_by_proportions(key, points, labels, table, party_size=size)


def test_whole_counts_are_met_exactly():
    points, labels = labelled_points([1000] * 5)
    data = split_by_proportions(jax.random.key(1), points, labels, "unequal")
    counts = [np.bincount(party_labels) for party_labels in data.labels]
    np.testing.assert_array_equal(counts[2], [580, 390, 10, 10, 10])
    assert sum(map(len, data.labels)) == 5000


@pytest.mark.medium
def test_one_more_party_changes_nobody_else():
    points, labels = labelled_points([60, 70, 80])
    table = random_table(4, 3, seed=5)
    key = jax.random.key(2)
    four = split_by_proportions(key, points, labels, table, party_size=20)
    three = split_by_proportions(key, points, labels, table[:3], party_size=20)
    for i in range(3):
        np.testing.assert_array_equal(four.parties[i], three.parties[i])
        np.testing.assert_array_equal(four.labels[i], three.labels[i])


@pytest.mark.medium
def test_the_key_decides():
    points, labels = labelled_points([40, 40])
    table = [[0.5, 0.5], [0.25, 0.75]]
    first, again, other = (
        split_by_proportions(jax.random.key(seed), points, labels, table, party_size=20)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.parties[1], again.parties[1])
    assert set(first.parties[1][:, 0]) != set(other.parties[1][:, 0])


def test_rows_of_a_party_are_shuffled():
    points, labels = labelled_points([500, 500])
    data = split_by_proportions(jax.random.key(3), points, labels, [[0.5, 0.5]])
    # Draws without replacement: the first half's share of class 0 is 1/2 with this
    # standard error, where rows left class by class would give 1.
    half, total = len(data.labels[0]) // 2, len(data.labels[0])
    share = np.mean(data.labels[0][:half] == 0)
    standard_error = np.sqrt(0.25 / half * (total - half) / (total - 1))
    assert abs(share - 0.5) < 4 * standard_error


def test_dtypes_and_label_kinds_are_kept():
    points, labels = labelled_points([10, 10])
    names = np.array(["no", "yes"])[labels]
    data = split_by_proportions(
        jax.random.key(0), points.astype(np.float32), names, [[0.0, 1.0]]
    )
    assert data.parties[0].dtype == np.float32
    assert data.labels[0].tolist() == ["yes"] * 10  # columns in sorted order


def test_a_class_that_runs_out_is_named():
    points, labels = labelled_points([10, 30])
    names = np.array(["rare", "usual"])[labels]
    table = [[0.5, 0.5], [0.5, 0.5]]
    key = jax.random.key(0)
    with pytest.raises(
        ValueError,
        match=r"Class rare has 10 points, but parties of 12 need 12; .* 10 f",
    ):
        split_by_proportions(key, points, names, table, party_size=12)
    with pytest.raises(
        ValueError, match=r"Class rare has 10 points, .* need 11; .* 0 f"
    ):
        split_by_proportions(key, points, names, [[1.0, 0.0]] * 11)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[0.5, 0.4], [0.5, 0.5]], "party 0 .* sum to 0.9"),
        ([[0.5, 0.5], [1.5, -0.5]], "at least 0"),
        ([[0.5, np.nan]], "NaN"),
        ([[1.0]], r"2 classes: .* \(parties, 2\), got \(1, 1\)"),
        (np.zeros((0, 2)), r"got \(0, 2\)"),
        ("unequal", "num_classes=2"),
    ],
)
def test_tables_that_are_not_proportions(table, message):
    points, labels = labelled_points([10, 10])
    table = table if isinstance(table, str) else np.asarray(table)
    with pytest.raises(ValueError, match=message):
        split_by_proportions(jax.random.key(0), points, labels, table)


def test_other_bad_input():
    points, labels = labelled_points([10, 10])
    key = jax.random.key(0)
    with pytest.raises(ValueError, match=r"got \(20, 2\) and \(19,\)"):
        split_by_proportions(key, points, labels[:-1], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="party_size of at least 1, got 0"):
        split_by_proportions(key, points, labels, [[0.5, 0.5]], party_size=0)


@pytest.mark.parametrize("seed", range(3))
def test_rows_say_where_every_point_comes_from(seed):
    points, labels = labelled_points([50, 81, 64], seed)
    table = random_table(2, 3, seed)
    data = split_by_proportions(
        jax.random.key(seed), points, labels, table, party_size=20
    )
    for party, own_labels, rows in zip(
        data.parties, data.labels, data.rows, strict=True
    ):
        np.testing.assert_array_equal(party, points[rows])
        np.testing.assert_array_equal(own_labels, labels[rows])
    every_row = np.concatenate([*data.rows, data.held_out])
    assert sorted(every_row.tolist()) == list(range(len(points)))


@pytest.mark.medium
def test_largest_size_but_no_more_than_asked():
    points, labels = labelled_points([50, 50])
    table = np.array([[0.5, 0.5], [0.5, 0.5]])

    def size(limit):
        data = split_by_proportions(
            jax.random.key(0), points, labels, table, max_party_size=limit
        )
        return len(data.parties[0])

    assert [size(limit) for limit in (1, 7, 50, 51, None)] == [1, 7, 50, 50, 50]
    with pytest.raises(ValueError, match="max_party_size of at least 1, got 0"):
        size(0)


@pytest.mark.parametrize(
    ("label", "error"), [(None, ValueError), (np.nan, ValueError), (1, TypeError)]
)
def test_labels_that_are_missing_or_of_two_kinds_are_refused(label, error):
    labels = np.array(["a"] * 9 + [label], object)
    with pytest.raises(error, match=r"a class for each point|all text, or none"):
        split_by_proportions(
            jax.random.key(0), np.zeros((10, 2)), labels, np.ones((2, 2))
        )
