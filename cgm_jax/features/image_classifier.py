"""A small convolutional classifier of images: labels for synthetic ones, and features.

Two convolutions that halve the side and a linear layer make the features (the
penultimate layer), one more linear layer the scores of the classes:

    f(x) = silu(network(x)),   label(x) = argmax_c  w_c · f(x) + b_c

It is trained by cross-entropy on the pooled real images, less a tenth of them on which
its accuracy is measured. Everything is computed in float32.
"""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int, Key, Num, PyTree, Shaped

from cgm_jax._shared.arrays import ArrayLike, as_points
from cgm_jax._shared.precision import at_once, compiled
from cgm_jax.generators.mmd_gan.networks import ImageCritic, ImageShape

__all__ = ["ImageClassifier", "ImageClassifierModel"]

HELD_OUT = 0.1
BATCH_SIZE = 128
LEARNING_RATE = 2e-3  # falls linearly to 0
WEIGHT_DECAY = 1e-2
BLOCK_SIZE = 512  # images evaluated at once: 28 x 28 takes 50 MB of patches


@dataclass(frozen=True, kw_only=True)
class ImageClassifier:
    """Convolutional classifier; the defaults suit a minute on two cores.

    Args:
        num_steps: training steps of 128 images, at least 1.
        channels: channels of the first convolution; the second has twice as many.
        feature_size: number of features, the size of the penultimate layer.

    Raises:
        ValueError: if a number is below 1.

    Example:
        >>> key, classifier = jax.random.key(0), ImageClassifier(num_steps=30)
        >>> images = np.repeat(np.float32([[0.0] * 16, [1.0] * 16]), 20, axis=0)
        >>> names = np.repeat(["dark", "bright"], 20)
        >>> model = classifier.fit(key, images, names, shape=(4, 4, 1))
        >>> model.labels(images[19:21])
        array(['dark', 'bright'], dtype='<U6')
        >>> model.accuracy, model.features(images).shape
        (1.0, (40, 64))
    """

    num_steps: int = 2_000
    channels: int = 16
    feature_size: int = 64

    def __post_init__(self) -> None:
        for name, number in vars(self).items():
            if number < 1:
                raise ValueError(f"Expected {name} of at least 1, got {number}.")

    def fit(
        self,
        key: Key[Array, ""],
        images: Num[ArrayLike, "m d"],
        labels: Shaped[ArrayLike, " m"],
        *,
        shape: ImageShape,
    ) -> "ImageClassifierModel":
        """Train on real images.

        Args:
            key: typed random key: held-out images, initial weights and batches.
            images: at least two, finite, one row an image: its numbers by height, width
                and channel, in any range.
            labels: the class of every image, numbers or text.
            shape: height, width and channels of an image.

        Returns:
            The trained network and its accuracy on the tenth that was held out.

        Raises:
            ValueError: if lengths differ or rows are not images of that shape.
            TypeError: if the images are not real numbers.
        """
        points, labels = _images(images, "images", shape), np.asarray(labels)
        if labels.shape != points.shape[:1]:
            raise ValueError(
                f"Expected one label for each of the {len(points)} images, got labels "
                f"of shape {labels.shape}."
            )
        if len(points) < 2:
            raise ValueError(
                f"Expected at least 2 images, one to train on and one to hold out; got "
                f"{len(points)}."
            )
        order_key, network_key, batch_key = jax.random.split(key, 3)
        classes, targets = np.unique(labels, return_inverse=True)
        order = np.asarray(jax.random.permutation(order_key, len(points)))
        num_held_out = max(1, round(HELD_OUT * len(points)))
        held_out, rest = order[:num_held_out], order[num_held_out:]
        known = points[rest]
        shift, scale = float(known.mean()), float(known.std()) or 1.0

        with at_once(x64=False):
            rngs, size = nnx.Rngs(network_key), self.feature_size
            body = ImageCritic(
                shape, channels=self.channels, feature_size=size, rngs=rngs
            )
            head = nnx.Linear(size, len(classes), rngs=rngs)
            graph, weights = nnx.split(_Network(body, head))
            weights = _train(
                batch_key,
                graph,
                weights,
                jnp.asarray((known - shift) / scale),
                jnp.asarray(targets[rest], jnp.int32),
                num_steps=self.num_steps,
            )
        model = ImageClassifierModel(
            np.nan, classes, shape, shift, scale, graph, weights
        )
        hits = model.labels(points[held_out]) == labels[held_out]
        return replace(model, accuracy=float(hits.mean()))


@dataclass(frozen=True, eq=False)
class ImageClassifierModel:
    """A trained classifier.

    Attributes:
        accuracy: share of held-out real images that get their own label.
        classes: the labels it knows, sorted.
        shape: height, width and channels of an image.
        shift, scale: what the network sees as 0, and how far above that as 1.
    """

    accuracy: float
    classes: Shaped[np.ndarray, " classes"]
    shape: ImageShape
    shift: float
    scale: float
    graph: Any
    weights: PyTree[Array]

    def features(self, points: Num[ArrayLike, "n d"]) -> Float[np.ndarray, "n f"]:
        """Penultimate layer, float32, of images that are rows like the trained ones."""
        return self._by_blocks(points)[0]

    def labels(self, points: Num[ArrayLike, "n d"]) -> Shaped[np.ndarray, " n"]:
        """The likeliest class of each image."""
        return self.classes[self._by_blocks(points)[1]]

    def _by_blocks(self, points: Num[ArrayLike, "n d"]) -> tuple[np.ndarray, ...]:
        """Features and likeliest classes."""
        images = _images(points, "points", self.shape)
        num = len(images)
        results = []
        with at_once(x64=False):
            for start in range(0, num, BLOCK_SIZE):
                block = (images[start : start + BLOCK_SIZE] - self.shift) / self.scale
                # The last block is filled up: one shape, compiled once.
                block = np.pad(block, ((0, BLOCK_SIZE - len(block)), (0, 0)))
                outputs = _outputs(self.graph, self.weights, block)
                results.append([np.asarray(output) for output in outputs])
        blocks = zip(*results, strict=True)
        return tuple(np.concatenate(of_blocks)[:num] for of_blocks in blocks)


class _Network(nnx.Module):
    def __init__(self, body: ImageCritic, head: nnx.Linear):
        self.body, self.head = body, head

    def features(self, points: Float[Array, "n d"]) -> Float[Array, "n f"]:
        return jax.nn.silu(self.body(points))

    def __call__(self, points: Float[Array, "n d"]) -> Float[Array, "n classes"]:
        return self.head(self.features(points))


@compiled(static_argnames=("graph", "num_steps"))
def _train(
    key: Key[Array, ""],
    graph: nnx.GraphDef,
    weights: PyTree[Array],
    points: Float[Array, "n d"],
    targets: Int[Array, " n"],
    *,
    num_steps: int,
) -> PyTree[Array]:
    adam = optax.adamw(
        optax.linear_schedule(LEARNING_RATE, 0.0, num_steps), weight_decay=WEIGHT_DECAY
    )

    def step(t: Int[Array, ""], carry: tuple[PyTree, Any]) -> tuple[PyTree, Any]:
        weights, state = carry
        step_key = jax.random.fold_in(key, t)
        rows = jax.random.randint(step_key, (BATCH_SIZE,), 0, len(points), jnp.int32)

        def loss(weights: PyTree[Array]) -> Float[Array, ""]:
            scores = nnx.merge(graph, weights)(points[rows])
            return optax.softmax_cross_entropy_with_integer_labels(
                scores, targets[rows]
            ).mean()

        updates, state = adam.update(jax.grad(loss)(weights), state, weights)
        return optax.apply_updates(weights, updates), state

    return jax.lax.fori_loop(0, num_steps, step, (weights, adam.init(weights)))[0]


@compiled(static_argnames="graph")
def _outputs(
    graph: nnx.GraphDef, weights: PyTree[Array], points: Float[ArrayLike, "n d"]
) -> tuple[Float[Array, "n f"], Int[Array, " n"]]:
    network = nnx.merge(graph, weights)
    features = network.features(points)
    return features, jnp.argmax(network.head(features), axis=1)


def _images(
    points: Num[ArrayLike, "n d"], name: str, shape: ImageShape
) -> Float[np.ndarray, "n d"]:
    """Images of a shape as float32 rows."""
    rows = np.asarray(as_points(points, name), np.float32)
    height, width, channels = shape
    if rows.shape[1] != height * width * channels:
        raise ValueError(
            f"Expected images of {height} x {width} x {channels} = "
            f"{height * width * channels} numbers, got rows of {rows.shape[1]}."
        )
    return rows
