"""What is published: rewards as the parties' own files, reports, games for shapiq."""

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from cgm_jax.tables import Cells
from cgm_jax.valuation.coalitions import membership, num_parties

from .atomic import write_atomically, write_text
from .input_errors import UsageError
from .labels import label_cells
from .parties import OwnFormat
from .spelling import as_arrow, as_words

__all__ = ["write_json", "write_rewards", "write_shapiq_game"]


def write_json(path: str | Path, obj: Any) -> None:
    """Publish an object as strict JSON, which has no NaN and no infinities.

    Args:
        path: the file.
        obj: dicts with text keys, lists, tuples, text, numbers, None, arrays, scalars.

    Raises:
        ValueError: for NaN or an infinity: write None where a number does not exist.
        TypeError: for an object of another type.
        FileAccessError: if the system refuses.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "report.json")
        >>> write_json(path, {"phi": np.array([0.25, 0.5]), "seed": np.int64(0)})
        >>> json.loads(path.read_text())
        {'phi': [0.25, 0.5], 'seed': 0}
    """
    try:
        text = json.dumps(
            obj, allow_nan=False, ensure_ascii=False, indent=2, default=_plain
        )
    except ValueError as error:
        raise ValueError(
            f"Expected finite numbers for {Path(path).name}, got NaN, an infinity or a "
            "loop; give None where a number does not exist."
        ) from error
    write_text(path, text + "\n")


def write_rewards(
    path: str | Path,
    rows: Mapping[str, Cells],
    party: OwnFormat,
    *,
    labels: ArrayLike | None = None,
) -> None:
    """Publish a party's synthetic rows as its own file is written.

    Columns have the file's names, order and spelling: in CSV its decimals, truth words,
    word for missing cells, dates and zone; in Parquet its types. Nothing is changed to
    fit: what these cannot hold has more decimals, a finer format or a wider type.

    Args:
        path: the file, CSV or Parquet as ``party.extension`` says.
        rows: cells of every column of the party's but the labels, as many in each.
        party: how the party's file is written: one of ``Parties.formats``, or
            `plain_format`.
        labels: one label per row, shape (m,), if the party has a label column.

    Raises:
        ValueError: if rows, labels and the party's columns do not fit together, or a
            number is not finite.
        FileAccessError: if the system refuses.

    Example:
        >>> import tempfile
        >>> import pyarrow as pa
        >>> from cgm_jax.files import plain_format
        >>> from cgm_jax.tables import read_cells
        >>> path = Path(tempfile.mkdtemp(), "bank_a", "reward.csv")
        >>> rows = {"age": [31, 41], "income": [0.1, 2.5]}
        >>> rows = {name: read_cells(pa.array(column)) for name, column in rows.items()}
        >>> write_rewards(path, rows, plain_format(rows))
        >>> print(path.read_text(), end="")
        age,income
        31,0.1
        41,2.5
    """
    cells = _checked_rows(rows, party, labels)
    if party.kind == "parquet":
        data = _as_parquet(cells, party)
        write_atomically(path, lambda file: file.write(data))
    else:
        write_text(path, _as_csv(cells, party))


def write_shapiq_game(
    path: str | Path, values: Float[Array | np.ndarray, " coalitions"]
) -> None:
    """Publish a table of coalition values as a game for shapiq.

    The file is that of ``shapiq.Game.save_values(..., as_npz=True)``, where party i is
    player i::

        game = shapiq.Game(n_players=n, normalize=False)
        game.load_values("game.npz")
        game.exact_values("k-SII", order=2)

    Args:
        path: the file, whose name ends in ``.npz``.
        values: of each coalition, by bitmask, shape ``(2**n,)``, n <= 24.

    Raises:
        UsageError: if the name does not end in ``.npz``, as shapiq expects.
        ValueError: if ``values`` is not a table of ``2**n`` finite numbers.
        FileAccessError: if the system refuses.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "gloves.npz")
        >>> write_shapiq_game(path, np.array([0.0, 0, 0, 1, 0, 1, 0, 1]))
        >>> with np.load(path) as archive:
        ...     archive["coalitions"][archive["values"] == 1].astype(int)
        array([[1, 1, 0],
               [1, 0, 1],
               [1, 1, 1]])

    Reference: Muschalik et al. 2024 (shapiq).
    """
    if Path(path).suffix != ".npz":
        raise UsageError(f"{path}: expected a file name that ends in .npz")
    table = np.asarray(values, np.float64)
    if table.ndim != 1 or not np.isfinite(table).all():
        raise ValueError(
            "Expected one finite value per coalition, got an array of shape "
            f"{table.shape}, or one with NaN or infinity."
        )
    n = num_parties(len(table))

    write_atomically(
        path,
        lambda file: np.savez_compressed(
            file,
            values=table,
            coalitions=membership(n, np.int8).astype(bool),
            n_players=n,
            normalization_value=table[0],
        ),
    )


def _checked_rows(
    rows: Mapping[str, Cells], party: OwnFormat, labels: ArrayLike | None
) -> dict[str, Cells]:
    """Cells of all of the party's columns, the labels among them."""
    cells = dict(rows)
    if (labels is None) != (party.label_column is None):
        raise ValueError("Expected labels and a label column of the party, got one.")
    if party.label_column is not None:
        form = party.columns[party.label_column].form
        cells[party.label_column] = label_cells(np.asarray(labels), form)
    if set(cells) != set(party.columns):
        names = ", ".join(sorted(set(cells) ^ set(party.columns)))
        raise ValueError(f"Expected rows in the party's columns, got others: {names}.")
    sizes = {name: len(column) for name, column in cells.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"Expected as many rows in every column, got {sizes}.")
    for name, column in cells.items():
        if column.form == "number" and not np.isfinite(column.present).all():
            raise ValueError(
                f"Expected finite numbers to write in column {name}, got NaN or an "
                "infinity."
            )
    return cells


def _as_csv(cells: Mapping[str, Cells], party: OwnFormat) -> str:
    needs_quotes = re.compile(f'["\r\n{party.separator}]')
    empty = '""' if len(party.columns) == 1 else ""  # a blank line is none

    def quoted(word: str) -> str:
        if needs_quotes.search(word):
            return '"' + word.replace('"', '""') + '"'
        return word or empty

    columns = [
        map(quoted, (own.name, *as_words(cells[name], own).tolist()))
        for name, own in party.columns.items()
    ]
    rows = map(party.separator.join, zip(*columns, strict=True))
    return "".join(f"{row}\n" for row in rows)


def _as_parquet(cells: Mapping[str, Cells], party: OwnFormat) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    own_fields = list(party.schema)
    arrays, fields = [], []
    for (name, own), field in zip(party.columns.items(), own_fields, strict=True):
        array = as_arrow(cells[name], own, field.type)
        is_nullable = field.nullable or array.null_count > 0
        arrays.append(array)
        fields.append(field.with_type(array.type).with_nullable(is_nullable))
    metadata = dict(party.schema.metadata or {})
    notes = json.loads(metadata.pop(b"pandas", b"{}"))
    if notes and fields == own_fields:
        # What pandas knows of the columns still holds; its index was of other rows.
        metadata[b"pandas"] = json.dumps({**notes, "index_columns": []}).encode()
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata))
    stream = io.BytesIO()
    parquet.write_table(table, stream)
    return stream.getvalue()


def _plain(value: Any) -> Any:
    """An array or scalar of NumPy or JAX as plain numbers and lists."""
    if hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    raise TypeError(
        f"Expected text, numbers, None, lists, dicts or arrays, got {type(value)}."
    )
