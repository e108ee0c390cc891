"""Transactions: the columns and classes of real files, and the stand-in's form."""

import gzip

import jax
import numpy as np
import pytest
from scipy.stats import kurtosis

from cgm_jax.datasets import (
    DamagedDataError,
    DataNotFoundError,
    amount_classes,
    credit_card,
    split_by_proportions,
    transactions_stand_in,
)

RNG = np.random.default_rng(0)
NAMES = ["Time", *(f"V{i}" for i in range(1, 29)), "Amount", "Class"]
AMOUNTS = np.array([1.0, 1.0, 2.69, 149.62, 9.99, 1.0, 378.66, 0.0, 25691.16, 50.5])
TABLE = np.column_stack(
    [np.arange(10.0), RNG.normal(size=(10, 28)), AMOUNTS, np.arange(10) % 2]
)


def csv_text():
    """As Kaggle serves it: names and the class in double quotes."""
    head = ",".join(f'"{name}"' for name in NAMES)
    rows = [
        ",".join([*map(repr, row[:-1].tolist()), f'"{int(row[-1])}"']) for row in TABLE
    ]
    return "\n".join([head, *rows, ""])


def check(data):
    np.testing.assert_array_equal(
        data.points, TABLE[:, 1:5].astype(np.float32), strict=True
    )
    assert data.labels.tolist() == [0, 0, 2, 3, 2, 0, 4, 0, 4, 3]


def test_kaggle_csv(tmp_path):
    (tmp_path / "creditcard.csv").write_text(csv_text())
    check(credit_card(tmp_path))
    check(credit_card(tmp_path / "creditcard.csv"))


def test_compressed_csv(tmp_path):
    file = tmp_path / "creditcard.csv.gz"
    file.write_bytes(gzip.compress(csv_text().encode()))
    check(credit_card(tmp_path))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DamagedDataError, match="whole gzip file"):
        credit_card(file)


def test_a_folder_has_one_table(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"one table of transactions.*found 0"):
        credit_card(tmp_path)


def test_variable(tmp_path, monkeypatch):
    (tmp_path / "credit-card").mkdir()
    (tmp_path / "credit-card" / "creditcard.csv").write_text(csv_text())
    monkeypatch.setenv("CGM_JAX_DATA", str(tmp_path))
    check(credit_card())


def test_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CGM_JAX_DATA", raising=False)
    with pytest.raises(DataNotFoundError, match="transactions_stand_in"):
        credit_card()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text[:-150],
            "expected 31 numbers in every row, but the last row",
        ),
        (lambda text: text.replace('"V3"', '"W3"'), "a column V3, found Time, V1"),
        (lambda text: text.replace("149.62", "much"), "expected 31 numbers"),
        (lambda text: text.replace("149.62", "inf"), "infinity in column Amount"),
        (lambda text: text.splitlines()[0] + "\n\n", "rows of numbers, found none"),
        (lambda text: "", "a column V1, found no columns"),
    ],
)
def test_damaged_files_are_named(tmp_path, change, message):
    file = tmp_path / "creditcard.csv"
    file.write_text(change(csv_text()))
    with pytest.raises(DamagedDataError, match=message) as caught:
        credit_card(file)
    assert caught.value.file == file


def test_classes_are_fifths_of_the_amounts():
    amounts = np.round(RNG.lognormal(3, 2, size=5_000), 2)
    classes = amount_classes(amounts)
    assert np.bincount(classes).tolist() == pytest.approx([1_000] * 5, abs=10)
    for c in range(4):
        assert amounts[classes == c].max() < amounts[classes == c + 1].min()


@pytest.mark.parametrize("split", ["equal-disjoint", "unequal"])
@pytest.mark.medium
def test_the_stand_in_has_enough_points_for_the_papers_parties(split):
    data = transactions_stand_in()
    shared = split_by_proportions(
        jax.random.key(0), data.points, data.labels, split, max_party_size=5_000
    )
    assert [len(party) for party in shared.parties] == [5_000] * 5
    assert len(shared.held_out) == 25_000


def test_the_stand_in_has_heavy_tails_and_overlapping_classes():
    data = transactions_stand_in()
    assert data.points.dtype == np.float32
    assert data.labels.dtype == np.int64
    for c in range(5):
        own = data.points[data.labels == c]
        assert (kurtosis(own) > 5).all()  # a Gaussian's is 0
    spread = data.points.std(axis=0)
    assert (np.abs(spread - [1.9, 1.6, 1.5, 1.4]) < 0.5).all()
    means = np.array([data.points[data.labels == c].mean(axis=0) for c in range(5)])
    steps = np.linalg.norm(np.diff(means, axis=0) / spread[None], axis=1)
    assert (steps > 0.3).all()
    assert (steps < 1.0).all()


def test_the_stand_in_is_the_same_everywhere():
    data = transactions_stand_in(num_points=7)
    assert data.labels.tolist() == [0, 1, 2, 3, 4, 0, 1]
    first = [2.2273293, 1.8344481, 1.1375932, 0.8488021]
    np.testing.assert_allclose(data.points[0], first, rtol=1e-5)


def test_the_stand_in_needs_a_point_a_class():
    with pytest.raises(ValueError, match="at least 5, got 4"):
        transactions_stand_in(num_points=4)
