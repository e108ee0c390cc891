"""What the mediator is warned about, and what not."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from cgm_jax.datasets import digits_parties
from cgm_jax.files.warning_signs import warning_signs
from cgm_jax.tables import read_cells

rng = np.random.default_rng(0)
A, B, C = (rng.normal(50, 10, size=(size, 3)) for size in (10, 400, 60))
NAMES, COLUMNS, FIRST_ROWS = ("a", "b", "c"), ("x", "y", "z"), (2, 2, 1)


def tables(points: Sequence[np.ndarray], columns: Sequence[str]) -> list[dict]:
    return [
        {
            name: read_cells(pa.array(column))
            for name, column in zip(columns, party.T, strict=True)
        }
        for party in points
    ]


def signs(*points: np.ndarray) -> tuple[str, ...]:
    n = len(points)
    return warning_signs(NAMES[:n], tables(points, COLUMNS), FIRST_ROWS[:n])


def scaled(points: np.ndarray, column: int, factor: float) -> np.ndarray:
    result = points.copy()
    result[:, column] *= factor
    return result


def test_ordinary_parties_give_no_sign():
    assert signs(A, B, C) == ()
    assert signs(A, B) == ()
    assert signs(A - 50, B - 50) == ()


def test_the_digits_give_no_sign():
    for split in ("equal-disjoint", "unequal"):
        points = [np.asarray(x, float) for x in digits_parties(split).parties]
        names = [f"p{i}" for i in range(len(points))]
        columns = [f"c{i}" for i in range(64)]
        assert warning_signs(names, tables(points, columns), [2] * len(points)) == ()


@pytest.mark.parametrize(("factor", "word"), [(100, "large"), (0.01, "small")])
def test_another_unit_in_one_party(factor: float, word: str):
    (sentence,) = signs(A, B, scaled(C, 1, factor))
    assert sentence.startswith("c: ") and "column y " in sentence
    assert f"30 times as {word}" in sentence


def test_another_unit_in_one_of_two_parties_is_said_once():
    (sentence,) = signs(scaled(A, 2, 100), B)
    assert sentence.startswith("a: ") and "column z " in sentence
    (sentence,) = signs(A, scaled(B, 2, 100))
    assert sentence.startswith("b: ")


def test_two_of_five_parties_in_another_unit():
    parties = [A, B * 100, C, B[:30], C[:30] * 100]
    sentences = warning_signs("abcde", tables(parties, COLUMNS), [2] * 5)
    assert [sentence[:2] for sentence in sentences] == ["b:", "e:"]
    assert all("as large" in sentence for sentence in sentences)


def test_a_party_of_zeros_does_not_count():
    assert signs(A * 0, B * 0, C) == ()
    (sentence,) = signs(A * 0, B, scaled(C, 0, 100))
    assert sentence.startswith("c: ") and "column x " in sentence


def test_a_factor_below_the_limit_is_no_sign():
    assert signs(A, B, scaled(C, 1, 20)) == ()


def test_constant_and_sparse_columns_are_no_sign():
    assert signs(scaled(A, 0, 0), scaled(B, 0, 0), C) == ()
    sparse = np.where(rng.random(B.shape) < 0.1, B, 0)
    assert signs(A, sparse, C) == ()
    zeros = [np.zeros((4, 3)), np.ones((5, 3)) * 0]
    assert not any("times" in sentence for sentence in signs(*zeros))


@pytest.mark.parametrize("value", [1e9, -1e9])
def test_an_outlier_is_named_by_its_row(value: float):
    outlier = B.copy()
    outlier[17, 2] = value
    (sentence,) = signs(A, outlier, C)
    assert sentence.startswith("b: column z (row 19): ")
    outlier = C.copy()
    outlier[[5, 9], 0] = value
    (sentence,) = signs(A, B, outlier)
    assert sentence.startswith("c: column x (row 6): ")


def test_an_outlier_in_a_sparse_column_is_found():
    sparse = np.zeros((1000, 3))
    sparse[:100] = rng.normal(5, 1, size=(100, 3))
    sparse[500, 1] = 1e9
    (sentence,) = signs(sparse, A - 45)
    assert sentence.startswith("a: column y (row 502): ")


def test_many_columns_are_one_sentence():
    (sentence,) = signs(A, B, C * 1000)
    assert "columns x, y, z are" in sentence
    columns = [f"x{i}" for i in range(9)]
    wide = [np.tile(x, 3) for x in (A, B, C * 1000)]
    (sentence,) = warning_signs(NAMES, tables(wide, columns), FIRST_ROWS)
    assert "columns x0, x1, x2 and 6 more" in sentence


def test_equal_data_are_said_once_a_copy():
    sentences = signs(A, A.copy(), A.copy())
    assert [sentence[:2] for sentence in sentences] == ["b:", "c:"]
    assert all("the same as those of a" in sentence for sentence in sentences)
    assert signs(A, A[::-1], B) == ()
    assert signs(A, A[:-1], B) == ()


def test_no_value_is_in_a_sentence():
    secret = scaled(C, 1, 100)
    secret[3, 0] = 918273645e6
    for sentence in signs(A, B, secret):
        assert "918273" not in sentence and f"{np.median(secret[:, 1]):.3g}" not in (
            sentence
        )


def test_missing_cells_count_for_nothing():
    holes = [np.where(rng.random(x.shape) < 0.3, np.nan, x) for x in (A, B, C)]
    assert signs(*holes) == ()
    (sentence,) = signs(holes[0], holes[1], scaled(holes[2], 1, 100))
    assert sentence.startswith("c: ") and "column y " in sentence
    assert signs(A, B, np.full_like(C, np.nan)) == ()


def test_points_between_thousands_in_one_party():
    amounts = np.round(rng.uniform(1000, 9000, 50))
    grouped = pa.array([f"{amount / 1000:.3f}" for amount in amounts])
    plain = {"x": read_cells(pa.array(amounts)), "y": read_cells(pa.array(B[:50, 0]))}
    order = np.arange(50)[::-1]
    german = {**plain, "x": read_cells(grouped)}
    (sentence,) = warning_signs(
        "ab", [german, {**plain, "y": german["y"].take(order)}], [2, 2]
    )
    assert sentence.startswith("a: every value of column x has three decimals")
    assert "thousand" in sentence
