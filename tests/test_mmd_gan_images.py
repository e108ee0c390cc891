"""The MMD-GAN on real photographs: Fashion-MNIST, where its files are at hand."""

from pathlib import Path

import jax
import numpy as np
import pytest
from sklearn.decomposition import PCA

from cgm_jax.datasets import fashion_mnist
from cgm_jax.features import ImageClassifier
from cgm_jax.generators import MMDGAN
from cgm_jax.gram import median_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import mmd2_unbiased

DATA = Path(__file__).parents[2] / "shared" / "data" / "fashion-mnist"
NUM_STEPS = 500  # a sixteenth of what `cgm-jax reproduce fashion-mnist` takes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the Fashion-MNIST files"),
]


@pytest.fixture(scope="module")
def pool():
    images = fashion_mnist(DATA)
    return images.points[:25_000], images.labels[:25_000]


@pytest.fixture(scope="module")
def classifier(pool):
    return ImageClassifier().fit(jax.random.key(0), *pool, shape=(28, 28, 1))


@pytest.fixture(scope="module")
def samples(pool):
    generator = MMDGAN(shape=(28, 28, 1), value_range=(0, 1), num_steps=NUM_STEPS)
    model = generator.fit(jax.random.key(0), pool[0])
    return np.asarray(generator.sample(jax.random.key(1), model, 10_000)), model.quality


@pytest.fixture(scope="module")
def gaussian(pool):
    pca = PCA(100, random_state=0).fit(pool[0])
    normal = np.random.default_rng(0).normal(size=(10_000, 100))
    images = pca.inverse_transform(normal * np.sqrt(pca.explained_variance_)[None])
    return np.clip(images, 0, 1).astype(np.float32)


def test_the_classifier_knows_clothes(classifier):
    assert classifier.accuracy >= 0.85


def test_all_ten_classes_are_drawn(classifier, samples):
    shares = np.bincount(classifier.labels(samples[0]), minlength=10) / 10_000
    assert shares.min() > 0.02


def test_nearer_to_real_clothes_than_a_gaussian(classifier, samples, gaussian):
    """In features that tell classes apart, not in pixels, where blur is cheap."""
    real = classifier.features(fashion_mnist(DATA, part="test").points)
    kernel = SquaredExponential(median_length_scale(real))
    ours, theirs = (
        float(mmd2_unbiased(kernel, classifier.features(images), real))
        for images in (samples[0], gaussian)
    )
    assert ours < theirs / 2


def test_no_copies(samples):
    assert samples[1].nearest_share < samples[1].kernel_density_nearest_share
    assert samples[1].nearest_share < 0.55
