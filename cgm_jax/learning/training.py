"""Steps of learning a kernel's parameters, as pure functions of one state.

Parameters that must be positive are learned as logarithms, those in (0, 1) as logits,
a network's as they are: a field of a kernel says which by its metadata, "domain":
"positive" (where nothing is said), "unit" or "real". Step t draws from
``fold_in(key, t)``, so ten steps are five steps twice.
"""

from dataclasses import fields, replace
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from cgm_jax.kernels.base import Kernel
from cgm_jax.two_sample.criterion import power_criterion

__all__ = [
    "Comparisons",
    "Objective",
    "TrainingState",
    "kernel_of",
    "powers_of",
    "start_training",
    "train",
]

Objective = Literal["power", "invariance"]


class Comparisons(NamedTuple):
    """Pairs of samples to tell apart: rows of one array of points."""

    points: Float[Array, "t d"]
    members: Bool[Array, "comparisons 2 t"]
    """Which points may stand on each side."""

    rows: Int[Array, "comparisons 2 n"]
    """A choice of the same number on every side, without drawing."""


class TrainingState(NamedTuple):
    """What a step changes."""

    step: Int[Array, ""]
    free: Kernel
    """The kernel with logarithms and logits for parameters; None for what is fixed."""

    fixed: Kernel
    """The rest: counts and keys of a network."""

    adam: Any


def start_training(kernel: Kernel, dtype: np.dtype) -> TrainingState:
    """A kernel's parameters in a dtype, at step 0."""
    leaves = jax.tree.map(jnp.asarray, kernel)
    free = _in_domain(_free, jax.tree.map(partial(_number, dtype=dtype), leaves))
    fixed = jax.tree.map(lambda leaf: None if _is_number(leaf) else leaf, leaves)
    return TrainingState(jnp.zeros((), jnp.int32), free, fixed, _adam().init(free))


def kernel_of(state: TrainingState) -> Kernel:
    """The kernel of a state."""
    learned = _in_domain(_natural, state.free)
    return jax.tree.map(
        lambda one, other: other if one is None else one,
        learned,
        state.fixed,
        is_leaf=lambda leaf: leaf is None,
    )


@partial(jax.jit, static_argnames=("objective", "num_drawn"))
def train(
    key: Key[Array, ""],
    state: TrainingState,
    compared: Comparisons,
    learning_rate: Float[Array, ""],
    jitter: Float[Array, ""],
    num_steps: Int[Array, ""],
    *,
    objective: Objective,
    num_drawn: int | None,
) -> TrainingState:
    """Take some steps.

    Args:
        key: the same at every call.
        state: where to go on.
        compared: what to tell apart.
        learning_rate: of Adam.
        jitter: standard deviation of the noise that every step adds to the points.
        num_steps: how many steps; not compiled for.
        objective: "power" maximises the mean J, "invariance" minimises the mean J².
        num_drawn: points drawn for each side at every step; None takes
            ``compared.rows``.

    Returns:
        The new state.
    """

    def step(_: Any, state: TrainingState) -> TrainingState:
        rows_key, noise_key = jax.random.split(jax.random.fold_in(key, state.step))
        rows = compared.rows
        if num_drawn is not None:
            rows = _drawn(rows_key, compared.members, num_drawn)
        noise = jax.random.normal(noise_key, compared.points.shape, jnp.float32)
        points = compared.points + jitter * noise.astype(jitter.dtype)

        def loss(free: Kernel) -> Float[Array, ""]:
            kernel = kernel_of(state._replace(free=free))
            found = powers_of(kernel, points, rows)
            return jnp.mean(found**2 if objective == "invariance" else -found)

        slope = jax.grad(loss)(state.free)
        update, adam = _adam().update(slope, state.adam)
        free = jax.tree.map(
            lambda p, u: p - learning_rate.astype(p.dtype) * u, state.free, update
        )
        return TrainingState(state.step + 1, free, state.fixed, adam)

    return jax.lax.fori_loop(0, num_steps, step, state)


@jax.jit
def powers_of(
    kernel: Kernel, points: Float[Array, "t d"], rows: Int[Array, "comparisons 2 n"]
) -> Float[Array, " comparisons"]:
    """J of every comparison."""
    return jax.lax.map(
        lambda pair: power_criterion(kernel, points[pair[0]], points[pair[1]]), rows
    )


def _drawn(
    key: Key[Array, ""], members: Bool[Array, "comparisons 2 t"], num: int
) -> Int[Array, "comparisons 2 n"]:
    """Members of every side, without replacement."""
    order = jax.random.uniform(key, members.shape, jnp.float32)
    return jnp.argsort(jnp.where(members, order, 2), axis=-1)[..., :num]


def _in_domain(transform: Any, kernel: Kernel) -> Any:
    """Every parameter transformed by what its field says of it."""

    def of_field(domain: str, value: Any) -> Any:
        return jax.tree.map(
            lambda part: (
                _in_domain(transform, part)
                if isinstance(part, Kernel)
                else transform(domain, part)
            ),
            value,
            is_leaf=lambda part: isinstance(part, Kernel),
        )

    changed = {
        field.name: of_field(
            field.metadata.get("domain", "positive"), getattr(kernel, field.name)
        )
        for field in fields(kernel)  # type: ignore[arg-type]
        if not field.metadata.get("static", False)
    }
    return replace(kernel, **changed)  # type: ignore[type-var]


def _free(domain: str, value: Array) -> Array:
    if domain == "positive":
        return jnp.log(value)
    return jnp.log(value) - jnp.log1p(-value) if domain == "unit" else value


def _natural(domain: str, value: Array) -> Array:
    if domain == "positive":
        return jnp.exp(value)
    return jax.nn.sigmoid(value) if domain == "unit" else value


def _number(leaf: Array, dtype: np.dtype) -> Array | None:
    return leaf.astype(dtype) if _is_number(leaf) else None


def _is_number(leaf: Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)


def _adam() -> Any:
    import optax

    return optax.scale_by_adam()
