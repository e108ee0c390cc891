r"""Learn the parameters of a kernel by maximising test power between groups.

The objective is J = MMD²_u / √(σ̂² + λ), the power of the two-sample test (see
`two_sample.estimate_power`), between every two groups or between each group and all
others together.

A kernel that has seen the points it is used on finds differences that are not there. So
it is fitted to a random part of every group's rows, half of them unless said otherwise,
and is to be used on the rest: `FittedKernel.held_out_rows`. J is reported on both. No
label is ever seen: the groups are all that there is.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.arrays import ArrayLike, Points, as_parties, with_common_dtype
from cgm_jax._shared.checks import as_key, check_callable
from cgm_jax._shared.data_parallel import on_mesh, put_whole
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax._shared.results import Result
from cgm_jax._shared.workers import map_on_workers
from cgm_jax.gram.mesh import as_mesh
from cgm_jax.gram.projection import project_kernel
from cgm_jax.kernels.base import Kernel, check_kernel
from cgm_jax.kernels.saving import POWERS, save_kernel

from . import training
from .training import Comparisons, Objective, kernel_of

__all__ = ["FittedKernel", "FittingProgress", "fit_kernel", "fit_kernels"]

Between = Literal["pairs", "pool"]


class FittingProgress(NamedTuple):
    """Mean J at an evaluation, on rows fitted to and on validation rows (or NaN)."""

    step: int
    num_steps: int
    power: float
    validation_power: float


@dataclass(frozen=True, eq=False, repr=False)
class FittedKernel(Result):
    """A learned kernel and how well it tells the groups apart.

    Attributes:
        kernel: the kernel.
        fitted_power: mean J on the rows that the fit has seen.
        held_out_power: mean J on the others, NaN where there are none: the honest one.
        fitted_rows: of every group, the rows that the fit has seen, sorted.
        held_out_rows: of every group, the others: what the kernel is to be used on.
        history: one row per evaluation: step, J on the rows fitted to and validated on.
        stop_reason: "all-steps", or "not-finite"; the kernel is the last good one.
    """

    kernel: Kernel
    fitted_power: float
    held_out_power: float
    fitted_rows: tuple[Int[np.ndarray, "..."], ...]
    held_out_rows: tuple[Int[np.ndarray, "..."], ...]
    history: Float[np.ndarray, "evaluations 3"]
    stop_reason: str

    def save(self, path: str | Path) -> None:
        """Write the kernel, if it is this package's, and both J's for `load_kernel`."""
        powers = (self.fitted_power, self.held_out_power)
        notes = {
            name: power if math.isfinite(power) else None
            for name, power in zip(POWERS, powers, strict=True)
        }
        save_kernel(path, self.kernel, notes=notes)


@on_numbers(", and `two_sample.power_criterion` is the loss")
def fit_kernel(
    key: Key[Array, ""],
    kernel: Kernel,
    groups: Sequence[Float[ArrayLike, "_ d"]],
    *,
    objective: Objective = "power",
    between: Between = "pairs",
    share: float = 0.5,
    num_steps: int = 1_000,
    learning_rate: float = 5e-4,
    optimizer: Any = None,
    batch_size: int | None = None,
    jitter: float = 0.0,
    evaluate_every: int = 100,
    validation_share: float = 0.0,
    candidates: Float[ArrayLike, "g d"] | None = None,
    mesh: Mesh | None = None,
    progress: Callable[[FittingProgress], None] | None = None,
) -> FittedKernel:
    r"""Learn all parameters of a kernel from groups of points, by Adam.

    .. math:: \max_\theta \operatorname{mean}_{a, b} J_\theta(D_a, D_b)

    Args:
        key: a typed key: which rows are seen, and batches.
        kernel: where to start, as a deep kernel, or one with a length scale per
            dimension. All of its parameters are learned (see `Kernel`).
        groups: the parties' points, arrays of shape ``(n_i, d)``; sizes may differ.
        objective: "power" maximises the mean J; "invariance" minimises the mean J², for
            groups of one distribution whose differences are a nuisance (in few steps,
            from a kernel that was fitted for power: a constant one ignores everything).
        between: every two groups ("pairs"), or each and all others ("pool").
        share: of every group's rows, the part that the fit sees, 0 < share <= 1. With 1
            nothing is held out: for a kernel that is used on other points.
        num_steps: steps of Adam.
        learning_rate: of Adam.
        optimizer: any of optax instead of Adam, with a learning rate of its own. It
            steps on logarithms and logits of the parameters (see `Kernel`).
        batch_size: points drawn from each side of a comparison at every step, by
            default as many as the smallest side has.
        jitter: standard deviation of Gaussian noise, new at every step, on all columns
            of the points that are fitted to: a network overfits less to points that
            move. J is reported without it.
        evaluate_every: steps between evaluations.
        validation_share: of the seen rows, the part that is kept from the fit, for the
            history; at least 0, less than 1.
        candidates: synthetic points, shape ``(g, d)``; g may be 0. With them, the
            learned kernel is brought to the valid range of the paper's Section 5 (see
            `project_kernel`), by the rows held out, or all where none are.
        mesh: devices that share every batch and the rows of its kernel matrix; in
            several processes all call this with the same groups.
        progress: called at every evaluation.

    Returns:
        The kernel, J on the rows it has seen and on those it has not.

    Raises:
        ValueError: for fewer than two groups, groups too small, points that do not fit,
            parameters outside of their domain, options out of range, or, with
            candidates, no valid length scale.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> x, y = np.random.default_rng(0).normal(size=(2, 40, 2))
        >>> key, start = jax.random.key(0), SquaredExponential(np.ones(2))
        >>> options = {"num_steps": 20, "learning_rate": 0.1}
        >>> fitted = fit_kernel(key, start, [x, y * [1, 3]], **options)
        >>> bool(fitted.fitted_power > fitted.history[0, 1])
        True

    Reference: Liu et al. 2020, Algorithm 1; Tay et al. 2022, Sec. 5.
    """
    for name, given, known in (
        ("objective", objective, get_args(Objective)),
        ("between", between, get_args(Between)),
    ):
        if given not in known:
            raise ValueError(
                f"Expected {name} to be one of {', '.join(known)}; got {given!r}."
            )
    if not 0 < share <= 1 or not 0 < learning_rate < math.inf:
        raise ValueError(
            "Expected 0 < share <= 1 and a positive, finite learning_rate; got "
            f"share={share}, learning_rate={learning_rate}."
        )
    if not 0 <= validation_share < 1:
        raise ValueError(f"Expected 0 <= validation_share < 1, got {validation_share}.")
    if not 0 <= jitter < math.inf:
        raise ValueError(f"Expected a finite jitter >= 0, got {jitter}.")
    if num_steps < 1 or evaluate_every < 1:
        raise ValueError(
            "Expected num_steps and evaluate_every of at least 1, got "
            f"{num_steps} and {evaluate_every}."
        )
    check_kernel(kernel)
    if progress is not None:
        check_callable(progress, "progress")
    if optimizer is not None and not hasattr(optimizer, "update"):
        raise TypeError(
            "Expected an optimiser of optax, such as optax.adam(1e-3), got "
            f"{optimizer!r}."
        )
    mesh, points = as_mesh(mesh), as_parties(groups)
    if len(points) < 2:
        raise ValueError(f"Expected at least two groups to compare, got {len(points)}.")
    points = with_common_dtype(*((f"groups[{i}]", x) for i, x in enumerate(points)))
    dtype = points[0].dtype
    with at_once(x64=dtype == np.float64):
        split_key, train_key = jax.random.split(as_key(key))
        parts = [
            _split(jax.random.fold_in(split_key, i), len(x), share, validation_share)
            for i, x in enumerate(points)
        ]
        rows = list(zip(*parts, strict=True))
        compared = partial(_comparisons, points, between=between, mesh=mesh)
        seen, validation, rest = map(compared, rows)
        side_sizes = np.asarray(seen.members).sum(-1)
        smallest = int(side_sizes.min())
        drawn = min(batch_size or smallest, smallest)
        if drawn < 2:
            raise ValueError(f"Expected batch_size >= 2, got {batch_size}.")
        take_steps = partial(
            training.train,
            learning_rate=jnp.asarray(learning_rate, dtype),
            jitter=jnp.asarray(jitter, dtype),
            objective=objective,
            num_drawn=None if (side_sizes == drawn).all() else drawn,
            optimizer=optimizer,
            mesh=mesh,
        )
        mean = partial(_mean, mesh=mesh)
        state = put_whole(mesh, training.start_training(kernel, dtype, optimizer))
        kept, history, reason = kernel_of(state), [], "all-steps"
        for step in [*range(0, num_steps, evaluate_every), num_steps]:
            if history:
                num = jnp.asarray(step - history[-1][0], jnp.int32)
                with on_mesh(mesh):
                    state = take_steps(train_key, state, seen, num_steps=num)
            current = kernel_of(state)
            history.append((step, mean(current, seen), mean(current, validation)))
            if progress is not None:
                progress(FittingProgress(step, num_steps, *history[-1][1:]))
            if not math.isfinite(history[-1][1]):
                reason = "not-finite"
                break
            kept = current
        kept = jax.tree.map(_on_host, kept)
        if candidates is not None:
            valued = points
            if share < 1:
                valued = [x[own] for x, own in zip(points, rows[2], strict=True)]
            kept = project_kernel(kept, valued, candidates)
        fitted_rows = [np.sort(np.concatenate(part[:2])) for part in parts]
        return FittedKernel(
            kernel=kept,
            fitted_power=mean(kept, compared(fitted_rows)),
            held_out_power=mean(kept, rest),
            fitted_rows=tuple(fitted_rows),
            held_out_rows=rows[2],
            history=np.array(history, float),
            stop_reason=reason,
        )


@on_numbers()
def fit_kernels(
    keys: Key[Array, " fits"],
    kernels: Sequence[Kernel],
    groups: Sequence[Sequence[Float[ArrayLike, "_ d"]]],
    *,
    progress: Callable[[int, FittingProgress], None] | None = None,
    **options: Any,
) -> list[FittedKernel]:
    """As `fit_kernel`, many at once: one per core, on a CPU.

    Args:
        keys: one typed key per fit.
        kernels: where each starts. Kernels of one structure are compiled for once.
        groups: the groups of each fit.
        progress: called in a thread of the fit, with its number, at every evaluation.
        options: all others of `fit_kernel`. With a mesh, fits follow one another.

    Raises:
        ValueError: as `fit_kernel`, or if keys, kernels and groups differ in number.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> points = np.random.default_rng(0).normal(size=(3, 2, 40, 2))
        >>> groups = [list(pair) for pair in points]
        >>> kernels = [SquaredExponential(np.full(2, s)) for s in (0.5, 1.0, 2.0)]
        >>> keys = jax.random.split(jax.random.key(0), 3)
        >>> fits = fit_kernels(keys, kernels, groups, num_steps=5)
        >>> [len(fitted.held_out_rows[0]) for fitted in fits]
        [20, 20, 20]
    """
    if not 0 < len(kernels) == len(groups) == len(keys):
        raise ValueError(
            "Expected one key and one list of groups for every kernel, at least one; "
            f"got {len(keys)} keys, {len(kernels)} kernels, {len(groups)} lists."
        )

    if progress is not None:
        check_callable(progress, "progress")

    def work(i: int, check: Callable[[], None]) -> FittedKernel:
        def report(now: FittingProgress) -> None:
            check()
            if progress is not None:
                progress(i, now)

        return fit_kernel(keys[i], kernels[i], groups[i], progress=report, **options)

    if options.get("mesh") is not None:  # threads would meet in its collectives
        return [work(i, lambda: None) for i in range(len(kernels))]
    return map_on_workers(work, range(len(kernels)))


def _on_host(leaf: Array) -> Any:
    """NumPy keeps float64 outside of the scope; a key is not a number."""
    return np.asarray(leaf) if jnp.issubdtype(leaf.dtype, jnp.number) else leaf


def _mean(kernel: Kernel, compared: Comparisons, mesh: Mesh | None) -> float:
    """Mean J; NaN where a side has fewer than two points."""
    if compared.rows.shape[-1] < 2:
        return math.nan
    with on_mesh(mesh):
        powers = training.powers_of(kernel, compared.points, compared.rows, mesh=mesh)
    return float(np.asarray(powers, np.float64).mean())


def _split(
    key: Key[Array, ""], size: int, share: float, validation_share: float
) -> list[Int[np.ndarray, " rows"]]:
    """Rows that are fitted to, rows for validation, and rows that are held out."""
    order = np.asarray(jax.random.permutation(key, size))
    seen = round(share * size)
    aside = max(2, round(validation_share * seen)) if validation_share else 0
    if seen - aside < 2 or (share < 1 and size - seen < 2):
        raise ValueError(
            "Expected groups with at least two rows to fit to, two held out and two "
            f"for validation, if any; got one of {size} rows with share={share}, "
            f"validation_share={validation_share}."
        )
    return [np.sort(part) for part in np.split(order, [seen - aside, seen])]


def _comparisons(
    groups: list[Points],
    rows: Sequence[np.ndarray],
    between: Between,
    mesh: Mesh | None,
) -> Comparisons:
    """What is compared of chosen rows of every group."""
    parts = [group[chosen] for group, chosen in zip(groups, rows, strict=True)]
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    owns = owner == np.arange(len(parts))[:, None]
    if between == "pairs" or len(parts) == 2:
        members = np.array(list(combinations(owns, 2)))
    else:
        members = np.stack([owns, ~owns], axis=1)
    num = int(members.sum(-1).min())
    # Evenly spaced: the pool of others is in the order of the groups.
    sides = [np.flatnonzero(side) for pair in members for side in pair]
    choice = [side[np.arange(num) * len(side) // max(num, 1)] for side in sides]
    rows_of_sides = np.array(choice, np.int32).reshape(*members.shape[:2], num)
    arrays = np.concatenate(parts), members, rows_of_sides
    arrays = jax.device_put(arrays)  # `asarray` compiles for every shape
    return put_whole(mesh, Comparisons(*arrays))
