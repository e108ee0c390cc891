"""What kind of column a person would say it is, from all parties' cells together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np

from cgm_jax._shared.checks import check_choice, check_kind, one_each

from .cells import Cells, Form, Resolution, Spelling, count_decimals
from .pooling import in_form, pooled_form

__all__ = ["KINDS", "NOT_VALUED", "ColumnFacts", "Kind", "infer"]

Kind = Literal[
    "number",
    "whole number",
    "category",
    "date or time",
    "identifier",
    "free text",
    "constant",
    "left out",
]
NOT_VALUED = frozenset({"identifier", "free text", "constant", "left out"})
KINDS: dict[Form, tuple[Kind, ...]] = {  # of cells in each form; the first is usual
    "empty": ("constant",),
    "truth": ("category",),
    "whole": ("whole number", "number", "category", "identifier"),
    "number": ("number", "category"),
    "time": ("date or time", "category"),
    "text": ("category", "identifier", "free text"),
}  # besides "left out", which any column may be declared
_FEWEST_ROWS = 20  # by which an identifier can be told
_ID_WORDS = {"id", "ids", "no", "nr", "number", "key", "uuid", "guid", "record"}
_ID_WORDS |= {"account", "iban", "ssn", "mrn", "passport", "phone", "telephone", "fax"}
_INDEX_WORDS = _ID_WORDS | {"index", "row"}
_YEAR_WORDS = {"year", "years", "jahr", "yr"}
_MOST_CODES, _ROWS_PER_CODE = 10, 10
_HELD_ROWS, _HELD_SHARE = 5, 0.01  # that a value has which is not one of chance
_MOST_TEXTS = 1000
_MASS = 0.05  # of the cells, in a value that is a mass point
_SENTINEL = 0.01
MAD_TO_STD = 1.4826  # of a normal column


@dataclass(frozen=True)
class ColumnFacts:
    """What all parties' cells of a column are, and the facts that this rests on."""

    name: str
    kind: Kind
    form: Form
    num_rows: tuple[int, ...]  # of each party
    num_missing: tuple[int, ...]
    num_distinct: int
    num_decimals: int | None = 0
    step: int | None = None  # in units of the last decimal, or ticks; None: any value
    resolution: Resolution = "D"
    is_day_first: bool = False
    is_ambiguous: bool = False  # dates that could be read day first, too
    has_mixed_zones: bool = False
    has_leading_zeros: bool = False
    num_with_decimals: int = 0  # cells with decimals in a column of other whole numbers
    sentinel: int | float | None = None  # far off, and repeated: −999 for "missing"
    mass_points: tuple[int | float, ...] = ()
    is_heavy_tailed: bool = False
    tells_parties_apart: bool = False  # by a threshold, or by its values

    @property
    def spelling(self) -> Spelling:
        """What decoded cells say of themselves; a party's own spelling says more."""
        return Spelling(num_decimals=self.num_decimals, resolution=self.resolution)

    @property
    def missing_share(self) -> float:
        """Missing cells of all."""
        return sum(self.num_missing) / max(1, sum(self.num_rows))


def infer(
    name: str,
    parties: Sequence[Cells],
    *,
    kind: Kind | None = None,
) -> ColumnFacts:
    """The kind of a column, as a person would say, and the facts that it rests on.

    Args:
        name: of the column; ``patient_no`` says that it holds identifiers.
        parties: the cells of each party.
        kind: what a person declared it to be, instead of the inferred one.

    Returns:
        Facts, without sentences.

    Raises:
        ValueError: cells have problems, or the forms of the parties do not fit
            together or not to the declared kind.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import infer, read_cells
        >>> infer("answer", [read_cells(pa.array(["yes", "no", "yes"]))]).kind
        'category'
    """
    if not isinstance(name, str):
        raise TypeError(f"Expected the name of a column, got {name!r}.")
    for each in (parties := one_each(parties, "cells")):
        check_kind(each, Cells, "`read_cells`")
    if kind is not None:
        check_choice(kind, get_args(Kind), f"the kind of column {name}")
    if kind == "left out":
        sizes = tuple(len(cells) for cells in parties)
        return ColumnFacts(name, kind, "empty", sizes, (0,) * len(sizes), 0)
    for cells in parties:
        is_text = cells.form == "text" and kind in KINDS["text"]
        if cells.problems and not is_text:
            problem = cells.problems[0]
            raise ValueError(f"Column {name}, row {problem.row}: {problem.sentence}.")
    try:
        pooled = pooled_form(parties, is_text=kind in KINDS["text"])
        unified = [in_form(cells, pooled) for cells in parties]
    except ValueError as error:
        raise ValueError(f"Column {name}: {error}.") from None
    form = pooled.form
    values = np.concatenate([cells.present for cells in unified])
    distinct, counts = np.unique(values, return_counts=True)
    inferred = _kind(name, form, unified, distinct, counts)
    if kind is not None and kind != inferred:
        is_exact = distinct.dtype == object and form == "whole"  # beyond 64 bits
        allowed = KINDS["text"][:2] if is_exact else KINDS[form]
        if kind not in allowed:
            raise ValueError(
                f"Column {name}: expected one of {', '.join(allowed)} for its cells, "
                f"or left out, got {kind}."
            )
    chosen = kind or inferred
    is_number = form in ("whole", "number", "time") and distinct.dtype != object
    has_facts = is_number and len(distinct) > 0
    facts = _number_facts(form, values, distinct, counts) if has_facts else {}
    return ColumnFacts(
        name,
        chosen,
        form,
        tuple(len(cells) for cells in parties),
        tuple(int(cells.is_missing.sum()) for cells in parties),
        len(distinct),
        resolution=pooled.resolution,
        is_day_first=pooled.is_day_first,
        is_ambiguous=pooled.is_ambiguous,
        has_mixed_zones=_has_mixed_zones(parties),
        has_leading_zeros=any(cells.spelling.has_leading_zeros for cells in parties),
        tells_parties_apart=_tells_parties_apart(
            unified, len(distinct), is_number=is_number
        ),
        **facts,
    )


def _kind(
    name: str, form: Form, parties: Sequence[Cells], distinct: Any, counts: Any
) -> Kind:
    num_cells = int(counts.sum())
    num_missing = sum(int(cells.is_missing.sum()) for cells in parties)
    if len(distinct) == 0 or (len(distinct) == 1 and not num_missing):
        return "constant"
    if form == "whole":
        if distinct.dtype == object or _is_identifier(name, parties, distinct):
            return "identifier"
        return "category" if _are_codes(distinct, counts) else "whole number"
    if form != "text":
        return KINDS[form][0]
    share = len(distinct) / num_cells
    if num_cells >= _FEWEST_ROWS and share > 0.4 and _words(name)[-1] in _ID_WORDS:
        return "identifier"
    is_one_word = np.mean([" " not in text for text in distinct.tolist()]) > 0.5
    is_long = np.mean([_is_sentence(text) for text in distinct.tolist()]) > 0.5
    if num_cells >= _FEWEST_ROWS and share > 0.5 and is_one_word:
        return "identifier"
    if is_long or len(distinct) > _MOST_TEXTS or (share > 0.5 and not is_one_word):
        return "free text"
    return "category"


def _is_identifier(name: str, parties: Sequence[Cells], distinct: Any) -> bool:
    """Numbers that count or name rows rather than measure something."""
    columns = [cells.present for cells in parties if len(cells.present)]
    num_cells = sum(map(len, columns))
    lowest, highest = int(distinct[0]), int(distinct[-1])
    if highest - lowest > 2**62:  # differences of 64 bits would overflow
        return True
    step = int(np.gcd.reduce(np.diff(distinct)))
    if (highest - lowest) // max(step, 1) > 2**53:
        return True  # no float64 stands for each of them
    if num_cells < _FEWEST_ROWS or not _YEAR_WORDS.isdisjoint(_words(name)):
        return False
    last = _words(name)[-1]
    if last in _ID_WORDS and len(distinct) > 0.4 * num_cells:
        return True
    rises = [np.diff(values) for values in columns]
    steps = np.concatenate(rises)
    if len(steps) and np.mean(steps == 1) >= 0.95:
        return True
    apart = [len(np.unique(values)) >= 0.95 * len(values) for values in columns]
    if len(distinct) >= 0.95 * num_cells:
        has_no_gaps = highest - lowest <= 2 * num_cells
    elif all(apart):
        has_no_gaps = all(int(np.ptp(x)) <= 2 * len(x) for x in columns)
    else:
        return False
    return has_no_gaps or all((x > 0).all() for x in rises) or last in _INDEX_WORDS


def _are_codes(distinct: Any, counts: Any) -> bool:
    """Few values, often held, between which there are values that nobody has.

    A gap beside a rare value is one of chance: seven children after four.
    """
    if len(distinct) > _MOST_CODES or counts.sum() < _ROWS_PER_CODE * len(distinct):
        return False
    steps = np.diff(distinct)
    if len(distinct) == 2:
        return bool(steps[0] > 1)
    held = counts >= max(_HELD_ROWS, _HELD_SHARE * counts.sum())
    is_gap = (steps > np.gcd.reduce(steps)) & held[1:] & held[:-1]
    return bool(is_gap.any())


def _number_facts(
    form: Form, values: Any, distinct: Any, counts: Any
) -> dict[str, Any]:
    decimals = 0 if form != "number" else count_decimals(distinct)
    step, with_decimals = None, 0
    if decimals is not None:
        units = distinct if form != "number" else np.rint(distinct * 10.0**decimals)
        step = int(np.gcd.reduce(np.diff(units.astype(np.int64)))) or 1
    if form == "number":
        with_decimals = int(counts[distinct != np.rint(distinct)].sum())
    if with_decimals > max(1, 0.01 * len(values)):
        with_decimals = 0
    masses: tuple[Any, ...] = ()
    if len(distinct) >= 20:
        masses = tuple(distinct[counts >= _MASS * len(values)].tolist())
    # Less one of them: large numbers keep their last digits.
    offsets = (values - values[0]).astype(np.float64)
    rest = between_masses(offsets, values, masses)
    return {
        "num_decimals": decimals,
        "step": step,
        "num_with_decimals": with_decimals,
        "mass_points": masses,
        "sentinel": None if form == "time" else _sentinel(distinct, counts),
        "is_heavy_tailed": bool(rest.std() > 4 * robust_scale(rest) > 0),
    }


def between_masses(x: Any, values: Any, masses: Sequence[Any]) -> Any:
    """What is not at a mass point, whose share is no spread; all, where nothing is."""
    is_between = ~np.isin(values, np.array(masses)) if masses else np.ones(len(x), bool)
    return x[is_between] if is_between.any() else x


def robust_scale(values: Any) -> float:
    """A standard deviation by medians; of the distances that are not zero."""
    distances = np.abs(values - np.median(values))
    nonzero = distances[distances > 0]
    return MAD_TO_STD * float(np.median(nonzero)) if len(nonzero) else 0.0


def _sentinel(distinct: Any, counts: Any) -> int | float | None:
    """A repeated value that lies farther off than the others spread."""
    if len(distinct) < 4:
        return None
    for value, others, count in (
        (distinct[0], distinct[1:], counts[0]),
        (distinct[-1], distinct[:-1], counts[-1]),
    ):
        spread = float(others[-1]) - float(others[0])
        distance = min(abs(float(value) - float(others[i])) for i in (0, -1))
        is_alone = distance > spread or (value < 0 and others[0] > 1)
        if is_alone and count >= max(2, _SENTINEL * counts.sum()):
            return value.item()
    return None


def _tells_parties_apart(
    parties: Sequence[Cells], num_distinct: int, *, is_number: bool
) -> bool:
    columns = [cells.present for cells in parties if len(cells.present)]
    if len(columns) < 2 or min(map(len, columns)) < 5:
        return False
    if sum(len(np.unique(values)) for values in columns) == num_distinct and (
        not is_number or num_distinct <= _MOST_CODES
    ):
        return True
    if not is_number:
        return False
    ranges = sorted((values.min(), values.max()) for values in columns)
    return all(a[1] < b[0] for a, b in pairwise(ranges))


def _has_mixed_zones(parties: Sequence[Cells]) -> bool:
    spellings = [cells.spelling for cells in parties if cells.form == "time"]
    zones = {spelling.zone for spelling in spellings}
    return len(zones) > 1 or any(spelling.has_mixed_zones for spelling in spellings)


def _is_sentence(text: str) -> bool:
    return len(text.split()) >= 3 and text.endswith((".", "!", "?"))


def _words(name: str) -> list[str]:
    """The words of patient_no, "Sample Number" or patientId; one at least."""
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [word.lower() for word in re.findall(r"[^\W\d_]+", apart)] or [""]
