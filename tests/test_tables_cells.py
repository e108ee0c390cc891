"""Cells as parties write them: what is read, what is missing, and what is a problem."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import compute

from cgm_jax.tables import Cells, read_cells


def of_text(*cells: str | None) -> Cells:
    return read_cells(pa.array(cells, pa.string()))


def same(a: Cells, b: Cells) -> bool:
    """The same cells, bit by bit, however they are written."""
    values = [x.values for x in (a, b)]
    if a.form == "number":
        values = [x.view(np.int64) for x in values]
    return (
        a.form == b.form
        and (a.is_missing == b.is_missing).all()
        and (values[0] == values[1])[~a.is_missing].all()
        and (a.form != "time" or a.spelling.resolution == b.spelling.resolution)
    )


# TABLES 5
@pytest.mark.medium
def test_decimals_are_those_of_the_text_bit_by_bit():
    cents = np.random.default_rng(0).integers(-(10**9), 10**11, 20_000)
    exact = [Decimal(int(x)).scaleb(-2) for x in cents]
    text = of_text(*map(str, exact))
    typed = read_cells(pa.array(exact, pa.decimal128(12, 2)))
    assert text.form == "number" and same(text, typed)
    np.testing.assert_array_equal(text.values, [float(Fraction(x)) for x in exact])
    assert same(text, read_cells(pa.array(exact, pa.decimal256(40, 2))))
    for spelling in (text.spelling, typed.spelling):
        assert (spelling.num_decimals, spelling.fixed_decimals) == (2, True)


def as_csv(values: list[Any]) -> Cells:
    return of_text(*("" if value is None else str(value) for value in values))


def berlin(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=timezone(timedelta(hours=1)))


NUMBERS = [3, None, 0, 77, 100]
TYPED = [
    *((NUMBERS, kind) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())),
    *((NUMBERS, kind) for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())),
    ([2**53 + 1, None, 2**53 + 3, -(2**63)], pa.int64()),
    ([2**53 + 1, 2**64 - 1, None], pa.uint64()),
    ([1.5, None, -0.1, 1e-7, 1e22, 1 / 3], pa.float64()),
    ([4.0, None, 1e15], pa.float64()),
    ([*map(np.float32, (0.1, 1e-5, 3.25))], pa.float32()),
    ([*map(np.float16, (0.1, 5.5, 3.25))], pa.float16()),
    ([True, None, False], pa.bool_()),
    (["a", None, "née Ø"], pa.string()),
    (["a", None, "née Ø"], pa.large_string()),
    (["a", None, "née Ø"], pa.string_view()),
    ([date(1969, 7, 20), None, date(2024, 2, 29)], pa.date32()),
    ([date(1969, 7, 20), None, date(2024, 2, 29)], pa.date64()),
    ([datetime(2024, 2, 29, 23, 5, 1), None], pa.timestamp("s")),
    ([datetime(2024, 2, 29, 23, 5, 1, 120_000), None], pa.timestamp("ms")),
    ([datetime(1960, 2, 29, 23, 5, 1, 123_456), None], pa.timestamp("us")),
    ([datetime(2024, 2, 29, 23, 5, 1, 123_456)], pa.timestamp("ns")),
    ([datetime(2024, 2, 29), None], pa.timestamp("ns")),
    ([datetime(2024, 2, 29, 5, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    ([berlin(2024, 2, 29, 5), None], pa.timestamp("ms", "Europe/Berlin")),
    ([None, None], pa.null()),
    ([None, None], pa.float32()),
    ([20230131, None, 20230228], pa.int32()),
]


@pytest.mark.parametrize(("values", "kind"), TYPED, ids=[str(x[1]) for x in TYPED])
def test_a_typed_column_and_its_text_give_the_same_cells(values: list, kind: Any):
    typed, text = read_cells(pa.array(values, kind)), as_csv(values)
    assert not typed.problems and not text.problems
    assert same(typed, text)
    assert same(typed, read_cells(pa.chunked_array([pa.array(values, kind)] * 1)))
    if kind not in (pa.float16(), pa.string_view(), pa.null()):  # Arrow cannot
        coded = pa.array(values, kind).dictionary_encode()  # TABLES 14
        assert same(typed, read_cells(coded))


def test_chunks_are_one_column():
    chunks = [pa.array(x).dictionary_encode() for x in (["a", "b"], ["c", None, "a"])]
    cells = read_cells(pa.chunked_array(chunks))
    assert cells.values.tolist() == ["a", "b", "c", "", "a"]
    words, codes = pa.array(["a", "b"], pa.string_view()), pa.array([1, None, 0])
    coded = pa.DictionaryArray.from_arrays(codes, words)  # as polars hands it over
    assert read_cells(coded).values.tolist() == ["b", "", "a"]
    views = pa.chunked_array([pa.array(["1"], pa.string_view())] * 2)
    assert read_cells(views).values.tolist() == [1, 1]
    assert read_cells(pa.chunked_array([], pa.string())).form == "empty"


@pytest.mark.parametrize(
    "word",
    [
        *("", " ", "NA", "n/a", "#N/A", "nan", "NaN", "<NA>", "null", "None", "?"),
        *("-", "--", ".", "missing", "#DIV/0!", None),
    ],
)
def test_missing_words(word: str | None):
    cells = of_text("1.5", word, "2.5", word)
    assert cells.form == "number" and not cells.problems
    assert cells.is_missing.tolist() == [False, True, False, True]
    assert np.isnan(cells.values[1])
    assert cells.spelling.missing_word == (word or "").strip()


def test_nan_in_numbers_is_missing_and_infinity_a_problem():
    cells = read_cells(pa.array([1.5, float("nan")]))
    assert cells.is_missing.tolist() == [False, True] and not cells.problems
    (problem,) = read_cells(pa.array([1.5, float("-inf")])).problems
    assert problem.row == 1 and "infinite" in problem.sentence
    for cells in (of_text("1", "1e39"), read_cells(pa.array([1, 1e39]))):
        (problem,) = cells.problems
        assert problem.row == 1 and "3.4e38" in problem.sentence


# TABLES 3
def test_large_whole_numbers_are_exact():
    cells = of_text("9007199254740995", "", "9007199254740997.0")
    assert cells.values.tolist() == [9007199254740995, 0, 9007199254740997]
    beyond = of_text("99999999999999999999", "1")
    assert beyond.form == "whole" and beyond.values[0] == 10**20 - 1


@pytest.mark.parametrize("text", ["9007199254740993.5", "1.2345678901234567890"])
def test_digits_that_float64_does_not_keep_are_a_problem(text: str):
    (problem,) = of_text("1.5", text).problems
    assert problem.row == 1 and "17 significant digits" in problem.sentence
    assert text not in problem.sentence


def test_digits_are_kept_where_the_double_has_them():
    rng, kept = np.random.default_rng(0), []
    for num_digits in np.repeat([15, 16, 17, 18, 20], 30).tolist():
        digits = "".join(map(str, rng.integers(1, 10, num_digits)))
        text = f"-{digits[:3]}.{digits[3:]}"
        shown = Decimal(f"{float(text):.{num_digits - 1}e}")
        kept.append(shown == Decimal(text))
        assert kept[-1] == (not of_text("1.5", text).problems)
    assert all(kept[:30]) and 0 < sum(kept[30:60]) < 30 and not any(kept[120:])


def test_digits_of_a_double_are_none():
    normal = np.random.default_rng(0).standard_normal(290)
    doubles = normal * 10.0 ** np.arange(-253, 37)
    for spell in (repr, "{:.17g}".format, "{:.16e}".format):
        cells = of_text(*map(spell, doubles.tolist()))
        assert not cells.problems
        np.testing.assert_array_equal(cells.values, doubles)


def test_zeros_are_no_digits_that_are_lost():
    cells = of_text("0.1000000000000000000000", "1.5")
    assert not cells.problems and cells.values.tolist() == [0.1, 1.5]


@pytest.mark.parametrize(
    ("texts", "row", "told"),
    [
        (["1", "2", "x"], 2, "found text"),
        (["1", "x"], 1, "found text"),
        (["1,20", "22,3", "1.234,56"], 0, "--decimal ,"),  # TABLES 18
        (["1'234", "5"], 0, "thousands separator"),
        (["1 234 567"], 0, "thousands separator"),
        (["5", "€5", "$5"], 1, "currency"),
        (["5 EUR", "6 EUR"], 0, "currency"),
        (["(5.00)", "5.00"], 0, "parentheses"),
        (["5%", "6 %"], 0, "percent"),
        (["5 kg", "5.5 kg", "6kg"], 0, "unit"),
        (["1.5", "<0.5", "2"], 1, "bound"),
        (["1", "-Inf"], 1, "infinite"),
        (["2023-01-31", "2023-02-30"], 1, "do not exist"),
        (["2023-01-31", "31.1.2023"], 1, "one format"),
        (["2023-01-31", "soon", "2023-02-01"], 1, "expected a date"),
        (["2023-01-31 10:00", "2023-01-31 10:00Z"], 1, "one format"),
        (["1/2/2023 1:05 PM", "1/3/2023 2:05 AM"], 0, "declare the format"),
    ],
)
def test_text_that_is_nearly_numbers_or_dates_is_a_problem(
    texts: list[str], row: int, told: str
):
    cells = of_text(*texts)
    (problem,) = cells.problems
    assert problem.row == row and told in problem.sentence
    assert cells.values.tolist() == texts  # for a declared category
    assert not any(text in problem.sentence for text in texts if len(text) > 2)


@pytest.mark.parametrize(
    "texts",
    [
        ["cook", "clerk", "1"],
        ["10th", "11th", "12th"],
        ["0x10", "0x11"],
        ["1_000", "2_000"],
        ["10:30", "11:45"],
        ["N1A1", "N1A2"],
        ["yes", "no"],
        ["18-25", "26-40"],
        ["36 months", "60 months"],
    ],
)
def test_other_text_is_text(texts: list[str]):
    cells = of_text(*texts)
    assert cells.form == "text" and not cells.problems
    assert cells.values.tolist() == texts


def test_codes_with_leading_zeros_are_text():  # TABLES 32
    cells = of_text("01234", "12345")
    assert cells.form == "text" and cells.values.tolist() == ["01234", "12345"]
    assert cells.spelling.has_leading_zeros
    assert of_text("0", "0.5", "10").form == "number"


def test_truth_values_have_one_form():  # TABLES 16
    upper, mixed = of_text("TRUE", "FALSE"), of_text("true", "False")
    for cells in (upper, mixed, as_csv([True, False])):
        assert cells.form == "truth" and cells.values.tolist() == [True, False]
    assert of_text("TRUE", "FALSE", "FALSE").spelling.truth_words == ("TRUE", "FALSE")
    assert of_text("false", "false").spelling.truth_words == ("true", "false")


def test_text_is_composed_and_stripped():  # TABLES 17
    composed, decomposed = of_text("café"), of_text(" cafe\u0301 ")
    assert composed.values.tolist() == decomposed.values.tolist() == ["café"]


def test_a_decimal_comma_if_it_is_said():
    def read(*texts: str) -> Cells:
        return read_cells(pa.array(texts), decimal=",")

    cells = read("1,20", "1.500", "2.000.000,5", "+3", "NA")
    assert cells.values[:4].tolist() == [1.2, 1500, 2000000.5, 3]
    assert cells.spelling.decimal == "," and not cells.problems
    assert read("31.12.2023", "1.1.2024").form == "time"
    (problem,) = read("1,20", "1.5", "2,5").problems
    assert problem.row == 1


def test_no_negative_zero():
    cells = of_text("-0.0", "0.5", "-0")
    assert not np.signbit(cells.values).any()


@pytest.mark.parametrize(
    ("texts", "form", "decimals"),
    [
        (["1.50", "2.25"], "number", (2, True)),
        (["1.5", "2.25"], "number", (2, False)),
        (["1.0", "2.0"], "whole", (1, True)),
        (["1.500", "2.250"], "number", (3, True)),  # TABLES 19: thousands elsewhere
        (["1", "2"], "whole", (0, True)),
        (["1e-7", "0.5"], "number", (7, False)),
        (["1e3", "2"], "whole", (0, False)),
        (["0.3333333333333333", "1.5"], "number", (None, False)),
    ],
)
def test_decimals_as_the_party_shows_them(texts: list[str], form: str, decimals: tuple):
    cells = of_text(*texts)
    assert cells.form == form
    assert (cells.spelling.num_decimals, cells.spelling.fixed_decimals) == decimals


MOMENTS = [datetime(1999, 12, 31, 23, 59, 58), datetime(2024, 2, 29, 1, 2, 3)]


@pytest.mark.parametrize(
    "pattern",
    [
        "%Y-%m-%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%Y/%m/%d",
        "%d-%m-%Y",
        "%d.%m.%y",
        "%Y%m%d",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
    ],
)
def test_dates_are_read_as_strptime_reads_them(pattern: str):
    texts = [moment.strftime(pattern) for moment in MOMENTS]
    cells = of_text(*texts, "NA")
    assert cells.form == "time" and cells.spelling.time_format == pattern
    unit = cells.spelling.resolution
    assert not cells.spelling.is_ambiguous
    expected = np.array([datetime.strptime(text, pattern) for text in texts], "M8[s]")
    np.testing.assert_array_equal(cells.values[:2].astype(f"M8[{unit}]"), expected)
    assert cells.values[2] == 0


def test_dates_without_leading_zeros():
    cells = of_text("1.2.2023", "28.11.2023")
    assert cells.spelling.time_format == "%-d.%-m.%Y"
    assert str(cells.values.astype("M8[D]")[0]) == "2023-02-01"


# TABLES 8
def test_whole_numbers_that_are_all_dates_are_dates():
    assert of_text("20230131", "20230228").form == "time"
    assert of_text("20230131", "20230231").form == "whole"
    assert of_text("20230131", "18991231").form == "whole"


# TABLES 9
def test_zones_are_converted_to_utc():
    cells = of_text("2023-01-31T10:00:00+02:00", "2023-07-31T10:00:00+02:00")
    assert cells.spelling.zone == "+02:00" and not cells.spelling.has_mixed_zones
    assert str(cells.values.astype("M8[s]")[0]) == "2023-01-31T08:00:00"
    mixed = of_text("2023-01-31T10:00:00+02:00", "2023-01-31T08:00:00Z")
    assert mixed.spelling.zone == "UTC" and mixed.spelling.has_mixed_zones
    assert mixed.values[0] == mixed.values[1]
    utc = of_text("2023-01-31T10:00:00.250Z", "2023-01-31T10:00:00.125Z")
    assert utc.spelling.time_format == "%Y-%m-%dT%H:%M:%S.%fZ"
    assert (utc.spelling.num_decimals, utc.spelling.resolution) == (3, "ms")


def test_midnights_are_days_but_not_in_a_zone():
    plain = pa.array([datetime(2024, 2, 29)], pa.timestamp("ns"))
    assert read_cells(plain).spelling.resolution == "D"
    zoned = pa.array([datetime(2024, 2, 29, tzinfo=UTC)], pa.timestamp("ns", "UTC"))
    assert read_cells(zoned).spelling.resolution == "s"


@pytest.mark.parametrize(
    "array",
    [
        pa.array([[1], [2]]),
        pa.array([b"1", b"2"]),
        pa.array([1, 2], pa.duration("s")),
        compute.cast(pa.array([1, 2], pa.int32()), pa.time32("s")),
    ],
)
def test_what_is_no_cell_is_a_problem(array: pa.Array):
    (problem,) = read_cells(array).problems
    assert "expected numbers, dates, truth values or text" in problem.sentence


# TABLES 12
def test_an_empty_column_is_empty_in_every_type():
    texts, numbers = pa.array(["", "NA", "?"]), pa.array([None] * 3, pa.int8())
    for array in (pa.nulls(3), texts, numbers):
        cells = read_cells(array)
        assert cells.form == "empty" and cells.is_missing.all() and len(cells) == 3


@pytest.mark.parametrize(
    ("texts", "time_format"),
    [
        (["03-Mar-2023", "17-Dec-1999"], "%d-%b-%Y"),
        (["03-MAR-23", "17-DEC-99"], "%d-%^b-%y"),
        (["3 March 2023", "17 December 1999"], "%-d %B %Y"),
        (["March 3, 2023", "December 17, 1999"], "%B %-d, %Y"),
        (["03MAR2023", "17DEC1999"], "%d%^b%Y"),
    ],
)
def test_months_by_name(texts: list[str], time_format: str):
    cells = read_cells(pa.array([*texts, "NA"]))
    assert cells.form == "time"
    assert cells.spelling.time_format == time_format
    days = cells.present.astype("M8[D]").astype(str).tolist()
    assert days == ["2023-03-03", "1999-12-17"]


@pytest.mark.parametrize("text", ["03-Mai-2023", "31-Feb-2023", "12 mad 2020", "3 May"])
def test_words_that_are_no_months_stay_text(text: str):
    assert read_cells(pa.array([text, "03-Mar-2023"])).form == "text"


@pytest.mark.parametrize(
    ("texts", "row"),
    [
        (["2023-02-27", "2023-02-28", "2023-02-27", "2023-02-30", "2023-02-31"], 3),
        (["27.02.2023", "28.02.2023", "2023-02-27"], 2),
        (["2/27/2023", "1/1/2023", "27/2/2023"], 2),
        (["2023-13-01", "2023-02-28", "2023-02-27"], 0),
    ],
)
def test_the_first_date_that_does_not_go_with_those_above(texts: list[str], row: int):
    (problem,) = read_cells(pa.array(texts)).problems
    assert problem.row == row
    assert problem.sentence.startswith("expected dates of one format, found several")
