"""One training step of the MMD-GAN as a pure function, and many of them in one call.

What never changes during a training (`Program`) is apart from what does
(`GANState`: parameters, Adam's moments and rate, the average). Step t draws all of
its randomness from ``fold_in(key, t)`` and the state holds t, so ten steps are five
steps twice, bit for bit: that is what makes resuming exact.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key, PyTree

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.data_parallel import split_by_rows, whole
from cgm_jax._shared.precision import compiled
from cgm_jax.kernels import Kernel

from .critic_loss import CriticKernel, critic_kernel, critic_mmd2, witness_penalty
from .networks import Architecture

Parameters = PyTree[Array | np.ndarray]  # of a network; an `nnx.State`
# One object: a fresh transform would be another function, and compiled again. The rate
# is part of its state, where `with_learning_rate` puts it.
ADAM = optax.inject_hyperparams(
    optax.adam, static_args=("b1", "b2", "eps", "eps_root")
)(learning_rate=0.0, b1=0.5, b2=0.9)


class StepOptions(NamedTuple):
    """What a step does, apart from the networks."""

    batch_size: int
    critic_steps: int
    gradient_penalty: float
    average: float
    kernel: CriticKernel | None  # of features; None where a fixed one stands for it
    mesh: Mesh | None  # whose devices share the batch


class Program(NamedTuple):
    """What is compiled for: hashable, the same for the same options."""

    architecture: Architecture
    options: StepOptions
    generator: nnx.GraphDef
    critic: nnx.GraphDef | None


class GANState(NamedTuple):
    """What a step changes; the average is that of the generator's parameters."""

    step: Int[Array, ""]
    generator: Parameters
    critic: Parameters
    generator_adam: Any
    critic_adam: Any
    average: Parameters

    @property
    def learning_rate(self) -> Float[Array, ""]:
        """The rate of both networks."""
        return self.generator_adam.hyperparams["learning_rate"]


def start_training(
    key: Key[Array, ""],
    architecture: Architecture,
    options: StepOptions,
    *,
    learning_rate: float,
) -> tuple[Program, GANState]:
    """Networks with random parameters, and everything at step 0."""
    generator_key, critic_key = jax.random.split(key)
    generator, generator_state = nnx.split(architecture.generator(generator_key))
    critic = critic_state = critic_adam = None
    if options.kernel is not None:
        critic, critic_state = nnx.split(architecture.critic(critic_key))
        critic_adam = ADAM.init(critic_state)
    state = GANState(
        jnp.zeros((), jnp.int32),
        generator_state,
        critic_state,
        ADAM.init(generator_state),
        critic_adam,
        generator_state,
    )
    program = Program(architecture, options, generator, critic)
    return program, with_learning_rate(state, learning_rate)


def with_learning_rate(
    state: GANState, learning_rate: Float[ArrayLike, ""]
) -> GANState:
    """The state with another rate of Adam, for both networks."""
    rate = jnp.asarray(learning_rate, jnp.float32)
    return optax.tree_utils.tree_set(state, learning_rate=rate)


@compiled(static_argnames="program")
def train(
    key: Key[Array, ""],
    program: Program,
    state: GANState,
    points: Float[Array, "n d"],
    *,
    num_steps: Int[ArrayLike, ""],
    kernel: Kernel | None = None,
) -> tuple[GANState, Float[Array, ""]]:
    """Take some steps: each trains the critic a few times, then the generator once.

    Neither ``num_steps`` nor the numbers of a fixed ``kernel``, of points in the
    networks' units, are compiled for. Returns the state and the generator's mean loss.
    """
    options = program.options

    def step(
        _: Int[Array, ""], carry: tuple[GANState, Float[Array, ""]]
    ) -> tuple[GANState, Float[Array, ""]]:
        state, total = carry
        step_key = jax.random.fold_in(key, state.step)
        critic_key, generator_key = jax.random.split(step_key)

        def critic_step(carry: tuple[Parameters, Any], key: Key[Array, ""]):
            critic, adam = carry
            loss = partial(critic_loss, key, program)
            slope = jax.grad(loss, argnums=1)(state.generator, critic, points)
            return adam_step(critic, adam, slope), None

        critic, critic_adam = state.critic, state.critic_adam
        if kernel is None:
            critic_keys = jax.random.split(critic_key, options.critic_steps)
            (critic, critic_adam), _ = jax.lax.scan(
                critic_step, (critic, critic_adam), critic_keys
            )
        loss_of = jax.value_and_grad(partial(generator_loss, generator_key, program))
        loss, slope = loss_of(state.generator, critic, points, kernel)
        generator, adam = adam_step(state.generator, state.generator_adam, slope)
        # Early on the average forgets faster: the first parameters are noise.
        t = state.step.astype(jnp.float32)
        decay = jnp.minimum(options.average, (1 + t) / (10 + t))
        average = optax.incremental_update(generator, state.average, 1 - decay)
        state = GANState(state.step + 1, generator, critic, adam, critic_adam, average)
        return whole(options.mesh, (state, total + loss))

    zero = jnp.zeros((), points.dtype)
    state, total = jax.lax.fori_loop(0, num_steps, step, (state, zero))
    return state, total / num_steps


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
    mesh = program.options.mesh
    real, fake = _of_both(mesh, features, real, fake)
    penalty = witness_penalty(kernel, features, between, real, fake, mesh=mesh)
    mmd2 = critic_mmd2(kernel, real, fake, mesh=mesh)
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
    mesh = program.options.mesh
    if kernel is None:
        kernel, features = _named_kernel(program, critic)
        real, fake = _of_both(mesh, features, real, fake)
    return critic_mmd2(kernel, real, fake, mesh=mesh)


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
    z = program.architecture.noise(fake_key, size, points.dtype)
    rows, z = split_by_rows(program.options.mesh, (rows, z))
    return points[rows], nnx.merge(program.generator, generator)(z)


def adam_step(
    parameters: Parameters, adam: Any, slope: Parameters
) -> tuple[Parameters, Any]:
    """Parameters and Adam's state after a step downhill."""
    updates, adam = ADAM.update(slope, adam, parameters)
    return optax.apply_updates(parameters, updates), adam


def _of_both(
    mesh: Mesh | None,
    features: Callable[[Float[Array, "b d"]], Float[Array, "b f"]],
    real: Float[Array, "b d"],
    fake: Float[Array, "b d"],
) -> Sequence[Float[Array, "b f"]]:
    """Features of both batches at once; on a mesh no row changes its device."""
    if mesh is None:
        return jnp.split(features(jnp.concatenate([real, fake])), 2)
    return tuple(jax.vmap(features)(jnp.stack([real, fake])))


def _named_kernel(
    program: Program, critic: Parameters
) -> tuple[Kernel, Callable[[Float[Array, "b d"]], Float[Array, "b f"]]]:
    """The kernel that the options name, and the critic whose features it compares."""
    if program.critic is None or program.options.kernel is None:
        raise ValueError(
            "Expected the fixed kernel that this program is compiled for, got none; "
            "hand it to train."
        )
    return critic_kernel(program.options.kernel), nnx.merge(program.critic, critic)
