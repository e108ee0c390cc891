"""What a mediator may say about columns, in a file ``columns.json``.

The file is what `columns_json` writes of the inferred kinds: a list with one object for
each column. Entries may be taken out; those that stay are obeyed.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args

from cgm_jax._shared.checks import as_list, as_number, as_path, check_choice, check_kind

from .kinds import ColumnFacts, Kind

__all__ = ["ColumnChoice", "columns_json", "read_columns"]


_NUMBERS: tuple[Kind, ...] = ("number", "whole number", "date or time")
_KINDS_WITH: dict[str, tuple[Kind, ...]] = {
    "scale": _NUMBERS,
    "weight": (*_NUMBERS, "category"),
    "format": ("date or time",),
}
_LARGEST_WEIGHT = 1e6  # nothing else counts then


@dataclass(frozen=True)
class ColumnChoice:
    """What is declared of one column.

    Args:
        name: of the column.
        kind: one of the kinds of `infer`, or "left out": a column that is not read, not
            valued, and empty in rewards.
        scale: what numbers are divided by, instead of their standard deviation.
        weight: by which all distances in this column are multiplied.
        format: of dates, as in ``strftime``; ``%d/%m/%Y`` reads 1/2/2023 as
            of February.
    """

    name: str
    kind: Kind
    scale: int | float | None = None
    weight: int | float = 1
    format: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"Expected the name of a column, got {self.name!r}.")
        check_choice(self.kind, get_args(Kind), f"the kind of column {self.name}")
        for key in ("scale", "weight"):
            value = getattr(self, key)
            is_left_out = key == "scale" and value is None
            if not is_left_out and not 0 < as_number(value, key) < math.inf:
                raise ValueError(
                    f"column {self.name}: expected a {key} above 0, got {value}"
                )
        if not 1 / _LARGEST_WEIGHT <= self.weight <= _LARGEST_WEIGHT:
            raise ValueError(
                f"column {self.name}: expected a weight between 1e-6 and 1e6, got "
                f"{self.weight}"
            )
        is_given = {
            "scale": self.scale is not None,
            "weight": self.weight != 1,
            "format": self.format is not None,
        }
        for key, kinds in _KINDS_WITH.items():
            if is_given[key] and self.kind not in kinds:
                raise ValueError(
                    f"column {self.name}: expected a {key} only of a column that is a "
                    f"{', '.join(kinds)}, got one of kind {self.kind}"
                )
        if self.format is not None:
            _check_format(self.name, self.format)


def columns_json(facts: Sequence[ColumnFacts]) -> str:
    """The inferred kinds as text that `read_columns` reads.

    Args:
        facts: of each column, such as ``codec.facts``.

    Returns:
        JSON, one column a line.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import columns_json, infer, read_cells
        >>> age = infer("age", [read_cells(pa.array([31, 45, 38]))])
        >>> print(columns_json([age]))
        [
          {"name": "age", "kind": "whole number"}
        ]
    """
    facts = as_list(facts, "facts")
    for fact in facts:
        check_kind(fact, ColumnFacts, "`infer`")
    if not facts:
        return "[]"
    lines = [
        json.dumps({"name": fact.name, "kind": fact.kind}, ensure_ascii=False)
        for fact in facts
    ]
    return "[\n  " + ",\n  ".join(lines) + "\n]"


def read_columns(path: Path | str) -> tuple[ColumnChoice, ...]:
    """The choices of a ``columns.json``.

    Args:
        path: of the file: a JSON list of objects with name and kind and, if you like,
            scale, weight and format.

    Returns:
        One choice for each entry.

    Raises:
        ValueError: the file is no such list; it names the entry.
        OSError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> from cgm_jax.tables import read_columns
        >>> file = Path(tempfile.mkdtemp()) / "columns.json"
        >>> _ = file.write_text('[{"name": "branch", "kind": "category"}]')
        >>> read_columns(file)[0].kind
        'category'
    """
    try:
        text = as_path(path).read_text("utf-8-sig")
        entries = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}: expected JSON, found an error in line {error.lineno}"
        ) from None
    except (UnicodeDecodeError, RecursionError):
        raise ValueError(f"{path}: expected JSON in UTF-8, found other data") from None
    except _RepeatedKeyError as error:
        raise ValueError(
            f"{path}: expected each of name, kind, scale, weight and format once in "
            f"an entry, found {error} twice"
        ) from None
    if not isinstance(entries, list):
        found = "one object" if isinstance(entries, dict) else "something else"
        raise ValueError(
            f"{path}: expected a list of columns, found {found}; start from what "
            "cgm-jax describe prints"
        )
    choices: dict[str, ColumnChoice] = {}
    for position, entry in enumerate(entries, 1):
        try:
            choice = _choice(entry)
            if choice.name in choices:
                raise ValueError("expected each column once, found it again")
        except ValueError as error:
            name = entry.get("name") if isinstance(entry, dict) else None
            named = f" ({name})" if isinstance(name, str) else ""
            sentence = str(error).removeprefix(f"column {name}: ")
            raise ValueError(f"{path}: entry {position}{named}: {sentence}") from None
        choices[choice.name] = choice
    return tuple(choices.values())


class _RepeatedKeyError(Exception):
    """A key that stands twice in one object."""


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON, whose last value of a key would silently win."""
    result: dict[str, object] = {}
    for key, value in pairs:
        if key in result:
            raise _RepeatedKeyError(key)
        result[key] = value
    return result


def _check_format(name: str, time_format: str) -> None:
    """Refuse what ``strptime`` does not know."""
    usual = usual_format(time_format)
    try:
        datetime.strptime(datetime(2023, 4, 5).strftime(usual), usual)
    except ValueError:
        raise ValueError(
            f"column {name}: expected a format such as %d.%m.%Y, found {time_format}"
        ) from None


def usual_format(time_format: str) -> str:
    """As ``strptime`` reads it: it takes 5 for %d, and +02:00 for %z, anyway."""
    return time_format.replace("%-", "%").replace("%:z", "%z")


def _choice(entry: object) -> ColumnChoice:
    if not isinstance(entry, dict):
        raise ValueError('expected an object such as {"name": "age", "kind": "number"}')
    kinds = get_args(Kind)
    known = asdict(ColumnChoice("", "number"))
    if unknown := sorted(set(entry) - set(known)):
        raise ValueError(
            f"expected only {', '.join(known)}, found {', '.join(map(str, unknown))}"
        )
    if not isinstance(entry.get("name"), str):
        raise ValueError("expected the name of a column")
    if entry.get("kind") not in kinds:
        found = json.dumps(entry["kind"]) if "kind" in entry else "none"
        raise ValueError(f"expected a kind of {', '.join(kinds)}, found {found}")
    for key in ("scale", "weight"):
        value = entry.get(key)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise ValueError(f"expected {key} to be a number")
    if not isinstance(entry.get("format") or "", str):
        raise ValueError("expected format to be text such as %d.%m.%Y")
    return ColumnChoice(**{key: x for key, x in entry.items() if x is not None})
