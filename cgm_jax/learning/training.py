"""Steps of learning a kernel's parameters, as pure functions of one state.

Parameters that must be positive are learned as logarithms, those in (0, 1) as logits,
a network's as they are: the metadata of a kernel's field say which (see `Kernel`). Step
t draws from ``fold_in(key, t)``, so ten steps are five steps twice.
"""

from dataclasses import Field, fields, replace
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int, Key

from cgm_jax._shared.data_parallel import split_by_rows, whole
from cgm_jax._shared.precision import compiled
from cgm_jax.kernels.base import Kernel
from cgm_jax.two_sample.criterion import power_criterion

Objective = Literal["power", "invariance"]

_DOMAINS = {"positive": (0, np.inf), "unit": (0, 1), "real": (-np.inf, np.inf)}


class Comparisons(NamedTuple):
    """Pairs of samples to tell apart: rows of one array of points."""

    points: Float[Array, "t d"]
    members: Bool[Array, "comparisons 2 t"]  # which may stand on each side
    rows: Int[Array, "comparisons 2 n"]  # a choice of as many on every side


class TrainingState(NamedTuple):
    """What a step changes, and what it leaves; each is None where the other is not."""

    step: Int[Array, ""]
    free: Kernel  # with logarithms and logits for its parameters
    fixed: Kernel  # counts and keys of a network
    inner: Any  # the optimiser's own state


def start_training(
    kernel: Kernel, dtype: np.dtype, optimizer: Any = None
) -> TrainingState:
    """A kernel's parameters in a dtype, at step 0."""
    import optax

    leaves = jax.tree.map(jnp.asarray, kernel)
    numbers = jax.tree.map(lambda x: x.astype(dtype) if _is_number(x) else None, leaves)
    free = _in_domain(_free, numbers)
    fixed = jax.tree.map(lambda leaf: None if _is_number(leaf) else leaf, leaves)
    # The learning rate is no part of Adam's state.
    rule = optax.adam(0.0) if optimizer is None else optimizer
    return TrainingState(jnp.zeros((), jnp.int32), free, fixed, rule.init(free))


def kernel_of(state: TrainingState) -> Kernel:
    """The kernel of a state."""
    learned = _in_domain(_natural, state.free)
    return jax.tree.map(
        lambda one, other: other if one is None else one,
        learned,
        state.fixed,
        is_leaf=lambda leaf: leaf is None,
    )


@compiled(static_argnames=("objective", "num_drawn", "optimizer", "mesh"))
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
    optimizer: Any = None,
    mesh: Mesh | None = None,
) -> TrainingState:
    """Take some steps, whose number is not compiled for.

    Each draws ``num_drawn`` points for each side, or takes ``compared.rows`` if None.
    """
    import optax

    rule = optax.adam(learning_rate) if optimizer is None else optimizer

    def step(_: Any, state: TrainingState) -> TrainingState:
        rows_key, noise_key = jax.random.split(jax.random.fold_in(key, state.step))
        rows = compared.rows
        if num_drawn is not None:
            rows = _drawn(rows_key, compared.members, num_drawn)
        noise = jax.random.normal(noise_key, compared.points.shape, jnp.float32)
        points = compared.points + jitter * noise.astype(jitter.dtype)

        def loss(free: Kernel) -> Float[Array, ""]:
            kernel = kernel_of(state._replace(free=free))
            powers = powers_of(kernel, points, rows, mesh=mesh)
            return jnp.mean(powers**2 if objective == "invariance" else -powers)

        slope = jax.grad(loss)(state.free)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes types
            update, inner = rule.update(slope, state.inner, state.free)
            free = optax.apply_updates(state.free, update)
        return whole(mesh, TrainingState(state.step + 1, free, state.fixed, inner))

    return jax.lax.fori_loop(0, num_steps, step, state)


@compiled(static_argnames="mesh")
def powers_of(
    kernel: Kernel,
    points: Float[Array, "t d"],
    rows: Int[Array, "comparisons 2 n"],
    *,
    mesh: Mesh | None = None,
) -> Float[Array, " comparisons"]:
    """J of every comparison."""

    def power(pair: Int[Array, "2 n"]) -> Float[Array, ""]:
        x, y = (points[split_by_rows(mesh, side)] for side in pair)
        return power_criterion(kernel, x, y, mesh=mesh)

    return whole(mesh, jax.lax.map(power, rows))


def _drawn(
    key: Key[Array, ""], members: Bool[Array, "comparisons 2 t"], num: int
) -> Int[Array, "comparisons 2 n"]:
    """Members of every side, without replacement."""
    order = jax.random.uniform(key, members.shape, jnp.float32)
    return jnp.argsort(jnp.where(members, order, 2), axis=-1)[..., :num]


def _in_domain(transform: Any, kernel: Kernel) -> Any:
    """Every parameter transformed by what its field says of its domain."""

    def of_field(field: Field, value: Any) -> Any:
        return jax.tree.map(
            lambda part: (
                _in_domain(transform, part)
                if isinstance(part, Kernel)
                else transform(field, part)
            ),
            value,
            is_leaf=lambda part: isinstance(part, Kernel),
        )

    changed = {
        field.name: of_field(field, getattr(kernel, field.name))
        for field in fields(kernel)  # type: ignore[arg-type]
        if not field.metadata.get("static", False)
    }
    return replace(kernel, **changed)  # type: ignore[type-var]


def _free(field: Field, value: Array) -> Array:
    domain = field.metadata.get("domain", "positive")
    low, high = _DOMAINS[domain]
    numbers = np.asarray(value)  # XLA would compile four programs for every shape
    if not ((numbers > low) & (numbers < high)).all():
        raise ValueError(
            f"Expected the kernel's parameter {field.name!r} to start between {low} "
            f"and {high}, because its domain is {domain!r}; got {value}. Declare one "
            'that may be any real number with field(metadata={"domain": "real"}).'
        )
    if domain == "positive":
        return jnp.log(value)
    return jnp.log(value) - jnp.log1p(-value) if domain == "unit" else value


def _natural(field: Field, value: Array) -> Array:
    domain = field.metadata.get("domain", "positive")
    if domain == "positive":
        return jnp.exp(value)
    return jax.nn.sigmoid(value) if domain == "unit" else value


def _is_number(leaf: Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)
