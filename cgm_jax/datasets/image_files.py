"""Files of images: the published idx files, and arrays as `fetch` stores them."""

from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Integer, UInt8

from .data_errors import DamagedDataError, DataNotFoundError
from .idx import read_idx
from .storage import read_arrays

__all__ = ["Part", "read_images"]

Part = Literal["train", "test"]

_IDX_PREFIXES: dict[str, str] = {"train": "train", "test": "t10k"}


def read_images(
    place: Path,
    shape: tuple[int, int, int],
    part: Part,
    *,
    training_share: Fraction,
) -> tuple[UInt8[np.ndarray, "n h w c"], Integer[np.ndarray, " n"]]:
    """Read the images of one part, and their labels, from idx files or arrays.

    ``place`` is a folder of idx files or of one ``.npz`` file, or that file, whose
    first ``training_share`` rows are the training images.
    """
    if place.is_dir() and any(place.glob("*[-.]idx*-ubyte*")):
        return _idx(place, shape, part)
    height, width, channels = shape
    pixels, labels = read_arrays(_npz(place), "pixels", "labels")
    cut = int(len(pixels) * training_share)
    rows = slice(cut) if part == "train" else slice(cut, None)
    # CIFAR-10 is published channel by channel.
    images = pixels[rows].reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    return images, labels[rows]


def _npz(place: Path) -> Path:
    if place.suffix == ".npz":
        return place
    files = sorted(place.glob("*.npz")) if place.is_dir() else []
    if len(files) != 1:
        raise DataNotFoundError(
            f"Expected the published idx files in {place}, or one file .npz as "
            f"`cgm-jax fetch` stores it; found {len(files)} of these."
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
