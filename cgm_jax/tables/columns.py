"""What a mediator may say about columns, in a file ``columns.json``.

The file is what `columns_json` writes of the inferred kinds: a list with one object for
each column. Entries may be taken out; those that stay are obeyed.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from cgm_jax._shared.checks import as_list, as_number, check_choice, check_kind

from .kinds import ColumnFacts, Kind

__all__ = ["ColumnChoice", "columns_json", "read_columns"]


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
        entries = json.loads(Path(path).read_text("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}: expected JSON, found an error in line {error.lineno}"
        ) from None
    except (UnicodeDecodeError, RecursionError):
        raise ValueError(f"{path}: expected JSON in UTF-8, found other data") from None
    if not isinstance(entries, list):
        raise ValueError(
            f"{path}: expected a list of columns, found {type(entries).__name__}; "
            "start from what cgm-jax describe prints"
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
            raise ValueError(f"{path}: entry {position}{named}: {error}") from None
        choices[choice.name] = choice
    return tuple(choices.values())


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
        raise ValueError(f"expected a kind of {', '.join(kinds)}")
    for key in ("scale", "weight"):
        value = entry.get(key)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise ValueError(f"expected {key} to be a number")
    if not isinstance(entry.get("format") or "", str):
        raise ValueError("expected format to be text such as %d.%m.%Y")
    return ColumnChoice(**{key: x for key, x in entry.items() if x is not None})
