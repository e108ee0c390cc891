"""Files of images in every form they come in: idx, tables, and fetched arrays."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Integer, UInt8

from .data_errors import DamagedDataError, DataNotFoundError
from .idx import read_idx
from .number_tables import TABLE_SUFFIXES, read_number_table
from .storage import read_arrays

__all__ = ["Part", "read_images", "table_file"]

Part = Literal["train", "test"]

_IDX_PREFIXES: dict[str, str] = {"train": "train", "test": "t10k"}


def read_images(
    place: Path,
    shape: tuple[int, int, int],
    part: Part,
    *,
    training_share: Fraction,
) -> tuple[UInt8[np.ndarray, "n h w c"], Integer[np.ndarray, " n"]]:
    """Read the images of one part, and their labels.

    Args:
        place: a folder of idx files or with one table, a table, or fetched arrays.
        shape: height, width and channels that the images must have.
        part: "train" or "test".
        training_share: share of the rows of a table that are "train"; they come first.

    Returns:
        The images and the label of each.

    Raises:
        DataNotFoundError: if the folder has no such file.
        DamagedDataError: if a file is not what it should be.
    """
    height, width, channels = shape
    if place.is_dir() and any(place.glob("*[-.]idx*-ubyte*")):
        return _idx(place, shape, part)
    if place.suffix == ".npz":
        pixels, labels = read_arrays(place, "pixels", "labels")
    else:
        pixels, labels = _table(table_file(place, "images"), shape)
    cut = int(len(pixels) * training_share)
    rows = slice(cut) if part == "train" else slice(cut, None)
    # CIFAR-10 is published channel by channel.
    images = pixels[rows].reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    return images, labels[rows]


def table_file(place: Path, what: str) -> Path:
    """The one table in a folder, or the file itself.

    Args:
        place: a folder or a file that exists.
        what: what the table holds, for an error.

    Returns:
        The file.

    Raises:
        DataNotFoundError: if the folder has no table or several.
        DamagedDataError: if the file's name is not that of a table.
    """
    suffixes = ", ".join(TABLE_SUFFIXES)
    if place.is_file():
        if not place.name.endswith(TABLE_SUFFIXES):
            raise DamagedDataError(
                place, f"expected a table of {what}, a name that ends in {suffixes}"
            )
        return place
    names = sorted(place.iterdir())
    files = [file for file in names if file.name.endswith(TABLE_SUFFIXES)]
    if len(files) != 1:
        raise DataNotFoundError(
            f"Expected one table of {what} in {place}, a name that ends in {suffixes}; "
            f"found {len(files)}."
        )
    return files[0]


def _idx(
    folder: Path, shape: tuple[int, int, int], part: Part
) -> tuple[np.ndarray, np.ndarray]:
    files = []
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        name = f"{_IDX_PREFIXES[part]}-{kind}"
        file = _idx_file(folder, name)
        if file is None:
            raise DataNotFoundError(
                f"Expected {name}.gz in {folder}, compressed or not; found none."
            )
        files.append(file)
    image_file, label_file = files
    images, labels = read_idx(image_file), read_idx(label_file)
    if (*images.shape[1:], 1) != shape:
        expected, found = (" x ".join(map(str, s)) for s in (shape[:2], images.shape))
        raise DamagedDataError(
            image_file,
            f"expected images of {expected} pixels, found numbers of shape {found}; "
            "check that it is the right file",
        )
    if labels.shape != images.shape[:1]:
        raise DamagedDataError(
            label_file,
            f"expected one label for each of the {len(images)} images beside it, found "
            f"numbers of shape {labels.shape}; check that the files belong together",
        )
    return images[..., None], labels


def _idx_file(folder: Path, name: str) -> Path | None:
    # Both "-idx3" and ".idx3" are in use.
    dotted = ".idx".join(name.rsplit("-idx", 1))
    names = [name + ".gz", name, dotted + ".gz", dotted]
    return next((folder / each for each in names if (folder / each).is_file()), None)


def _table(file: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    names, values = read_number_table(file)
    expected = math.prod(shape) + 1
    at = [j for j, name in enumerate(names) if name.lower() == "class"]
    if len(names) != expected or len(at) != 1:
        raise DamagedDataError(
            file,
            f"expected {expected} columns, one of them named class, found "
            f"{len(names)}; check that it is the right file",
        )
    if not ((values >= 0) & (values <= 255) & (values == np.rint(values))).all():
        raise DamagedDataError(
            file, "expected whole numbers in 0..255; check that it is the right file"
        )
    whole = values.astype(np.uint8)
    return np.delete(whole, at[0], axis=1), whole[:, at[0]]
