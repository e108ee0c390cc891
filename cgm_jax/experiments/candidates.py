"""Candidates of an experiment: from a generator that is fitted to the pool, or a file.

A generator works on the points as they are stored ("raw": a table's numbers, an image's
pixels) or on those that are valued ("features"). An MMD-GAN draws raw points, which get
their features afterwards, as in the paper; density estimates of images are useless in
pixels and work on the features.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import jax
import numpy as np
from jaxtyping import Array, Float, Key, Num

from cgm_jax._shared.progress import Progress, silent
from cgm_jax.generators import GaussianMixture, KernelDensity

if TYPE_CHECKING:
    from cgm_jax.generators import MMDGANModel

__all__ = [
    "GeneratorName",
    "Synthetic",
    "SyntheticOptions",
    "draw_features",
    "draw_raw",
]

GeneratorName = Literal["gaussian-mixture", "kde", "mmd-gan"]


@dataclass(frozen=True, kw_only=True)
class SyntheticOptions:
    """Where candidates come from.

    Attributes:
        generator: which one, unless there is a file.
        file: synthetic points that something else drew, as they are stored.
        num_candidates: |G|, of a generator.
        num_steps: of an MMD-GAN's training.
        bandwidth: of the density estimate, in the units of the valued points.
        num_components: of a Gaussian mixture, twice the classes.
    """

    generator: GeneratorName
    file: Path | None = None
    num_candidates: int = 100_000
    num_steps: int = 6_000
    bandwidth: float = 0.05
    num_components: int = 10


@dataclass(frozen=True, eq=False)
class Synthetic:
    """Synthetic points and what people should know about them."""

    points: Float[np.ndarray, "g d"]

    note: str

    model: "MMDGANModel | None" = None
    """The generator, where it was trained."""


def draw_raw(
    key: Key[Array, ""],
    pool: Num[np.ndarray, "m d"],
    options: SyntheticOptions,
    *,
    shape: tuple[int, int, int] | None,
    progress: Progress | None = None,
) -> Synthetic | None:
    """Synthetic points as the pool's are stored, from a file or an MMD-GAN.

    Args:
        key: typed random key.
        pool: the parties' points together, shape ``(m, d)``.
        options: where they come from.
        shape: height, width and channels of an image, whose numbers are in 0..1.
        progress: called with what is under way and the share that is done.

    Returns:
        The points, float32; None if the generator is one that works on features.

    Raises:
        ValueError: if the file does not hold points of d numbers.
        OSError: if it cannot be read.
    """
    if options.file is not None:
        points = _read(options.file, pool.shape[1])
        return Synthetic(points, f"The candidates are those of {options.file.name}.")
    if options.generator != "mmd-gan":
        return None
    from cgm_jax.generators.mmd_gan.loop import training_stages
    from cgm_jax.generators.mmd_gan.mmd_gan import MMDGAN

    generator = MMDGAN(
        num_steps=options.num_steps,
        shape=shape,
        value_range=None if shape is None else (0.0, 1.0),
    )
    fit_key, sample_key = jax.random.split(key)
    stages = training_stages(progress or silent)
    model = generator.fit(fit_key, pool, progress=stages)
    points = np.asarray(generator.sample(sample_key, model, options.num_candidates))
    note = f"The candidates come from an MMD-GAN, {options.num_steps:,} steps."
    return Synthetic(points, note, model)


def draw_features(
    key: Key[Array, ""],
    pool: Float[np.ndarray, "m d"],
    options: SyntheticOptions,
) -> Synthetic:
    """Synthetic points of a density estimate of the valued ones.

    Args:
        key: typed random key.
        pool: the parties' valued points together, shape ``(m, d)``.
        options: "kde" or "gaussian-mixture".

    Returns:
        The points, float32.

    Raises:
        ModuleNotFoundError: if scikit-learn is not installed.

    Example:
        >>> pool = np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
        >>> options = SyntheticOptions(generator="kde", num_candidates=5)
        >>> draw_features(jax.random.key(0), pool, options).points.shape
        (5, 2)
    """
    if options.generator == "gaussian-mixture":
        mixture = fitted_mixture(pool, num_components=options.num_components)
        points = mixture.sample(key, mixture, options.num_candidates)
        note = (
            f"The candidates come from a mixture of {options.num_components} Gaussians "
            "fitted to the valued points."
        )
    else:
        density = KernelDensity(options.bandwidth)
        points = density.sample(key, density.fit(key, pool), options.num_candidates)
        note = (
            "The candidates come from a kernel density estimate of the valued points, "
            f"bandwidth {options.bandwidth:g}."
        )
    return Synthetic(np.asarray(points, np.float32), note)


def fitted_mixture(
    pool: Float[np.ndarray, "m d"], *, num_components: int
) -> GaussianMixture:
    """The likeliest Gaussian mixture, by scikit-learn's expectation maximisation."""
    from sklearn.mixture import GaussianMixture as Mixture

    fitted = Mixture(num_components, random_state=0).fit(np.asarray(pool, np.float64))
    return GaussianMixture(
        fitted.weights_, fitted.means_.astype(np.float32), fitted.covariances_
    )


def _read(path: Path, num_columns: int) -> Float[np.ndarray, "g d"]:
    """Points of an .npy file: rows of numbers, or images."""
    try:
        with open(path, "rb") as file:
            array = np.load(file, allow_pickle=False)
        points = np.asarray(array, np.float32).reshape(len(array), -1)
    except (ValueError, TypeError, EOFError) as error:
        raise ValueError(
            f"{path}: expected an .npy file of synthetic points, but {error}."
        ) from error
    if array.dtype == np.uint8:  # pixels as they are in most files
        points = points / np.float32(255)
    if points.shape[1] != num_columns or len(points) < 2:
        raise ValueError(
            f"{path}: expected at least two synthetic points of {num_columns} numbers "
            f"each, got {len(points)} of {points.shape[1]}."
        )
    if not np.isfinite(points).all():
        raise ValueError(f"{path}: expected finite numbers, got NaN or infinity.")
    return points
