"""Training an MMD-GAN, and the convolution that its networks for images are made of.

The convolutions are measured twice: alone, with their gradient, and as parts of a whole
training step, where the penalty on the critic's slope takes the gradient of a gradient.
"""

from collections.abc import Callable, Iterator
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from cgm_jax.datasets import credit_ratings
from cgm_jax.generators import MMDGAN
from cgm_jax.generators.mmd_gan import networks
from cgm_jax.generators.mmd_gan.networks import Convolution
from cgm_jax.generators.mmd_gan.step import GANState, start_training, train

from .rows import Baseline, Row, relative_error
from .timing import measure, seconds_of

__all__ = [
    "LibraryConvolution",
    "convolutions",
    "forward_and_back",
    "library_convolutions",
    "rows",
]

_SHAPES = ((8, 8, 1), (28, 28, 1), (32, 32, 3))
_STEPS = (100, 20, 20)  # of each shape in one call
_NUM_IMAGES = 256
_SIZE, _STRIDE = 5, 2  # of the critic's convolutions


class LibraryConvolution(nnx.Conv):
    """The library's convolution in the place of the package's."""

    def __init__(
        self, num_in: int, num_out: int, *, size: int, stride: int = 1, rngs: nnx.Rngs
    ):
        margin = (size // 2, size // 2)
        super().__init__(
            num_in,
            num_out,
            (size, size),
            strides=stride,
            padding=(margin, margin),
            rngs=rngs,
        )


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
    same = []
    for layer in layers:
        weights = _library_weights(layer.linear.kernel[...])
        num_in, num_out = weights.shape[2:]
        conv = LibraryConvolution(
            num_in, num_out, size=_SIZE, stride=_STRIDE, rngs=nnx.Rngs(0)
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
    steps = _training(options, points)
    timing = measure(lambda: steps(num_steps, 1), runs=3)
    one_by_one, state = seconds_of(lambda: steps(1, num_steps))
    if options.shape is None:
        kind, size = "table", {"d": points.shape[1], "width": options.width}
        baseline = Baseline("one call a step", one_by_one / num_steps, None)
    else:
        kind, size = "images", _image_size(options.shape, options.channels)
        fewer = max(1, num_steps // 5)
        with patch.object(networks, "Convolution", LibraryConvolution):
            library_steps = _training(options, points)
        theirs = measure(lambda: library_steps(fewer, 1), runs=1)
        baseline = Baseline("the same step with nnx.Conv", theirs.seconds / fewer, None)
    return Row(
        name=f"MMD-GAN, one step, {kind}",
        size={**size, "batch": options.batch_size, "steps": num_steps},
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
        baseline=baseline,
    )


def _training(options: MMDGAN, points: np.ndarray) -> Callable[[int, int], GANState]:
    """A function that takes so many steps, so many times, from the same start."""
    architecture, step_options, schedule = options.split(points.shape[1])
    program, start = start_training(
        jax.random.key(0),
        architecture,
        step_options,
        learning_rate=schedule.learning_rate,
    )
    points = jnp.asarray(points, jnp.float32)

    def steps(num_steps: int, calls: int) -> GANState:
        state = start
        for _ in range(calls):
            state, _ = train(
                jax.random.key(1), program, state, points, num_steps=num_steps
            )
        return state

    return steps


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
