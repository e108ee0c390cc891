"""Real images with labels: MNIST, Fashion-MNIST and CIFAR-10.

An image is a row of height · width · channels numbers, in that order, from 0 to 1. The
files may be the idx files in which MNIST and Fashion-MNIST are published, or what
`fetch` got from OpenML, where the training images come first.
"""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .data_errors import DataNotFoundError
from .download import fetch
from .image_files import Part, read_images
from .labelled import LabelledImages
from .storage import locate

__all__ = ["cifar10", "fashion_mnist", "mnist"]


class _Kind(NamedTuple):
    name: str
    shape: tuple[int, int, int]
    training_share: Fraction
    """Share of OpenML's rows that are for training; they come first."""


_MNIST = _Kind("mnist", (28, 28, 1), Fraction(6, 7))
_FASHION_MNIST = _Kind("fashion-mnist", (28, 28, 1), Fraction(6, 7))
_CIFAR10 = _Kind("cifar10", (32, 32, 3), Fraction(5, 6))


def mnist(
    path: str | Path | None = None, *, part: Part = "train", download: bool = False
) -> LabelledImages:
    """Handwritten digits, 28 x 28 in grey, ten classes.

    Args:
        path: a folder with the four idx files under their published names, or a file
            ``.npz`` that `fetch` stored (OpenML's data set 554). By default the folder
            ``mnist`` in ``CGM_JAX_DATA``, else what was fetched before.
        part: "train" (60,000 images) or "test" (10,000).
        download: fetch it from OpenML where it is in none of these places.

    Returns:
        The images and their digits.

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
    return _load(_MNIST, path, part, download=download)


def fashion_mnist(
    path: str | Path | None = None, *, part: Part = "train", download: bool = False
) -> LabelledImages:
    """Pictures of clothes, 28 x 28 in grey, ten classes.

    Args:
        path: as in `mnist`; OpenML's data set is 40996, the folder ``fashion-mnist``.
        part: "train" (60,000 images) or "test" (10,000).
        download: fetch it from OpenML where it is in none of these places.

    Returns:
        The images and their labels.

    Raises:
        DataNotFoundError: if it is in none of these places.
        DamagedDataError: if a file is not what it should be.
        DownloadError: if it cannot be fetched.

    Example:
        >>> fashion_mnist("no/such/folder")
        Traceback (most recent call last):
        ...
        cgm_jax.datasets.data_errors.DataNotFoundError: Expected fashion-mnist at...

    Reference: Xiao, Rasul and Vollgraf, *Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms*, arXiv 1708.07747, 2017.
    """
    return _load(_FASHION_MNIST, path, part, download=download)


def cifar10(
    path: str | Path | None = None, *, part: Part = "train", download: bool = False
) -> LabelledImages:
    """Photographs of animals and vehicles, 32 x 32 in colour, ten classes.

    Args:
        path: a file ``.npz`` that `fetch` stored (OpenML's data set 40927), or a folder
            with it. By default the folder ``cifar10`` in ``CGM_JAX_DATA``, else what
            was fetched before.
        part: "train" (50,000 images) or "test" (10,000).
        download: fetch it from OpenML where it is in none of these places.

    Returns:
        The images and their labels.

    Raises:
        DataNotFoundError: if it is in none of these places.
        DamagedDataError: if a file is not what it should be.
        DownloadError: if it cannot be fetched.

    Example:
        >>> cifar10("no/such/folder")
        Traceback (most recent call last):
        ...
        cgm_jax.datasets.data_errors.DataNotFoundError: Expected cifar10 at...

    Reference: Krizhevsky, *Learning multiple layers of features from tiny images*,
    2009; Tay et al. 2022, App. I.4.
    """
    return _load(_CIFAR10, path, part, download=download)


def _load(
    kind: _Kind, path: str | Path | None, part: Part, *, download: bool
) -> LabelledImages:
    if part not in ("train", "test"):
        raise ValueError(f'Expected part "train" or "test", got {part!r}.')
    try:
        place = locate(kind.name, path, stand_in="digits")
    except DataNotFoundError:
        if not download or path is not None:
            raise
        place = fetch(kind.name)
    pixels, labels = read_images(
        place, kind.shape, part, training_share=kind.training_share
    )
    points = pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255)
    return LabelledImages(points, labels.astype(np.int64), kind.shape)
