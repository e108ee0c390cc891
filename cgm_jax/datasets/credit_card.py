"""Credit card transactions (CC): real ones, and a stand-in that needs no file.

A point is the first four principal components of a transaction, its class the fifth of
all amounts that its amount is in (App. I.2).
"""

import gzip
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from .data_errors import DamagedDataError, DataNotFoundError
from .download import AMOUNT, CREDIT_CARD_COLUMNS, locate_or_fetch
from .labelled import LabelledPoints
from .storage import read_arrays

__all__ = ["amount_classes", "credit_card", "transactions_stand_in"]

_SEED = 0
_NUM_CLASSES = 5
_DEGREES_OF_FREEDOM = 3  # tails as heavy as a variance allows
# Spread of V1-V4 of the real transactions, rounded, and how far V1-V4 move from the
# smallest amounts to the largest.
_SCALES = np.array([1.9, 1.6, 1.5, 1.4])
_SHIFTS = np.array([-1.0, -1.6, -0.6, 0.3])


def credit_card(
    path: str | Path | None = None, *, download: bool = False
) -> LabelledPoints:
    """Card payments of two days in September 2013: V1-V4, five classes by amount.

    Args:
        path: ``creditcard.csv`` as Kaggle serves it, compressed by gzip or not, or a
            folder with it, or a file ``.npz`` that `fetch` stored (OpenML's data set
            1597). By default the folder ``credit-card`` in ``CGM_JAX_DATA``, else what
            was fetched before.
        download: as in `mnist`, and so are the errors.

    Returns:
        284,807 points of four columns, and their `amount_classes`.

    Example:
        >>> credit_card("no/such/file.csv")
        Traceback (most recent call last):
        ...
        cgm_jax.datasets.data_errors.DataNotFoundError: Expected credit-card at...

    Reference: Dal Pozzolo, Caelen, Johnson and Bontempi, *Calibrating probability with
    undersampling for unbalanced classification*, 2015; Tay et al. 2022, App. I.2.
    """
    place = locate_or_fetch(
        "credit-card", path, stand_in="transactions_stand_in", download=download
    )
    if place.suffix == ".npz":
        points, amounts = read_arrays(place, "points", "amounts")
    else:
        values = _read_csv(_csv_file(place))
        points, amounts = values[:, :-1], values[:, -1]
    return LabelledPoints(points.astype(np.float32), amount_classes(amounts))


def _csv_file(place: Path) -> Path:
    if place.is_file():
        return place
    files = [*place.glob("*.csv"), *place.glob("*.csv.gz")]
    if len(files) != 1:
        raise DataNotFoundError(
            f"Expected one table of transactions in {place}, a name that ends in .csv "
            f"or .csv.gz; found {len(files)}."
        )
    return files[0]


def _read_csv(file: Path) -> Float[np.ndarray, "rows columns"]:
    """The columns V1 to V4 and Amount; the others may hold anything."""
    wanted = [*CREDIT_CARD_COLUMNS, AMOUNT]
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8", errors="replace") as lines:
            names = [name.strip().strip('"') for name in next(lines, "").split(",")]
            rows = [line for line in lines if line.strip()]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedDataError(
            file, f"expected a whole gzip file, but {error}; get the file again"
        ) from error
    missing = [name for name in wanted if name not in names]
    if missing or not rows:
        expected = f"a column {missing[0]}" if missing else "rows of numbers"
        found = (", ".join(names[:8]) or "no columns") if missing else "none"
        raise DamagedDataError(
            file, f"expected {expected}, found {found}; check that it is the right file"
        )
    try:
        if rows[-1].count(",") + 1 != len(names):  # what a file that was cut ends with
            raise ValueError("the last row has fewer")
        values = np.loadtxt(
            rows,
            delimiter=",",
            quotechar='"',
            usecols=[names.index(name) for name in wanted],
            ndmin=2,
        )
    except ValueError as error:
        expected = f"expected {len(names)} numbers in every row, but {error}"
        raise DamagedDataError(file, f"{expected}; get the file again") from error
    for name, column in zip(wanted, values.T, strict=True):
        if not np.isfinite(column).all():
            found = f"found NaN or infinity in column {name}"
            raise DamagedDataError(
                file, f"expected finite numbers, {found}; get the file again"
            )
    return values


def amount_classes(amounts: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The fifth of all amounts that each amount is in.

    Args:
        amounts: numbers, shape ``(n,)``.

    Returns:
        0 up to the 20th percentile, 1 up to the 40th, ..., 4 above the 80th.

    Example:
        >>> amount_classes(np.array([5.0, 1.0, 2.0, 3.0, 4.0, 1.0]))
        array([4, 0, 1, 2, 3, 0])
    """
    edges = np.percentile(amounts, [20, 40, 60, 80])
    return np.searchsorted(edges, amounts, side="left").astype(np.int64)


def transactions_stand_in(*, num_points: int = 50_000) -> LabelledPoints:
    r"""Simulated transactions where the real ones are not at hand: 4-D, heavy tails.

    .. math:: x \mid c \sim (c / 2 - 1) \, m + S \, t_3, \quad c = 0, \ldots, 4

    with one fifth of the points in each class, the spread S of the real components and
    a shift m that leaves the classes overlapping, as amounts do. No figure of the paper
    can be reproduced with it.

    Args:
        num_points: at least 5, or there is a ``ValueError``.

    Returns:
        The points, the same on every machine, and their classes.

    Example:
        >>> data = transactions_stand_in(num_points=1_000)
        >>> data.points.shape, np.bincount(data.labels)
        ((1000, 4), array([200, 200, 200, 200, 200]))
    """
    if num_points < _NUM_CLASSES:
        raise ValueError(
            f"Expected num_points of at least {_NUM_CLASSES}, got {num_points}."
        )
    random = np.random.RandomState(_SEED)  # its stream never changes
    labels = np.arange(num_points) % _NUM_CLASSES
    normals = random.standard_normal((num_points, len(_SCALES)))
    spread = random.chisquare(_DEGREES_OF_FREEDOM, num_points) / _DEGREES_OF_FREEDOM
    # One divisor for all columns: a strange payment is strange in each of them.
    noise = normals / np.sqrt(spread)[:, None] / np.sqrt(_DEGREES_OF_FREEDOM)
    points = (labels / 2 - 1)[:, None] * _SHIFTS[None] + _SCALES[None] * noise
    return LabelledPoints(points.astype(np.float32), labels.astype(np.int64))
