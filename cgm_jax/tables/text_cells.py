"""Cells of text: what a person sees in them is found on the distinct texts.

Text that is nearly numbers is never silently text: it is a `CellProblem`.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

from .cells import (
    CellProblem,
    Cells,
    Form,
    Spelling,
    empty_cells,
    from_floats,
    missing_like,
)
from .times import from_whole, looks_like_time, read_named_months, read_times

__all__ = ["MISSING_WORDS", "read_text"]

MISSING_WORDS = (
    *("", "na", "n/a", "#n/a", "nan", "<na>", "null", "none", "?", "-", "--", "."),
    *("missing", "#div/0!"),
)
_DIGITS = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_NUMBER = rf"^[+-]?{_DIGITS}(?:[eE][+-]?[0-9]+)?$"
_WHOLE = r"^[+-]?[0-9]+(?:\.0*)?$"
_LEADING_ZERO = r"^[+-]?0[0-9]+$"
_GROUPED = r"^[+-]?[0-9]{1,3}(?:[,.'’\s][0-9]{3})+(?:[.,][0-9]+)?$"
_COMMA = r"^[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:,[0-9]*)?(?:[eE][+-]?[0-9]+)?$"
_MONEY = r"(?:[€$£¥]|USD|EUR|GBP|CHF|JPY)"
_UNIT = r"^[+-]?[0-9.,]+\s*(?P<unit>[A-Za-zµ°]{1,4}[²³]?(?:/[A-Za-z²³]{1,3})?)$"
_ORDINALS = ("st", "nd", "rd", "th")
_IN_UNITS = "write the number alone and the unit into the column's name"
_MARKS = "write decimals with a point and thousands without a mark, or use --decimal ,"
_MINUS = "write negative amounts with a minus sign"
_BOUND = "write a number, or leave the cell empty"
_SUSPECTS = (  # pattern, found, advice
    (
        rf"^[+-]?[0-9]+,[0-9]+$|{_GROUPED}",
        "a decimal comma or a thousands separator",
        _MARKS,
    ),
    (rf"^[+-]?\(?{_MONEY}\s*[0-9.,]+\)?$", "an amount with a currency", _IN_UNITS),
    (rf"^[+-]?[0-9.,]+\s*{_MONEY}$", "an amount with a currency", _IN_UNITS),
    (r"^\([0-9.,]+\)$", "a number in parentheses", _MINUS),
    (r"^[+-]?[0-9.,]+\s*%$", "a percent sign", _IN_UNITS),
    (r"^(?:[<>≤≥~]=?)\s*[+-]?[0-9.,]+$", "a bound such as <1", _BOUND),
    (r"^(?i:[+-]?inf(?:inity)?)$", "an infinite one", "correct it or remove the row"),
)


@dataclass(frozen=True)
class _Words:
    """The distinct texts that are not missing, and where they are."""

    text: Any  # pyarrow array of large_string, stripped, in NFC
    counts: Int[np.ndarray, " words"]
    position: Int[np.ndarray, " rows"]  # of each cell's text; −1 if missing
    missing_word: str

    @property
    def is_missing(self) -> Bool[np.ndarray, " rows"]:
        return self.position < 0

    def matches(self, pattern: str) -> Bool[np.ndarray, " words"]:
        return _matches(self.text, pattern)

    def cells(
        self,
        form: Form,
        values: Shaped[np.ndarray, " words"],
        spelling: Spelling,
        problems: tuple[CellProblem, ...] = (),
    ) -> Cells:
        """Each cell with the value of its text."""
        is_missing = self.is_missing
        result = missing_like(form, is_missing).astype(values.dtype)
        result[~is_missing] = values[self.position[~is_missing]]
        return Cells(form, result, is_missing, spelling, problems)

    def first_row(self, bad: Bool[np.ndarray, " words"]) -> int:
        return int(np.argmax(np.append(bad, False)[self.position]))

    def share(self, chosen: Bool[np.ndarray, " words"]) -> float:
        """The share of the cells that are not missing."""
        return float(self.counts[chosen].sum() / self.counts.sum())


def read_text(array: Any, decimal: str = ".") -> Cells:
    """Cells of an Arrow array of text, as in a CSV file."""
    words = _distinct(array)
    spelling = Spelling(missing_word=words.missing_word, decimal=decimal)
    if not len(words.text):
        return empty_cells(words.is_missing, spelling)
    numerals, is_number = _numerals(words, decimal)
    if is_number.all():
        return _read_numbers(words, numerals, spelling)
    return (
        _read_truth(words, spelling)
        or _read_times(words, spelling)
        or _read_words(words, is_number, spelling)
    )


def _distinct(array: Any) -> _Words:
    import pyarrow as pa
    from pyarrow import compute

    coded = array.cast(pa.large_string()).dictionary_encode()
    text = compute.utf8_normalize(
        compute.utf8_trim_whitespace(coded.dictionary), form="NFC"
    )
    lowered = compute.utf8_lower(text)
    missing = compute.is_in(lowered, pa.array(MISSING_WORDS, pa.large_string()))
    is_missing_word = missing.to_numpy(zero_copy_only=False)
    codes = coded.indices.fill_null(-1).to_numpy()
    counts = np.bincount(codes[codes >= 0], minlength=len(text))
    number = np.where(is_missing_word, -1, np.cumsum(~is_missing_word) - 1)
    missing_word = ""
    if (counts * is_missing_word).max(initial=0) > (codes < 0).sum():
        missing_word = text[int(np.argmax(counts * is_missing_word))].as_py()
    return _Words(
        text.filter(pa.array(~is_missing_word)),
        counts[~is_missing_word],
        np.append(number, -1)[codes],  # the last stands for null
        missing_word,
    )


def _numerals(words: _Words, decimal: str) -> tuple[Any, Bool[np.ndarray, " words"]]:
    """The texts with a decimal point, and which of them are numbers."""
    import pyarrow as pa
    from pyarrow import compute

    text = words.text
    is_number = words.matches(_NUMBER)
    if decimal == ",":
        is_number = words.matches(_COMMA)
        pointed = compute.replace_substring(text, ".", "")
        pointed = compute.replace_substring(pointed, ",", ".")
        text = compute.if_else(pa.array(is_number), pointed, text)
    return compute.replace_substring_regex(text, r"^\+", ""), is_number


def _read_numbers(words: _Words, numerals: Any, spelling: Spelling) -> Cells:
    import pyarrow as pa
    from pyarrow import compute

    if words.matches(_LEADING_ZERO).any():
        spelling = replace(spelling, has_leading_zeros=True)
        return words.cells("text", _as_objects(words.text), spelling)
    decimals = compute.extract_regex(
        numerals, r"^[^.eE]*\.?(?P<d>[0-9]*)(?P<e>[eE].*)?$"
    )
    shown = np.strings.str_len(_as_objects(decimals.field("d")).astype(str))
    has_exponent = (_as_objects(decimals.field("e")) != "").any()
    spelling = replace(
        spelling,
        num_decimals=int(shown.max()),
        fixed_decimals=bool(shown.min() == shown.max()) and not has_exponent,
        has_plus=bool(
            words.matches(r"^\+").any() and not words.matches(r"^[0-9.,]*[1-9]").any()
        ),
    )
    if _matches(numerals, _WHOLE).all():
        digits = compute.replace_substring_regex(numerals, r"\.0*$", "")
        if not spelling.fixed_decimals:
            spelling = replace(spelling, num_decimals=0)
        return _read_whole(words, digits, spelling)
    try:
        values = compute.cast(numerals, pa.float64()).to_numpy()
    except pa.ArrowInvalid:  # beyond float64
        values = np.array([float(text) for text in numerals.to_pylist()])
    lost = _loses_digits(numerals, values)
    if lost.any():
        problem = CellProblem(
            words.first_row(lost),
            "expected at most the 17 significant digits that float64 keeps, found "
            "more; round the column, or declare it an identifier or a category in "
            "columns.json",
        )
        return words.cells("text", _as_objects(words.text), spelling, (problem,))
    by_word = np.append(values, np.nan)
    return from_floats(by_word[words.position], words.is_missing, spelling)


def _read_whole(words: _Words, digits: Any, spelling: Spelling) -> Cells:
    import pyarrow as pa
    from pyarrow import compute

    try:
        values = compute.cast(digits, pa.int64()).to_numpy()
    except pa.ArrowInvalid:  # beyond 64 bits
        values = np.array([int(text) for text in digits.to_pylist()], object)
        return words.cells("whole", values, spelling)
    return dates_of_whole(words.cells("whole", values, spelling))


def dates_of_whole(cells: Cells) -> Cells:
    """Whole numbers as times if every one of them is a date YYYYMMDD."""
    days = from_whole(cells.present) if cells.values.dtype != object else None
    if days is None:
        return cells
    values = np.zeros(len(cells), np.int64)
    values[~cells.is_missing] = days
    spelling = replace(cells.spelling, time_format="%Y%m%d", resolution="D")
    return Cells("time", values, cells.is_missing, spelling)


def _read_truth(words: _Words, spelling: Spelling) -> Cells | None:
    is_true = words.matches(r"^(?i:true)$")
    if not (is_true | words.matches(r"^(?i:false)$")).all():
        return None
    spelled = list(spelling.truth_words)
    for position, chosen in enumerate((is_true, ~is_true)):
        if chosen.any():
            most = int(np.argmax(words.counts * chosen))
            spelled[position] = words.text[most].as_py()
    if is_true.all() or not is_true.any():  # the other word, in the same letters
        seen = spelled[0 if is_true.all() else 1]
        style = (
            str.upper if seen.isupper() else str.lower if seen.islower() else str.title
        )
        spelled = [style(word) for word in spelled]
    spelling = replace(spelling, truth_words=(spelled[0], spelled[1]))
    return words.cells("truth", is_true, spelling)


def _read_times(words: _Words, spelling: Spelling) -> Cells | None:
    times = read_times(words.text) or read_named_months(words.text)
    if times is None:
        return None
    ticks, found = times
    return words.cells(
        "time", ticks, replace(found, missing_word=spelling.missing_word)
    )


def _read_words(
    words: _Words, is_number: Bool[np.ndarray, " words"], spelling: Spelling
) -> Cells:
    def as_cells(*problems: CellProblem) -> Cells:
        return words.cells("text", _as_objects(words.text), spelling, problems)

    suspects = [(words.matches(pattern), *rest) for pattern, *rest in _SUSPECTS]
    suspects.append((_one_unit(words), "a number with a unit", _IN_UNITS))
    is_suspect = np.any([chosen for chosen, *_ in suspects], axis=0) & ~is_number
    if words.share(is_number | is_suspect) >= 0.5:
        is_other = ~(is_number | is_suspect)
        row = words.first_row(is_suspect if is_suspect.any() else is_other)
        reasons = (
            (found, advice)
            for chosen, found, advice in suspects
            if chosen.any() and words.first_row(chosen) == row
        )
        found, advice = next(reasons, ("text", "correct it"))
        advice = f"{advice}; or declare the column a category in columns.json"
        return as_cells(CellProblem(row, f"expected a number, found {found}; {advice}"))
    is_time = looks_like_time(words.text)
    if words.share(is_time) >= 0.5:
        problem = (
            "expected dates of one format, found several, or dates that do not exist; "
            "write all as YYYY-MM-DD, or declare the format in columns.json"
            if is_time.all()
            else "expected a date, found other text; correct it, or declare the column "
            "a category in columns.json"
        )
        is_other = _first_misfit(words) if is_time.all() else ~is_time
        row = words.first_row(is_other)
        return as_cells(CellProblem(row, problem))
    return as_cells()


def _first_misfit(words: _Words) -> Bool[np.ndarray, " words"]:
    """The first text with which those up to it are no longer times of one format."""
    readable, unreadable = 0, len(words.text)  # numbers of texts
    while unreadable - readable > 1:
        middle = (readable + unreadable) // 2
        if read_times(words.text[:middle]) is None:
            unreadable = middle
        else:
            readable = middle
    return np.arange(len(words.text)) == readable


def _one_unit(words: _Words) -> Bool[np.ndarray, " words"]:
    """Numbers that all have the same unit, where there are more than a few of them."""
    from pyarrow import compute

    units = compute.extract_regex(words.text, _UNIT).field("unit")
    found = _as_objects(units)
    is_one = np.array([bool(unit) for unit in found])
    names = set(found[is_one]) - set(_ORDINALS)
    if is_one.sum() < 3 or len(names) != 1:
        return np.zeros(len(found), bool)
    return found == names.pop()


def _loses_digits(numerals: Any, values: Any) -> Bool[np.ndarray, " words"]:
    """Which texts say a number that no float64 stands for.

    Up to 15 digits always come back; of more, they do if the float64 has these digits,
    as it has where they are the shortest that stand for it.
    """
    import pyarrow as pa
    from pyarrow import compute

    significand = compute.replace_substring_regex(
        numerals, r"[eE].*$|[-.]|^-?0*\.?0*", ""
    )
    lost = compute.utf8_length(significand).to_numpy() > 15
    if not lost.any():
        return lost
    shortest = compute.cast(pa.array(values), pa.large_string())
    lost &= compute.not_equal(shortest, numerals).to_numpy(zero_copy_only=False)
    for index in np.flatnonzero(lost & np.isfinite(values)):
        exact = Decimal(numerals[int(index)].as_py())
        digits = "".join(map(str, exact.as_tuple().digits)).strip("0")
        shown = Decimal(f"{values[index]:.{max(len(digits) - 1, 0)}e}")
        lost[index] = len(digits) > 15 and shown != exact
    return lost


def _matches(text: Any, pattern: str) -> Bool[np.ndarray, " words"]:
    from pyarrow import compute

    return compute.match_substring_regex(text, pattern).to_numpy(zero_copy_only=False)


def _as_objects(text: Any) -> Shaped[np.ndarray, " words"]:
    return np.asarray(text.to_numpy(zero_copy_only=False), object)
