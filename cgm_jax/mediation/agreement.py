"""What the parties of releases agree on first: public columns, ranges and features.

Nothing in it may come from the rows: ranges and categories are what such rows can be,
and ℓ is chosen from what is public. A number between low and high is a coordinate of
variance 1 if it is uniform, a category one coordinate for each value, so high that two
rows of different categories are as far apart as in `tables`. A day is a number. Where
cells may be missing, that is one coordinate more, and the number then is in the middle.

Each row is encoded by itself: what is in one row must not change how another is read,
or more than one row would move between neighbours (`privacy`). So categories are
compared as each would be read alone, where 1, 1.0 and +1 are one number; and days are
written as 2024-01-31, for 01/02/2024 is read by what else is in the column.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import jax
import numpy as np
from jaxtyping import Float

from cgm_jax.embeddings import (
    FeatureMap,
    hermite_features,
    random_fourier_features,
)
from cgm_jax.files import InputError, write_json
from cgm_jax.files.csv_table import Decimal
from cgm_jax.kernels import SquaredExponential
from cgm_jax.privacy import Neighbours
from cgm_jax.tables import Cells, as_text, read_cells
from cgm_jax.tables.number_columns import MISMATCH

__all__ = ["AgreedColumn", "Agreement", "FeatureKind", "read_agreed_columns"]

FeatureKind = Literal["quadrature", "orthogonal", "quasi-random"]
_FORMAT = "cgm-jax agreement 1"
_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")  # some are read as dates
_HEIGHT = MISMATCH / np.sqrt(2)
_TOLERANCE = 1e-3  # of quadrature: noise hides less, and fewer features carry less
_COLUMN = (
    '{"name": "age", "kind": "whole number", "low": 0, "high": 120} or {"name": '
    '"job", "kind": "category", "values": ["clerk", "nurse"]} or {"name": "visit", '
    '"kind": "date or time", "low": "2020-01-01", "high": "2024-12-31", "missing": '
    "true}"
)


@dataclass(frozen=True)
class AgreedColumn:
    """A column, and what its cells can be."""

    name: str
    kind: Literal["number", "whole number", "date or time", "category"]
    low: int | float | str | None = None
    high: int | float | str | None = None
    values: tuple[str, ...] | None = None
    missing: bool = False  # whether a number or a day may be; "" is a category

    def __post_init__(self) -> None:
        if self.kind == "category":
            values = self.values or ()
            fits = len(values) > 1 and len(set(values)) == len(values)
            fits &= all(isinstance(value, str) for value in values)
            fits &= self.low is None and self.high is None and self.missing is False
            if fits and len({*_read_alone(values)}) < len(values):
                raise ValueError(
                    f"expected values of column {self.name} that are read as "
                    "different ones (1, 1.0 and +1 are one number; ?, NA and the like "
                    'are missing cells, as "" is)'
                )
        else:
            kinds = (str,) if self.kind == "date or time" else (int, float)
            fits = self.kind in ("number", "whole number", "date or time")
            fits &= self.values is None and type(self.missing) is bool
            fits = fits and all(type(end) in kinds for end in (self.low, self.high))
            fits = fits and -1e30 < self.range[0] < self.range[1] < 1e30
        if not (fits and isinstance(self.name, str) and self.name):
            raise ValueError(f"expected a column such as {_COLUMN}")

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest number, or day since 1970."""
        if isinstance(self.low, str) and isinstance(self.high, str):
            return _days(self.low), _days(self.high)
        return float(self.low or 0), float(self.high or 0)

    @property
    def edges(self) -> tuple[list[float], list[float]]:
        """The least and the largest of each coordinate."""
        if self.values is not None:
            size = len(self.values)
            return [0.0] * size, [float(_HEIGHT)] * size
        end = np.sqrt(3.0)
        return [-end, 0.0][: 1 + self.missing], [end, MISMATCH][: 1 + self.missing]

    def num_beyond(self, cells: Cells) -> int:
        """How many numbers are beyond the range."""
        if self.values is not None or cells.form == "empty":
            return 0
        low, high = self.range
        return int(((cells.present < low) | (cells.present > high)).sum())

    def encode(self, cells: Cells, file: Path) -> Float[np.ndarray, "n c"]:
        """Coordinates; numbers beyond the range are at its end."""
        if self.values is None:
            self._check_numbers(cells, file)
            low, high = self.range
            share = np.full(len(cells), 0.5)
            shares = (cells.present.astype(float) - low) / (high - low)
            share[~cells.is_missing] = np.clip(shares, 0, 1)
            columns = [np.sqrt(12.0) * (share - 0.5), MISMATCH * cells.is_missing]
            return np.stack(columns[: 1 + self.missing], axis=1)
        if cells.form == "time":
            raise InputError(
                "expected the categories of the agreement, found dates; write them in "
                "words, such as day 2023-01-31, and agree on these",
                file=file,
                column=self.name,
            )
        words, position = np.unique(as_text(cells).astype(str), return_inverse=True)
        has_commas = cells.form == "text" and cells.spelling.decimal == ","
        read = np.array(_read_alone(words.tolist(), "," if has_commas else "."))
        is_value = (read[:, None] == np.array(_read_alone(self.values))[None])[position]
        if not (is_known := is_value.any(axis=1)).all():
            # No cell is told: the message may be shown to others.
            found = "another" if (words[position[~is_known]] != "").any() else "none"
            sentence = (
                f"expected the categories of the agreement in every row, found {found} "
                'in some; agree on it (a missing cell is the category "")'
            )
            raise InputError(sentence, file=file, column=self.name)
        return _HEIGHT * is_value

    def decode(self, points: Float[np.ndarray, "m c"]) -> Cells:
        """The cells that are nearest."""
        nothing = np.zeros(len(points), bool)
        if self.values is not None:
            values = np.array(self.values, object)[np.argmax(points, axis=1)]
            return Cells("text", values, nothing)
        is_missing = points[:, 1] > MISMATCH / 2 if self.missing else nothing
        low, high = self.range
        numbers = low + (high - low) * np.clip(points[:, 0] / np.sqrt(12.0) + 0.5, 0, 1)
        if self.kind == "number":
            digits = 4 - int(np.ceil(np.log10(high - low)))  # four of the range
            numbers = np.where(is_missing, np.nan, np.round(numbers, max(digits, 0)))
            return Cells("number", numbers, is_missing)
        numbers = np.where(is_missing, 0, np.rint(numbers).astype(np.int64))
        form = "whole" if self.kind == "whole number" else "time"
        return Cells(form, numbers, is_missing)

    def _check_numbers(self, cells: Cells, file: Path) -> None:
        """Refuse what is no number, or no day, in every row."""
        if self.kind == "date or time":
            is_day = cells.form == "time" and cells.spelling.resolution == "D"
            fits = is_day and cells.spelling.time_format == "%Y-%m-%d"
            what = "a day such as 2024-01-31"
        else:
            fits, what = cells.form in ("whole", "number"), "a number"
        fits |= cells.form == "empty"  # no cell has anything
        if fits and (self.missing or not cells.is_missing.any()):
            return
        where = "or nothing, in every row" if self.missing else "in every row"
        may = "" if self.missing else ', on "missing": true for empty cells'
        sentence = (
            f"expected {what} {where}, as agreed; correct the file, or agree on "
            f"categories for it{may}"
        )
        raise InputError(sentence, file=file, column=self.name)


@dataclass(frozen=True)
class Agreement:
    """All that is public, and the same for all parties."""

    columns: tuple[AgreedColumn, ...]
    length_scale: float
    kind: FeatureKind
    num_features: int
    seed: int
    delta: float
    neighbours: Neighbours

    def __post_init__(self) -> None:
        whole = (self.num_features, 2, 10**7), (self.seed, 0, 2**32 - 1)
        real = (self.length_scale, 1e30), (self.delta, 1)
        fits = all(type(n) is int and low <= n <= high for n, low, high in whole)
        fits &= all(type(x) in (int, float) and 0 < x < end for x, end in real)
        fits &= self.kind in get_args(FeatureKind)
        fits &= self.neighbours in get_args(Neighbours)
        names = [column.name for column in self.columns]
        if not (fits and 0 < len({*names}) == len(names)):
            raise ValueError(
                "expected columns, each once, a length scale above 0, δ between 0 and "
                "1, and kinds of features and neighbours that there are"
            )

    @property
    def digest(self) -> str:
        """SHA-256 of everything agreed on."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def features(self) -> FeatureMap:
        """The features of points."""
        kernel = SquaredExponential(self.length_scale)
        low, high = self.edges
        if self.kind == "quadrature":
            return hermite_features(kernel, low, high, tolerance=_TOLERANCE)
        key = jax.random.key(self.seed)
        return random_fourier_features(
            key, kernel, len(low), self.num_features, kind=self.kind
        )

    @property
    def edges(self) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
        """The least and the largest of each coordinate."""
        sides = zip(*(column.edges for column in self.columns), strict=True)
        low, high = (np.concatenate(side) for side in sides)
        return low, high

    def encode(
        self, table: Mapping[str, Cells], file: Path
    ) -> Float[np.ndarray, "n d"]:
        """A party's rows as points."""
        if missing := [c.name for c in self.columns if c.name not in table]:
            sentence = "expected a column of the agreement, found none of its name"
            raise InputError(sentence, file=file, column=missing[0])
        blocks = [column.encode(table[column.name], file) for column in self.columns]
        return np.concatenate(blocks, axis=1)

    def decode(self, points: Float[np.ndarray, "m d"]) -> dict[str, Cells]:
        """Points as rows."""
        ends = np.cumsum([len(column.edges[0]) for column in self.columns])[:-1]
        blocks = zip(self.columns, np.split(points, ends, axis=1), strict=True)
        return {column.name: column.decode(block) for column, block in blocks}

    def save(self, path: Path) -> None:
        """Write it as JSON, for the parties to read and to keep."""
        write_json(path, {"format": _FORMAT, **asdict(self)})

    @classmethod
    def load(cls, path: Path) -> "Agreement":
        """Read what `save` wrote."""
        try:
            facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
            if facts.pop("format") != _FORMAT or set(facts) != set(cls.__annotations__):
                raise ValueError
            return cls(tuple(map(_column, facts.pop("columns"))), **facts)
        except (
            *(ValueError, KeyError, TypeError, AttributeError),
            *(OverflowError, RecursionError),
        ) as error:
            raise InputError(
                "expected an agreement that cgm-jax agree wrote, found another or a "
                "changed file; write it again",
                file=path,
            ) from error


def read_agreed_columns(path: Path) -> tuple[AgreedColumn, ...]:
    """The columns of a JSON list, what `describe` prints with ranges and values."""
    try:
        entries = json.loads(path.read_text("utf-8-sig"))
        if not isinstance(entries, list) or not entries:
            raise ValueError(f"expected a list of columns such as {_COLUMN}")
        columns = tuple(_column(entry) for entry in entries)
        if len({column.name for column in columns}) < len(columns):
            raise ValueError("expected each column once")
        return columns
    except (ValueError, TypeError, RecursionError) as error:
        what = f"expected a JSON list of columns such as {_COLUMN}"
        if str(error).startswith("expected"):
            what = str(error)
        sentence = f"{what}; start from what describe prints"
        raise InputError(sentence, file=path) from error


def _column(entry: Any) -> AgreedColumn:
    known = set(AgreedColumn.__annotations__)
    if not isinstance(entry, dict) or set(entry) - known:
        raise ValueError(f"expected a column such as {_COLUMN}")
    given: dict[str, Any] = dict(entry)
    if given.get("values") is not None:
        given["values"] = tuple(given["values"])
    return AgreedColumn(**given)


def _days(text: str) -> float:
    """Days since 1970."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("expected days such as 2024-01-31 as low and high of a date")
    return float(date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal())


def _read_alone(words: Sequence[str], decimal: Decimal = ".") -> list[str]:
    """What each word says, whatever else is in its column."""
    import pyarrow as pa

    def said(word: str) -> str:
        cells = read_cells(pa.array([word]), decimal=decimal)
        word = unicodedata.normalize("NFC", word.strip())
        is_number = cells.form in ("whole", "number") or _WHOLE.fullmatch(word)
        if is_number and not cells.spelling.has_leading_zeros:
            value = word if cells.form == "time" else str(cells.values[0])
            return f"number {float(value)}"
        if cells.form == "truth":
            return f"truth {cells.values[0]}"
        return "" if cells.form == "empty" else f"text {word}"

    return [said(word) for word in words]
