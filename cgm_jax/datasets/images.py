"""Real images with labels: MNIST, Fashion-MNIST and CIFAR-10.

An image is a row of height · width · channels numbers, in that order, from 0 to 1. The
files may be the idx files in which MNIST and Fashion-MNIST are published, or what
`fetch` got from OpenML, where the training images come first.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from .data_errors import DamagedDataError, DataNotFoundError
from .download import locate_or_fetch
from .idx import read_idx
from .labelled import LabelledImages
from .storage import read_arrays

__all__ = ["cifar10", "fashion_mnist", "mnist"]

ImagePart = Literal["train", "test"]

_IDX_PREFIXES: dict[str, str] = {"train": "train", "test": "t10k"}


_SHAPES = {"mnist": (28, 28, 1), "fashion-mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
_NUM_PARTS = {"mnist": 7, "fashion-mnist": 7, "cifar10": 6}  # the last one is to test


def mnist(
    path: str | Path | None = None, *, part: ImagePart = "train", download: bool = False
) -> LabelledImages:
    """Handwritten digits, 28 x 28 in grey, ten classes.

    Args:
        path: a folder with the four idx files under their published names, or a file
            ``.npz`` that `fetch` stored (OpenML's data set 554). By default the folder
            ``mnist`` in ``CGM_JAX_DATA``, else what was fetched before.
        part: "train" (60,000 images) or "test" (10,000).
        download: fetch it from OpenML where it is in none of these places.

    Raises:
        DataNotFoundError: if it is in none of these places.
        DamagedDataError: if a file is not what it should be.
        DownloadError: if it cannot be fetched.

    Example:
        >>> mnist("no/such/folder")
        Traceback (most recent call last):
        ...
        cgm_jax.datasets.data_errors.DataNotFoundError: Expected mnist at...

    Reference: LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to
    document recognition*, 1998; Tay et al. 2022, App. I.3.
    """
    return _load("mnist", path, part, download=download)


def fashion_mnist(
    path: str | Path | None = None, *, part: ImagePart = "train", download: bool = False
) -> LabelledImages:
    """Pictures of clothes, 28 x 28 in grey, ten classes.

    Args:
        path: as in `mnist`; OpenML's data set is 40996, the folder ``fashion-mnist``.
        part: as in `mnist`, and so are the errors.
        download: as in `mnist`.

    Returns:
        60,000 images and their labels, or 10,000.

    Example:
        >>> fashion_mnist("no/such/folder")
        Traceback (most recent call last):
        ...
        cgm_jax.datasets.data_errors.DataNotFoundError: Expected fashion-mnist at...

    Reference: Xiao, Rasul and Vollgraf, *Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms*, arXiv 1708.07747, 2017.
    """
    return _load("fashion-mnist", path, part, download=download)


def cifar10(
    path: str | Path | None = None, *, part: ImagePart = "train", download: bool = False
) -> LabelledImages:
    """Photographs of animals and vehicles, 32 x 32 in colour, ten classes.

    Args:
        path: as in `mnist`, but no idx files: OpenML's data set is 40927, the folder
            ``cifar10``.
        part: "train" (50,000 images) or "test" (10,000); the errors are as in `mnist`.
        download: as in `mnist`.

    Example:
        >>> cifar10("no/such/folder")
        Traceback (most recent call last):
        ...
        cgm_jax.datasets.data_errors.DataNotFoundError: Expected cifar10 at...

    Reference: Krizhevsky, *Learning multiple layers of features from tiny images*,
    2009; Tay et al. 2022, App. I.4.
    """
    return _load("cifar10", path, part, download=download)


def _load(
    name: str, path: str | Path | None, part: ImagePart, *, download: bool
) -> LabelledImages:
    if part not in ("train", "test"):
        raise ValueError(f'Expected part "train" or "test", got {part!r}.')
    place = locate_or_fetch(name, path, stand_in="digits", download=download)
    height, width, channels = shape = _SHAPES[name]
    if place.is_dir() and any(place.glob("*[-.]idx*-ubyte*")):
        pixels, labels = _from_idx(place, shape, part)
    else:
        pixels, labels = read_arrays(_npz(place), "pixels", "labels")
        cut = len(pixels) * (_NUM_PARTS[name] - 1) // _NUM_PARTS[name]
        rows = slice(cut) if part == "train" else slice(cut, None)
        # CIFAR-10 is published channel by channel.
        pixels = pixels[rows].reshape(-1, channels, height, width)
        pixels, labels = pixels.transpose(0, 2, 3, 1), labels[rows]
    points = pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255)
    return LabelledImages(points, labels.astype(np.int64), shape)


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


def _from_idx(
    folder: Path, shape: tuple[int, int, int], part: ImagePart
) -> tuple[np.ndarray, np.ndarray]:
    prefix = _IDX_PREFIXES[part]
    image_file = _idx_file(folder, f"{prefix}-images-idx3-ubyte")
    label_file = _idx_file(folder, f"{prefix}-labels-idx1-ubyte")
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


def _idx_file(folder: Path, name: str) -> Path:
    # Both "-idx3" and ".idx3" are in use.
    dotted = ".idx".join(name.rsplit("-idx", 1))
    for file in (folder / f"{n}{end}" for n in (name, dotted) for end in (".gz", "")):
        if file.is_file():
            return file
    raise DataNotFoundError(
        f"Expected {name}.gz in {folder}, compressed or not; found none."
    )
