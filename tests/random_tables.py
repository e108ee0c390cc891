"""Tables of random cells, a column for every type that Parquet has."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from real_tables import cells_of


def integers(kind: pa.DataType) -> Callable[[np.random.Generator, int], Any]:
    info = np.iinfo(kind.to_pandas_dtype())

    def draw(rng: np.random.Generator, num: int) -> Any:
        size = 2 ** int(rng.integers(1, info.bits + 1))
        low, high = max(info.min, -size), min(info.max, size)
        return rng.integers(low, high, num, info.dtype, endpoint=True)

    return draw


def few(values: list[Any]) -> Callable[[np.random.Generator, int], Any]:
    return lambda rng, num: [values[i] for i in rng.integers(0, len(values), num)]


def floats(rng: np.random.Generator, num: int) -> Any:
    x = rng.standard_normal(num) * 10.0 ** rng.integers(-5, 6)
    decimals = int(rng.integers(0, 12))
    return np.round(x, decimals) if rng.random() < 0.5 else x


def times(unit: str) -> Callable[[np.random.Generator, int], Any]:
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]

    def draw(rng: np.random.Generator, num: int) -> Any:
        span = int(10 ** rng.integers(2, 9)) * per_second
        start = int(rng.integers(-(10**9), 2 * 10**9)) * per_second
        return start + rng.integers(0, span, num)

    return draw


TEXTS = ["clerk", "cook", "café", "Crème 1", "日本"]
COLUMNS: dict[str, tuple[pa.DataType, Callable[..., Any]]] = {
    **{
        str(kind): (kind, integers(kind))
        for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())
    },
    **{
        str(kind): (kind, integers(kind))
        for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    },
    "float16": (pa.float16(), lambda r, n: r.normal(0, 9, n).astype(np.float16)),
    "float32": (pa.float32(), lambda r, n: floats(r, n).astype(np.float32)),
    "float64": (pa.float64(), floats),
    "skewed": (pa.float64(), lambda r, n: np.exp(5 * r.standard_normal(n))),
    "money": (
        pa.decimal128(12, 2),
        lambda r, n: [Decimal(int(x)).scaleb(-2) for x in r.integers(-1e9, 1e10, n)],
    ),
    "bool": (pa.bool_(), few([True, False])),
    "string": (pa.string(), few(TEXTS)),
    "large_string": (pa.large_string(), few(TEXTS)),
    "string_view": (pa.string_view(), few(TEXTS)),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), few(TEXTS)),
    "dictionary of ints": (pa.dictionary(pa.int16(), pa.int64()), few([1, 2, 5, 77])),
    "date32": (pa.date32(), lambda r, n: r.integers(-9000, 20000, n).tolist()),
    "date64": (
        pa.date64(),
        lambda r, n: (r.integers(-9000, 20000, n) * 86_400_000).tolist(),
    ),
    "null": (pa.null(), lambda r, n: [None] * n),
    "constant": (pa.int64(), lambda r, n: [7] * n),
    **{
        f"{unit} {zone}": (pa.timestamp(unit, zone), times(unit))
        for unit in ("s", "ms", "us", "ns")
        for zone in (None, "UTC", "Europe/Berlin")
    },
}


def random_table(rng: np.random.Generator, num: int, nullable: dict[str, bool]) -> Any:
    table = {}
    for name, (kind, draw) in COLUMNS.items():
        values = list(draw(rng, num))
        if nullable[name]:
            values = [None if rng.random() < 0.2 else value for value in values]
        if pa.types.is_temporal(kind):
            plain = pa.int32() if kind == pa.date32() else pa.int64()
            table[name] = pa.array(values, plain).cast(kind)
        elif pa.types.is_dictionary(kind):
            table[name] = pa.array(values, kind.value_type).dictionary_encode()
        else:
            table[name] = pa.array(values, kind)
    return cells_of(table)
