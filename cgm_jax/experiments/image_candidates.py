"""Eight features of an experiment's images, and candidates with features and classes.

    pool ─ classifier ──────────────┐
      ├─── UMAP ──┐                 │
      └─── MMD-GAN ─ new images ─ features, classes

A density estimate draws the features themselves, and no images (App. I.3 and I.4).
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.progress import Progress, silent
from cgm_jax.datasets import LabelledImages

from .candidates import (
    LabelledCandidates,
    SyntheticOptions,
    feature_source,
    label_by_forest,
    raw_source,
)

__all__ = ["NUM_FEATURES", "ImageFeatures", "SuppliedFeatures", "image_candidates"]

ImageFeatures = Callable[[np.ndarray], np.ndarray]
"""From images as rows, shape ``(n, h * w * c)``, to what UMAP reduces, ``(n, f)``."""

NUM_FEATURES = 8


class SuppliedFeatures(NamedTuple):
    """Files of what UMAP reduces instead of pixels, such as Inception's pool3.

    Both are ``.npy`` files, with a row per image of the data set, or per synthetic one.
    """

    real: Path
    synthetic: Path


def image_candidates(
    key: Key[Array, ""],
    data: LabelledImages,
    rows: Int[np.ndarray, " m"],
    options: SyntheticOptions,
    *,
    features: ImageFeatures | SuppliedFeatures | None = None,
    seed: int,
    progress: Progress = silent,
) -> tuple[Float[np.ndarray, "m f"], Callable[[int], LabelledCandidates]]:
    """Features of the pool's images, and candidates like them in any number."""
    from cgm_jax.features import ImageClassifier, read_features, umap_features

    pool, labels = data.points[rows], data.labels[rows]
    classifier_key, raw_key, feature_key = jax.random.split(key, 3)
    progress("training the classifier", 0.0)
    classifier = ImageClassifier().fit(classifier_key, pool, labels, shape=data.shape)
    progress("UMAP of the pool", 0.0)
    if features is None:
        features = classifier.features if data.shape[2] == 3 else lambda images: images
    if isinstance(features, SuppliedFeatures):
        reduced = read_features(features.real, num_points=len(data.points))[rows]
    else:
        reduced = features(pool)
    umap = umap_features(reduced, num_coordinates=NUM_FEATURES, seed=seed)
    source = raw_source(raw_key, pool, options, shape=data.shape, progress=progress)
    if source is None:
        density = feature_source(feature_key, umap.pool, options)
        return umap.pool, lambda num: label_by_forest(umap.pool, labels, density, num)

    def draw(num: int) -> LabelledCandidates:
        images = source.draw(num)
        progress("UMAP of the candidates", 0.0)
        if isinstance(features, SuppliedFeatures):
            reduced = read_features(features.synthetic, num_points=len(images))
        else:
            reduced = features(images)
        note = (
            f"{source.note} Their classes are told by a convolutional classifier, "
            f"which is right for {classifier.accuracy:.1%} of held-out real images."
        )
        return LabelledCandidates(
            umap(reduced), classifier.labels(images), note, source.model, images
        )

    return umap.pool, draw
