"""Candidates of an experiment: from a generator that is fitted to the pool, or a file.

A generator works on the points as they are stored ("raw": a table's numbers, an image's
pixels) or on those that are valued ("features"). An MMD-GAN draws raw points, which get
their features afterwards, as in the paper; density estimates of images are useless in
pixels and work on the features. A random forest tells the classes of table rows.

Reference: Tay et al. 2022, App. I.1 and I.2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from cgm_jax._shared.progress import Progress, silent
from cgm_jax.features.labels import label_points
from cgm_jax.generators import GaussianMixture, Generator, KernelDensity

if TYPE_CHECKING:
    from cgm_jax.generators import MMDGANModel

PaperGenerator = Literal["gaussian-mixture", "kde", "mmd-gan"]


@dataclass(frozen=True, kw_only=True)
class SyntheticOptions:
    """Where candidates come from: a generator, or a file of points as stored."""

    generator: PaperGenerator
    file: Path | None = None
    num_candidates: int = 100_000  # at first
    num_steps: int = 6_000  # of an MMD-GAN
    bandwidth: float = 0.05  # of a density estimate, in the units of the valued points
    num_components: int = 10  # of a Gaussian mixture


@dataclass(frozen=True, eq=False)
class SyntheticSource:
    """Synthetic points in any number, and what people should know about them."""

    draw: Callable[[int], Float[np.ndarray, "g d"]]  # more begin with fewer
    note: str
    model: "MMDGANModel | None" = None  # where a generator was trained


@dataclass(frozen=True, eq=False)
class LabelledCandidates:
    """Synthetic points that are valued, their classes, and where both come from."""

    points: Float[np.ndarray, "g d"]
    labels: Int[np.ndarray, " g"]
    note: str
    model: "MMDGANModel | None" = None
    images: Float[np.ndarray, "g pixels"] | None = None  # whose features the points are


def table_candidates(
    key: Key[Array, ""],
    pool: Float[np.ndarray, "m d"],
    labels: Int[np.ndarray, " m"],
    options: SyntheticOptions,
    *,
    progress: Progress = silent,
) -> Callable[[int], LabelledCandidates]:
    """Synthetic points like those of the pool, and their classes, in any number."""
    raw_key, feature_key = jax.random.split(key)
    trained = raw_source(raw_key, pool, options, shape=None, progress=progress)
    source = trained or feature_source(feature_key, pool, options)
    return lambda num: label_by_forest(pool, labels, source, num)


def label_by_forest(
    pool: Float[np.ndarray, "m d"],
    labels: Int[np.ndarray, " m"],
    source: SyntheticSource,
    num: int,
) -> LabelledCandidates:
    """Candidates with the classes that a random forest of the pool tells them."""
    points = source.draw(num)
    predicted = label_points(pool, labels, points, seed=0)
    note = (
        f"{source.note} Their classes are told by a random forest, which is right for "
        f"{predicted.accuracy:.1%} of held-out real points."
    )
    return LabelledCandidates(points, predicted.labels, note, source.model)


def raw_source(
    key: Key[Array, ""],
    pool: Num[np.ndarray, "m d"],
    options: SyntheticOptions,
    *,
    shape: tuple[int, int, int] | None,
    progress: Progress = silent,
) -> SyntheticSource | None:
    """Points as the pool's are stored, from a file or an MMD-GAN; None for features.

    ``shape`` is the height, width and channels of images, whose numbers are in 0..1.
    """
    if options.file is not None:
        points = _read(options.file, pool.shape[1])
        note = f"The candidates are those of {options.file.name}."
        return SyntheticSource(lambda num: points, note)
    if options.generator != "mmd-gan":
        return None
    from cgm_jax.generators.mmd_gan import MMDGAN
    from cgm_jax.generators.mmd_gan.loop import training_stages

    value_range = None if shape is None else (0.0, 1.0)
    generator = MMDGAN(
        num_steps=options.num_steps, shape=shape, value_range=value_range
    )
    fit_key, sample_key = jax.random.split(key)
    model = generator.fit(fit_key, pool, progress=training_stages(progress))
    return SyntheticSource(
        lambda num: np.asarray(generator.sample(sample_key, model, num)),
        f"The candidates come from an MMD-GAN, {options.num_steps:,} steps.",
        model,
    )


def feature_source(
    key: Key[Array, ""], pool: Float[np.ndarray, "m d"], options: SyntheticOptions
) -> SyntheticSource:
    """Synthetic points of a density estimate of the valued ones."""
    generator: Generator
    if options.generator == "gaussian-mixture":
        generator = fitted_mixture(pool, num_components=options.num_components)
        kind = f"mixture of {options.num_components} Gaussians fitted to"
        width = ""
    else:
        generator = KernelDensity(options.bandwidth)
        kind, width = "kernel density estimate of", f", bandwidth {options.bandwidth:g}"
    fit_key, sample_key = jax.random.split(key)
    model: Any = generator.fit(fit_key, pool)
    return SyntheticSource(
        lambda num: np.asarray(generator.sample(sample_key, model, num), np.float32),
        f"The candidates come from a {kind} the valued points{width}.",
    )


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
            f"{path}: expected an .npy file of synthetic points, found something else "
            "or a damaged one; write it with numpy.save."
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
