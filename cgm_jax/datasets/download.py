"""Fetching a data set once, when somebody asks for it.

scikit-learn's `fetch_openml` does it: OpenML has all four data sets and the checksum of
every file. They are kept as arrays (see `storage`), which load in a second where the
text of an ARFF file takes a minute.
"""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .data_errors import DataNotFoundError, DownloadError
from .storage import cached_file, check_digest, locate, store

__all__ = ["OPENML_IDS", "fetch", "locate_or_fetch"]

OPENML_IDS = {
    "mnist": 554,
    "fashion-mnist": 40996,
    "cifar10": 40927,
    "credit-card": 1597,
}
CREDIT_CARD_COLUMNS = ("V1", "V2", "V3", "V4")
AMOUNT = "Amount"

_NUM_RETRIES = 3


def fetch(name: str, *, replace: bool = False) -> Path:
    """Fetch a data set from OpenML into the user's cache.

    It takes minutes, for CIFAR-10 also 3 GB of memory and 170 MB of the disk.

    Args:
        name: "mnist", "fashion-mnist", "cifar10" or "credit-card".
        replace: fetch it although it is there already, whole or damaged.

    Returns:
        The cached file. If it is there and whole, nothing is fetched.

    Raises:
        ValueError: for another name.
        DownloadError: if OpenML cannot be reached or sends something else.
        DamagedDataError: if the cached file is damaged and ``replace`` is not given.
        OSError: if the cache cannot be written.
        ModuleNotFoundError: if scikit-learn is not installed.

    Example:
        >>> fetch("imagenet")
        Traceback (most recent call last):
        ...
        ValueError: Expected one of mnist, fashion-mnist, cifar10, credit-card, got...
    """
    if name not in OPENML_IDS:
        known = ", ".join(OPENML_IDS)
        raise ValueError(f"Expected one of {known}, got {name!r}.")
    cached = cached_file(name)
    if cached.exists() and not replace:
        check_digest(cached)
        return cached
    try:
        arrays = _arrays(name, _from_openml(OPENML_IDS[name]))
    except (OSError, ValueError, KeyError) as error:
        raise DownloadError(
            f"{name} could not be fetched from OpenML ({error}); check the network and "
            "try again, or name the path of a copy."
        ) from error
    return store(name, arrays)


def locate_or_fetch(
    name: str, path: str | Path | None, *, stand_in: str, download: bool
) -> Path:
    """As `locate`, but fetched where it is allowed and no path is given."""
    try:
        return locate(name, path, stand_in=stand_in)
    except DataNotFoundError:
        if not download or path is not None:
            raise
        return fetch(name)


def _from_openml(data_id: int) -> Any:
    from sklearn.datasets import fetch_openml

    # Its own cache would be a second copy, and it replaces damaged files unasked.
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # A retry is no news; what is wrong in the end is raised.
        warnings.simplefilter("ignore")
        return fetch_openml(
            data_id=data_id,
            data_home=folder,
            as_frame=False,
            parser="pandas",  # minutes faster than the other one
            # By default it fails on classes that look like numbers where pandas is 3.1
            # or newer: scikit-learn issue 34892.
            read_csv_kwargs={"dtype": None},
            n_retries=_NUM_RETRIES,
        )


def _arrays(name: str, table: Any) -> dict[str, np.ndarray]:
    if name == "credit-card":
        names = list(table.feature_names)
        wanted = [names.index(column) for column in (*CREDIT_CARD_COLUMNS, AMOUNT)]
        values = np.asarray(table.data[:, wanted], np.float64)
        return {"points": values[:, :-1], "amounts": values[:, -1]}
    pixels = np.asarray(table.data)
    if not ((pixels >= 0) & (pixels <= 255)).all():
        raise ValueError("a pixel is not in 0..255")
    return {
        "pixels": pixels.astype(np.uint8),
        "labels": np.asarray(table.target).astype(np.int64),
    }
