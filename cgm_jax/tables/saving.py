"""A codec as facts for JSON and arrays of numbers: what a file keeps of it, no pickles.

It has what the codec knows of the tables: their categories, the rare ones too, the ends
of their numbers, and the numbers themselves in columns where none has few decimals. It
is for whoever may see all tables.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cgm_jax._shared import archive
from cgm_jax._shared.archive import Arrays

from .category_columns import CategoryColumn, LeftOut
from .codec import ColumnCodec, TableCodec
from .columns import ColumnChoice
from .kinds import ColumnFacts
from .number_columns import NumberColumn

__all__ = ["codec_from_parts", "codec_parts", "load_codec", "save_codec"]

KIND, ADVICE = "table codec", "save one with TableCodec.save"

_CLASSES = {one.__name__: one for one in (NumberColumn, CategoryColumn, LeftOut)}


def save_codec(codec: TableCodec, path: str | Path) -> None:
    """`TableCodec.save`."""
    archive.write_archive(path, KIND, *codec_parts(codec))


def load_codec(path: str | Path) -> TableCodec:
    """`TableCodec.load`."""
    facts, arrays = archive.read_archive(path, KIND, advice=ADVICE)
    with archive.archive_errors(path, KIND, advice=ADVICE):
        return codec_from_parts(facts, arrays)


def codec_parts(codec: TableCodec) -> tuple[dict[str, Any], Arrays]:
    """Facts, as JSON holds them, and arrays by name.

    Args:
        codec: of any tables.

    Returns:
        What `codec_from_parts` makes the codec of again.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.tables import read_cells
        >>> table = {"job": read_cells(pa.array(["clerk", "cook", "clerk"]))}
        >>> codec = TableCodec.fit([table], min_rows=1)
        >>> codec_from_parts(*codec_parts(codec)).coordinates
        ('job=clerk', 'job=cook')
    """
    records, arrays = [], {}
    for place, column in enumerate(codec.columns):
        record: dict[str, Any] = {"class": type(column).__name__}
        for name, value in vars(column).items():
            if name == "facts":
                record[name] = asdict(value)
            elif not isinstance(value, np.ndarray):
                record[name] = value
            elif value.dtype == object:  # text, or numbers of more than 64 bits
                record[name] = {"objects": value.tolist()}
            else:
                arrays[f"{place}.{name}"] = value
        records.append(record)
    choices = [asdict(choice) for choice in codec.choices]
    return {"columns": records, "choices": choices}, arrays


def codec_from_parts(facts: Mapping[str, Any], arrays: Arrays) -> TableCodec:
    """The codec of `codec_parts`.

    Args:
        facts: its facts.
        arrays: its arrays.

    Returns:
        A codec that encodes and decodes as the first, to the last bit.

    Raises:
        ValueError, KeyError, TypeError: for parts that are not those of a codec.
    """
    columns = [
        _column(record, archive.with_prefix(arrays, f"{place}."))
        for place, record in enumerate(facts["columns"])
    ]
    choices = tuple(ColumnChoice(**choice) for choice in facts["choices"])
    codec = TableCodec(tuple(columns), choices)
    # Columns whose parts do not fit together raise an error, or give no numbers.
    points = codec.handed_out(np.zeros((1, codec.num_dimensions)))
    if not np.isfinite(codec.encode(codec.decode(points))).all():
        raise archive.Mismatch("one whose columns do not fit together")
    return codec


def _column(record: Mapping[str, Any], arrays: Arrays) -> ColumnCodec:
    fields = {name: _value(value) for name, value in record.items()}
    facts = {name: _value(value) for name, value in record["facts"].items()}
    made = _CLASSES[fields.pop("class")]
    return made(**{**fields, **arrays, "facts": ColumnFacts(**facts)})


def _value(value: Any) -> Any:
    """JSON holds tuples as lists, and has no arrays."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict) and set(value) == {"objects"}:
        result = np.empty(len(value["objects"]), object)
        result[:] = value["objects"]
        return result
    return value
