"""Training an MMD-GAN, and the convolution that its networks for images are made of."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from cgm_jax.datasets import credit_ratings
from cgm_jax.generators import MMDGAN
from cgm_jax.generators.mmd_gan_training import TrainingState, start_training, train
from cgm_jax.generators.networks import Convolution

from .rows import Baseline, Row, relative_error
from .timing import measure, seconds_of

__all__ = ["convolutions", "forward_and_back", "library_convolutions", "rows"]

_SHAPES = ((8, 8, 1), (28, 28, 1), (32, 32, 3))
_STEPS = (100, 20, 20)  # of each shape in one call
_NUM_IMAGES = 256
_SIZE, _STRIDE = 5, 2  # of the critic's convolutions


def rows(*, small: bool) -> Iterator[Row]:
    """Training steps for a table and three sizes of images, and their convolutions.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        One row after the other.
    """
    data = credit_ratings("equal-disjoint", num_candidates=1)
    pool = np.concatenate(data.parties)
    table = (pool - pool.mean(axis=0)[None]) / pool.std(axis=0)[None]
    options = MMDGAN(width=8, batch_size=8) if small else MMDGAN()
    yield _training_row(options, table, 3 if small else 500)
    batch, channels = (4, 2) if small else (64, 16)
    shapes = _SHAPES[:1] if small else _SHAPES
    for shape, num_steps in zip(shapes, _STEPS, strict=False):
        options = MMDGAN(
            shape=shape, value_range=(0, 1), channels=channels, batch_size=batch
        )
        size = (_NUM_IMAGES, int(np.prod(shape)))
        images = np.random.default_rng(0).uniform(size=size)
        yield _training_row(options, images, 3 if small else num_steps)
    for shape in shapes:
        yield _convolutions_row(shape, batch=batch, channels=channels)


def convolutions(rngs: nnx.Rngs, num_in: int, channels: int) -> nnx.List:
    """The two convolutions of the critic, as the package writes them."""
    pairs = ((num_in, channels), (channels, 2 * channels))
    return nnx.List(
        [Convolution(m, n, size=_SIZE, stride=_STRIDE, rngs=rngs) for m, n in pairs]
    )


def library_convolutions(layers: nnx.List) -> nnx.List:
    """The same convolutions with the same weights, by ``nnx.Conv``."""
    margin = _SIZE // 2
    same = []
    for layer in layers:
        weights = _library_weights(layer.linear.kernel[...])
        conv = nnx.Conv(
            *weights.shape[2:],
            (_SIZE, _SIZE),
            strides=_STRIDE,
            padding=((margin, margin), (margin, margin)),
            rngs=nnx.Rngs(0),
        )
        conv.kernel[...] = weights
        conv.bias[...] = layer.linear.bias[...]
        same.append(conv)
    return nnx.List(same)


def forward_and_back(
    layers: nnx.List, images: np.ndarray, slope: np.ndarray
) -> Callable[[], list[jax.Array]]:
    """A call that computes layers after each other, and the gradients.

    Args:
        layers: convolutions.
        images: of the first layer, shape ``(batch, h, w, c)``.
        slope: of a number by the images of the last layer, in their shape.

    Returns:
        A function that returns the images of the last layer, then the slope by every
        bias and weight, in the library's layout, and by the first images.
    """
    graph, parameters = nnx.split(layers)
    images, slope = jnp.asarray(images), jnp.asarray(slope)

    def forward(parameters: nnx.State, images: jax.Array) -> jax.Array:
        for layer in nnx.merge(graph, parameters):
            images = layer(images)
        return images

    @jax.jit
    def both(parameters: nnx.State, images: jax.Array, slope: jax.Array):
        last, back = jax.vjp(forward, parameters, images)
        by_parameters, by_images = back(slope)
        slopes = map(_library_weights, jax.tree.leaves(by_parameters))
        return [last, *slopes, by_images]

    return lambda: both(parameters, images, slope)


def _training_row(options: MMDGAN, points: np.ndarray, num_steps: int) -> Row:
    program, start = start_training(jax.random.key(0), options, points.shape[1])
    points = jnp.asarray(points, jnp.float32)

    def steps(calls: int) -> TrainingState:
        """All steps in so many calls."""
        state = start
        for _ in range(calls):
            state, _ = train(
                jax.random.key(1), program, state, points, num_steps=num_steps // calls
            )
        return state

    timing = measure(lambda: steps(1), runs=3)
    one_by_one, state = seconds_of(lambda: steps(num_steps))
    size = {"d": points.shape[1], "width": options.width, "batch": options.batch_size}
    if options.shape is not None:
        size = {**_image_size(options.shape, options.channels), "batch": size["batch"]}
    return Row(
        name=f"MMD-GAN, one step, {'table' if options.shape is None else 'images'}",
        size={**size, "steps": num_steps},
        seconds=timing.seconds / num_steps,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=num_steps / timing.seconds,
        unit="steps/s",
        error=max(
            map(
                relative_error,
                jax.tree.leaves(timing.result.average),
                jax.tree.leaves(state.average),
            )
        ),
        error_against="the parameters after calls of one step each, float32",
        baseline=Baseline("one call a step", one_by_one / num_steps, None),
    )


def _convolutions_row(shape: tuple[int, int, int], *, batch: int, channels: int) -> Row:
    rng = np.random.default_rng(0)
    ours = convolutions(nnx.Rngs(0), shape[2], channels)
    library = library_convolutions(ours)
    images = rng.standard_normal((batch, *shape)).astype(np.float32)
    last = (batch, shape[0] // 4, shape[1] // 4, 2 * channels)
    slope = rng.standard_normal(last).astype(np.float32)
    timing = measure(forward_and_back(ours, images, slope), runs=10)
    theirs = measure(forward_and_back(library, images, slope), runs=10)
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda a: np.asarray(a, float), nnx.state(library))
        nnx.update(library, exact)
        exact = forward_and_back(library, images.astype(float), slope.astype(float))()
    return Row(
        name="two convolutions, forward and gradient",
        size={**_image_size(shape, channels), "batch": batch},
        seconds=timing.seconds,
        compile_seconds=timing.compile_seconds,
        runs=timing.runs,
        throughput=batch / timing.seconds,
        unit="images/s",
        error=max(map(relative_error, timing.result, exact)),
        error_against="nnx.Conv in float64, the images and all gradients",
        baseline=Baseline("nnx.Conv", theirs.seconds, None),
    )


def _image_size(shape: tuple[int, int, int], channels: int) -> dict[str, int]:
    return {"h": shape[0], "w": shape[1], "c": shape[2], "channels": channels}


def _library_weights(array: jax.Array) -> jax.Array:
    """The matrix of patches as the library has it; other arrays as they are."""
    if array.ndim != 2:
        return array
    # Rows of the matrix: patch column, patch row, input channel.
    patches = array.reshape(_SIZE, _SIZE, -1, array.shape[1])
    return patches.transpose(1, 0, 2, 3)
