r"""Images with labels from one release of the pool, and what they teach a classifier.

The features are random waves of the pixels times an indicator of the class: nothing was
learned, neither from these images nor from others. With μ̃_c the released mean of class
c, times the share of the class, a network G makes images of noise and a class, and
learns

.. math:: \min_\theta \sum_c \Bigl\| \tfrac1{10} \mathbb{E}_z\,
          \varphi(G_\theta(z, c)) - \tilde\mu_c \Bigr\|^2.

A classifier learns images of the network alone and is tested on real ones.

    python -m benchmarks.studies released-images

Reference: Harder, Adamczewski & Park, DP-MERF, AISTATS 2021, who release the same with
more waves, train a convolutional generator for longer, and report the mean accuracy of
several kinds of classifiers.
"""

import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int

from cgm_jax.datasets.labelled import LabelledImages
from cgm_jax.embeddings import category_features, random_fourier_features
from cgm_jax.embeddings.categories import CategoryFeatures
from cgm_jax.generators.mmd_gan.networks import Perceptron
from cgm_jax.kernels import SquaredExponential
from cgm_jax.privacy import Release, release

__all__ = [
    "NUM_STEPS",
    "NUM_WAVES",
    "ImageRow",
    "image_features",
    "line_of_images",
    "measure_images",
    "plain_image_row",
    "real_image_row",
    "train_on_release",
]

DELTA = 1e-5
EPSILONS = 1.0, 10.0, np.inf
CLASSES = 10
LATENT = 16
LENGTH_SCALE = 10.0  # about the distance of two images of 784 pixels in 0..1
NUM_WAVES = 400
NUM_STEPS = 300
NUM_MADE = 10_000  # images that a classifier learns
APART = 20.0  # the height of a label: e^-400 is the kernel of two classes


@dataclass(frozen=True)
class ImageRow:
    """Shares of real test images that are classified rightly."""

    epsilon: float
    linear: float
    network: float


def image_features(key: jax.Array, num_pixels: int, num_waves: int) -> CategoryFeatures:
    """Waves of the pixels, one block of them for each class."""
    scales = np.append(np.full(num_pixels, LENGTH_SCALE), np.ones(CLASSES))
    pixels = random_fourier_features(
        key, SquaredExponential(scales[:num_pixels]), num_pixels, num_waves
    )
    block = tuple(range(num_pixels, num_pixels + CLASSES))
    return category_features(
        SquaredExponential(scales),
        [block],
        np.array([APART]),
        pixels,
        max_features=num_waves * CLASSES,
    )


def measure_images(
    training: LabelledImages,
    test: LabelledImages,
    *,
    num_waves: int = NUM_WAVES,
    num_steps: int = NUM_STEPS,
    num_made: int = NUM_MADE,
) -> Iterator[ImageRow]:
    """Accuracies of classifiers that learned images of a release, at every ε."""
    features_key, noise_key, network_key, made_key = jax.random.split(
        jax.random.key(0), 4
    )
    features = image_features(features_key, training.points.shape[1], num_waves)
    labels = APART * np.eye(CLASSES, dtype=np.float32)[training.labels]
    rows = np.concatenate([training.points, labels], axis=1)
    made_labels = np.arange(num_made) % CLASSES
    for epsilon in EPSILONS:
        sent = release(noise_key, features, rows, epsilon=epsilon, delta=DELTA)
        sent.verify(features)
        make = train_on_release(network_key, features, sent, num_steps=num_steps)
        made = np.asarray(make(made_key, made_labels))
        yield ImageRow(epsilon, *_accuracies(made, made_labels, test))


def real_image_row(
    training: LabelledImages, test: LabelledImages, *, num_made: int = NUM_MADE
) -> ImageRow:
    """The same of as many real images."""
    points, labels = training.points[:num_made], training.labels[:num_made]
    return ImageRow(np.inf, *_accuracies(points, labels, test))


def train_on_release(
    key: jax.Array,
    features: CategoryFeatures,
    sent: Release,
    *,
    num_steps: int,
    batch_size: int = 500,
) -> Any:
    """What makes images of a key and labels, learned from a release alone."""
    # Of each class the mean features, times its share of the rows.
    target = jnp.asarray(sent.embedding.reshape(-1, CLASSES), jnp.float32)
    waves, pixels = features.others, features.num_dimensions - CLASSES
    assert waves is not None
    network_key, steps_key = jax.random.split(key)
    sizes = LATENT + CLASSES, 256, 256, pixels
    network = Perceptron(sizes, squash=True, rngs=nnx.Rngs(network_key))
    graph, parameters = nnx.split(network)
    optimizer = optax.adam(optax.cosine_decay_schedule(2e-3, num_steps))
    labels = jnp.arange(batch_size) % CLASSES
    is_class = jax.nn.one_hot(labels, CLASSES)

    def images(
        parameters: Any, one: Array, of: Int[Array, " n"]
    ) -> Float[Array, "n d"]:
        noise = jax.random.normal(one, (len(of), LATENT), jnp.float32)
        inputs = jnp.concatenate([noise, jax.nn.one_hot(of, CLASSES)], axis=1)
        return nnx.merge(graph, parameters)(inputs)

    def loss_of(parameters: Any, one: Array) -> Float[Array, ""]:
        made = waves.embed(images(parameters, one, labels))
        means = made.T @ is_class / batch_size
        return jnp.sum((means - target) ** 2)

    @jax.jit
    def step(parameters: Any, state: Any, one: Array) -> tuple[Any, Any]:
        gradient = jax.grad(loss_of)(parameters, one)
        update, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, update), state

    state = optimizer.init(parameters)
    for one in jax.random.split(steps_key, num_steps):
        parameters, state = step(parameters, state, one)
    return lambda key, of: images(parameters, key, jnp.asarray(of))


def line_of_images(row: ImageRow) -> str:
    """A row for the screen."""
    return f"ε = {row.epsilon:<4g} linear {row.linear:.1%}  network {row.network:.1%}"


def plain_image_row(row: ImageRow) -> dict[str, Any]:
    """A row in what JSON can hold."""
    numbers = asdict(row)
    return numbers | ({"epsilon": "infinity"} if np.isinf(row.epsilon) else {})


def _accuracies(
    points: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], test: Any
) -> tuple[float, float]:
    """What a logistic regression and a small network learn from real images."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifiers = (
        LogisticRegression(max_iter=200, C=0.01, tol=1e-2),
        MLPClassifier((100,), max_iter=10, random_state=0, early_stopping=True),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # few steps are enough
        scores = [
            make_pipeline(StandardScaler(), each).fit(points, labels)
            for each in classifiers
        ]
    linear, network = (float(each.score(test.points, test.labels)) for each in scores)
    return linear, network
