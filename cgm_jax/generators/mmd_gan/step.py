"""One training step of the MMD-GAN, as a pure function, and many of them in one call.

What never changes during a training (`Program`: the networks' graphs and a few numbers)
is apart from what does (`TrainingState`: parameters, Adam's moments, the average). Step
t draws all of its randomness from ``fold_in(key, t)`` and the state holds t, so ten
steps are five steps twice, bit for bit: that is what makes resuming exact.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, ArrayLike, Float, Int, Key, PyTree

from cgm_jax.kernels import Kernel

from .critic_loss import critic_kernel, critic_mmd2, witness_penalty
from .networks import ImageCritic, ImageGenerator, Perceptron

if TYPE_CHECKING:
    from .mmd_gan import MMDGAN

__all__ = [
    "Parameters",
    "Program",
    "TrainingState",
    "critic_loss",
    "draw_latent",
    "generate",
    "generator_loss",
    "start_training",
    "train",
]

Parameters = PyTree[Array | np.ndarray]  # of a network; an `nnx.State`
# One object: a fresh transform would be another function, and compiled again.
ADAM = optax.scale_by_adam(b1=0.5, b2=0.9)
NOT_COMPILED = (
    "num_steps",
    "learning_rate",
    "learning_rate_rule",
    "held_out",
    "evaluate_every",
    "patience",
    "calibrated",
)


class Program(NamedTuple):
    """What is compiled for: hashable, the same for the same options."""

    generator: nnx.GraphDef
    critic: nnx.GraphDef | None
    """None where a fixed kernel stands in its place."""

    latent_size: int
    options: "MMDGAN"


class TrainingState(NamedTuple):
    """What a step changes."""

    step: Int[Array, ""]
    learning_rate: Float[Array, ""]
    generator: Parameters
    critic: Parameters
    generator_adam: Any
    critic_adam: Any
    average: Parameters
    """Exponential moving average of the generator's parameters."""


def start_training(
    key: Key[Array, ""], options: "MMDGAN", num_columns: int
) -> tuple[Program, TrainingState]:
    """Networks with random parameters, and everything at step 0.

    Args:
        key: typed random key.
        options: of the MMD-GAN.
        num_columns: length of a point.

    Returns:
        The program and the first state.
    """
    learning_rate = jnp.asarray(options.learning_rate, jnp.float32)
    generator_key, critic_key = jax.random.split(key)
    latent_size = options.latent_size or min(max(2 * num_columns, 4), 16)
    generator, generator_state = nnx.split(
        _generator(generator_key, options, latent_size, num_columns)
    )
    critic = critic_state = critic_adam = None
    if has_critic := isinstance(options.kernel, str):
        critic, critic_state = nnx.split(_critic(critic_key, options, num_columns))
        critic_adam = ADAM.init(critic_state)
    # What steers from Python is no reason to compile again, nor are the numbers of a
    # fixed kernel, which is handed to `train`.
    defaults = type(options)()
    options = replace(
        options,
        **{name: getattr(defaults, name) for name in NOT_COMPILED},
        kernel=options.kernel if has_critic else defaults.kernel,
        value_range=options.shape and (0.0, 1.0),
    )
    return Program(generator, critic, latent_size, options), TrainingState(
        jnp.zeros((), jnp.int32),
        learning_rate,
        generator_state,
        critic_state,
        ADAM.init(generator_state),
        critic_adam,
        generator_state,
    )


@partial(jax.jit, static_argnames="program")
def train(
    key: Key[Array, ""],
    program: Program,
    state: TrainingState,
    points: Float[Array, "n d"],
    *,
    num_steps: Int[ArrayLike, ""],
    kernel: Kernel | None = None,
) -> tuple[TrainingState, Float[Array, ""]]:
    """Take some steps: each trains the critic a few times, then the generator once.

    Args:
        key: typed random key of the whole training, the same at every call.
        program: what is compiled for.
        state: where to go on.
        points: training points in the networks' units, shape ``(n, d)``.
        num_steps: how many steps, at least 1; not compiled for.
        kernel: a fixed one of points in the networks' units, in the critic's place; its
            numbers are not compiled for.

    Returns:
        The new state, and the mean of the generator's loss over the steps.
    """

    def step(
        _: Int[Array, ""], carry: tuple[TrainingState, Float[Array, ""]]
    ) -> tuple[TrainingState, Float[Array, ""]]:
        state, loss = training_step(key, program, carry[0], points, kernel)
        return state, carry[1] + loss

    zero = jnp.zeros((), points.dtype)
    state, total = jax.lax.fori_loop(0, num_steps, step, (state, zero))
    return state, total / num_steps


def training_step(
    key: Key[Array, ""],
    program: Program,
    state: TrainingState,
    points: Float[Array, "n d"],
    kernel: Kernel | None = None,
) -> tuple[TrainingState, Float[Array, ""]]:
    """The critic's steps, if there is one, the generator's step and the average."""
    options = program.options
    critic_key, generator_key = jax.random.split(jax.random.fold_in(key, state.step))

    def critic_step(carry: tuple[Parameters, Any], key: Key[Array, ""]):
        critic, adam = carry
        loss = partial(critic_loss, key, program)
        slope = jax.grad(loss, argnums=1)(state.generator, critic, points)
        return adam_step(critic, adam, slope, state.learning_rate), None

    critic, critic_adam = state.critic, state.critic_adam
    if kernel is None:
        critic_keys = jax.random.split(critic_key, options.critic_steps)
        (critic, critic_adam), _ = jax.lax.scan(
            critic_step, (critic, critic_adam), critic_keys
        )
    loss, slope = jax.value_and_grad(partial(generator_loss, generator_key, program))(
        state.generator, critic, points, kernel
    )
    generator, generator_adam = adam_step(
        state.generator, state.generator_adam, slope, state.learning_rate
    )
    # Early on the average forgets faster: the first parameters are noise.
    t = state.step.astype(jnp.float32)
    decay = jnp.minimum(options.average, (1 + t) / (10 + t))
    average = jax.tree.map(
        lambda old, new: decay * old + (1 - decay) * new, state.average, generator
    )
    new = TrainingState(
        state.step + 1,
        state.learning_rate,
        generator,
        critic,
        generator_adam,
        critic_adam,
        average,
    )
    return new, loss


def critic_loss(
    key: Key[Array, ""],
    program: Program,
    generator: Parameters,
    critic: Parameters,
    points: Float[Array, "n d"],
) -> Float[Array, ""]:
    """−MMD² of a batch's features, plus the penalty on the witness between points."""
    batch_key, between_key = jax.random.split(key)
    real, fake = draw_batches(batch_key, program, generator, points)
    share = jax.random.uniform(between_key, (len(real), 1), real.dtype)
    between = share * real + (1 - share) * fake
    kernel, features = _named_kernel(program, critic)
    real, fake = jnp.split(features(jnp.concatenate([real, fake])), 2)
    penalty = witness_penalty(kernel, features, between, real, fake)
    mmd2 = critic_mmd2(kernel, real, fake)
    return program.options.gradient_penalty * penalty - mmd2


def generator_loss(
    key: Key[Array, ""],
    program: Program,
    generator: Parameters,
    critic: Parameters,
    points: Float[Array, "n d"],
    kernel: Kernel | None = None,
) -> Float[Array, ""]:
    """MMD² of a batch's features, or of the batch itself under a fixed kernel."""
    real, fake = draw_batches(key, program, generator, points)
    if kernel is None:
        kernel, features = _named_kernel(program, critic)
        real, fake = jnp.split(features(jnp.concatenate([real, fake])), 2)
    return critic_mmd2(kernel, real, fake)


def draw_batches(
    key: Key[Array, ""],
    program: Program,
    generator: Parameters,
    points: Float[Array, "n d"],
) -> tuple[Float[Array, "b d"], Float[Array, "b d"]]:
    """A batch of real and one of generated points."""
    real_key, fake_key = jax.random.split(key)
    size = program.options.batch_size
    # int32 by name: the draw would differ where the user has switched on x64.
    rows = jax.random.randint(real_key, (size,), 0, len(points), jnp.int32)
    z = draw_latent(fake_key, program, size, points.dtype)
    return points[rows], generate(program, generator, z)


def draw_latent(
    key: Key[Array, ""], program: Program, num: int, dtype: Any = jnp.float32
) -> Float[Array, "num z"]:
    """Noise that the generator starts from."""
    shape = (num, program.latent_size)
    if program.options.latent == "normal":
        return jax.random.normal(key, shape, dtype)
    return jax.random.uniform(key, shape, dtype, minval=-1.0, maxval=1.0)


def generate(
    program: Program, generator: Parameters, z: Float[Array, "n z"]
) -> Float[Array, "n d"]:
    """Points of the generator, in the networks' units."""
    return nnx.merge(program.generator, generator)(z)


def adam_step(
    parameters: Parameters, adam: Any, slope: Parameters, learning_rate: Array
) -> tuple[Parameters, Any]:
    """Parameters and moments after a step downhill."""
    direction, adam = ADAM.update(slope, adam)
    parameters = jax.tree.map(
        lambda p, u: p - learning_rate.astype(p.dtype) * u, parameters, direction
    )
    return parameters, adam


def _generator(
    key: Key[Array, ""], options: "MMDGAN", latent_size: int, num_columns: int
) -> nnx.Module:
    rngs = nnx.Rngs(key)
    if options.shape is not None:
        return ImageGenerator(
            latent_size, options.shape, channels=options.channels, rngs=rngs
        )
    sizes = latent_size, *(options.width,) * options.depth, num_columns
    return Perceptron(sizes, squash=options.value_range is not None, rngs=rngs)


def _critic(key: Key[Array, ""], options: "MMDGAN", num_columns: int) -> nnx.Module:
    rngs = nnx.Rngs(key)
    if options.shape is not None:
        return ImageCritic(
            options.shape,
            channels=options.channels,
            feature_size=options.feature_size,
            rngs=rngs,
        )
    sizes = num_columns, *(options.width,) * options.depth, options.feature_size
    return Perceptron(sizes, squash=False, rngs=rngs)


def _named_kernel(
    program: Program, critic: Parameters
) -> tuple[Kernel, Callable[[Float[Array, "b d"]], Float[Array, "b f"]]]:
    """The kernel that the options name, and the features that it is one of."""
    if program.critic is None or not isinstance(program.options.kernel, str):
        raise ValueError(
            "Expected the fixed kernel that this program is compiled for, got none; "
            "hand it to train."
        )
    return critic_kernel(program.options.kernel), nnx.merge(program.critic, critic)
