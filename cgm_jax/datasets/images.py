"""Real images with labels: Fashion-MNIST.

An image is a row of height · width · channels numbers, in that order, from 0 to 1.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from .errors import DamagedDataError, DataNotFoundError
from .idx import read_idx

__all__ = ["LabelledImages", "Part", "fashion_mnist"]

Part = Literal["train", "test"]

_PREFIXES: dict[str, str] = {"train": "train", "test": "t10k"}


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images as rows, and the class of each."""

    points: Float[np.ndarray, "n d"]
    """float32 in 0..1, one row an image."""

    labels: Int[np.ndarray, " n"]
    """int64, from 0."""

    shape: tuple[int, int, int]
    """Height, width and channels of an image."""


def fashion_mnist(path: str | Path, *, part: Part = "train") -> LabelledImages:
    """Pictures of clothes, 28 x 28 in grey, ten classes.

    Args:
        path: folder with the four idx files under their published names, such as
            ``train-images-idx3-ubyte.gz``, compressed or not.
        part: "train" (60,000 images) or "test" (10,000).

    Returns:
        The images and their labels.

    Raises:
        DataNotFoundError: if the files are not there.
        DamagedDataError: if a file is not what it should be.

    Example:
        >>> fashion_mnist("no/such/folder")
        Traceback (most recent call last):
        ...
        cgm_jax.datasets.errors.DataNotFoundError: ...

    Reference: Xiao, Rasul and Vollgraf, *Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms*, arXiv 1708.07747, 2017.
    """
    return _idx_images(Path(path), part)


def _idx_images(folder: Path, part: Part) -> LabelledImages:
    if part not in _PREFIXES:
        raise ValueError(f'Expected part "train" or "test", got {part!r}.')
    prefix = _PREFIXES[part]
    image_file = _idx_file(folder, f"{prefix}-images", "idx3-ubyte")
    label_file = _idx_file(folder, f"{prefix}-labels", "idx1-ubyte")
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.ndim != 3:
        raise DamagedDataError(
            image_file,
            "expected images, three dimensions, found "
            f"{images.ndim}; check that the files are not mixed up",
        )
    if labels.shape != images.shape[:1]:
        raise DamagedDataError(
            label_file,
            f"expected one label for each of the {len(images)} images of {image_file}, "
            f"found shape {labels.shape}; check that the files are not mixed up",
        )
    points = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    return LabelledImages(points, labels.astype(np.int64), (*images.shape[1:], 1))


def _idx_file(folder: Path, name: str, kind: str) -> Path:
    names = [f"{name}{mark}{kind}{end}" for end in (".gz", "") for mark in "-."]
    for each in names:
        if (folder / each).is_file():
            return folder / each
    raise DataNotFoundError(
        f"Expected {names[0]} (or {', '.join(names[1:])}) in {folder}; found none. "
        "Name the folder that holds the four idx files."
    )
