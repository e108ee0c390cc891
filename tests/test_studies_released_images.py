"""Images from one release: its classes stay apart, and a classifier can learn them."""

import jax
import numpy as np
import pytest

from benchmarks.studies.released_images import (
    APART,
    CLASSES,
    image_features,
    line_of_images,
    measure_images,
    plain_image_row,
)
from cgm_jax.datasets.labelled import LabelledImages
from cgm_jax.privacy import release

SHAPE = 6, 6, 1


def small_images(num: int, seed: int) -> LabelledImages:
    """Each class is bright in a part of its own."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % CLASSES
    points = rng.uniform(0, 0.3, size=(num, 36))
    for i, label in enumerate(labels):
        points[i, 3 * label : 3 * label + 6] += 0.6
    return LabelledImages(points.astype(np.float32), labels, SHAPE)


@pytest.mark.medium
def test_a_release_has_the_mean_of_every_class_by_itself():
    images = small_images(200, 0)
    features = image_features(jax.random.key(0), 36, 40)
    labels = APART * np.eye(CLASSES)[images.labels]
    rows = np.concatenate([images.points, labels], axis=1)
    sent = release(jax.random.key(1), features, rows, epsilon=np.inf, delta=1e-5)
    assert features.others is not None
    waves = np.asarray(features.others(images.points))
    expected = [waves[images.labels == c].sum(axis=0) / 200 for c in range(CLASSES)]
    found = sent.embedding.reshape(-1, CLASSES).T
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.medium
def test_a_classifier_learns_from_images_of_a_release():
    training, test = small_images(5_000, 0), small_images(500, 1)
    rows = list(
        measure_images(training, test, num_waves=100, num_steps=200, num_made=500)
    )
    assert [row.epsilon for row in rows] == [1, 10, np.inf]
    assert rows[-1].linear > 0.8
    assert plain_image_row(rows[-1])["epsilon"] == "infinity"
    assert "linear" in line_of_images(rows[0])
