"""Features that somebody else has computed, such as Inception's pool3 (App. I.4)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import as_points
from cgm_jax._shared.checks import as_path

__all__ = ["read_features"]


def read_features(path: str | Path, *, num_points: int) -> Float[np.ndarray, "n f"]:
    """Read features of images from an array file.

    Args:
        path: a ``.npy`` file, one row an image in the order of the images.
        num_points: how many images there are.

    Returns:
        The features: float64 where the file holds that, else float32.

    Raises:
        ValueError: if the file is damaged, or not of finite rows, one an image.
        TypeError: if it does not hold real numbers.
        OSError: if it cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "pool3.npy")
        >>> np.save(path, np.ones((3, 2_048), np.float32))
        >>> read_features(path, num_points=3).shape
        (3, 2048)
    """
    path = as_path(path)
    try:
        # Opened here: where the file is damaged, NumPy leaves it open.
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{path}: expected an array of numbers that numpy.save wrote, found "
            "something else or a damaged one; write it again."
        ) from error
    if not isinstance(array, np.ndarray) or array.shape[:1] != (num_points,):
        found = getattr(array, "shape", "an archive of arrays")
        raise ValueError(
            f"{path}: expected one row for each of the {num_points} images, in their "
            f"order; found {found}."
        )
    return np.asarray(as_points(array, str(path)))
