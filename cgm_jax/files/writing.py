"""What is published: rewards in the parties' own columns, reports, games for shapiq."""

import csv
import io
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from cgm_jax.valuation.coalitions import membership, num_parties

from .atomic import write_atomically, write_text
from .input_errors import UsageError

__all__ = ["write_json", "write_reward_csv", "write_shapiq_game"]


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


def write_reward_csv(
    path: str | Path,
    points: ArrayLike,
    header: Sequence[str],
    *,
    labels: ArrayLike | None = None,
    label_column: str | None = None,
    integer_columns: Collection[str] = (),
) -> None:
    """Publish a party's synthetic rows as CSV, in the columns of the parties' files.

    Args:
        path: the file.
        points: the rows in the parties' units, shape (m, d), finite; written with the
            fewest digits that read back as the same float32 or float64.
        header: names of all columns, in order, the label column among them.
        labels: one label per row, shape (m,), if there is a label column.
        label_column: its name in the header.
        integer_columns: names of the columns that are rounded to whole numbers.

    Raises:
        ValueError: if shapes and names do not fit together, or a number is not finite.
        FileAccessError: if the system refuses.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "bank_a", "reward.csv")
        >>> rows = np.array([[30.7, 0.1], [41.2, 2.5]], np.float32)
        >>> write_reward_csv(path, rows, ["age", "income"], integer_columns=["age"])
        >>> print(path.read_text(), end="")
        age,income
        31,0.1
        41,2.5
    """
    points = np.asarray(points)
    labels = None if labels is None else np.asarray(labels)
    columns = [name for name in header if name != label_column]
    if (label_column in header) != (labels is not None):
        raise ValueError("Expected labels and a label column of the header, got one.")
    if points.ndim != 2 or points.shape[1] != len(columns):
        raise ValueError(
            f"Expected points with {len(columns)} columns as in the header, got an "
            f"array of shape {points.shape}."
        )
    if labels is not None and labels.shape != (len(points),):
        raise ValueError(
            f"Expected {len(points)} labels, one per row, got shape {labels.shape}."
        )
    if not np.isfinite(points).all():
        raise ValueError("Expected finite points to write, got NaN or an infinity.")
    text = {} if labels is None else {label_column: [str(label) for label in labels]}
    for name, column in zip(columns, points.T, strict=True):
        # NumPy's text of one number is the shortest that reads back as the same number.
        text[name] = [str(number) for number in column]
        if name in integer_columns:
            text[name] = [str(int(number)) for number in np.rint(column)]

    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*(text[name] for name in header), strict=True))
    write_text(path, stream.getvalue())


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


def _plain(value: Any) -> Any:
    """An array or scalar of NumPy or JAX as plain numbers and lists."""
    if hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    raise TypeError(
        f"Expected text, numbers, None, lists, dicts or arrays, got {type(value)}."
    )
