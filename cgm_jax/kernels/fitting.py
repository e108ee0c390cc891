r"""Kernels that are learned: those that tell the groups apart best, or least.

The objective is J = MMD²_u / √(σ̂² + λ), the power of the two-sample test (see
`valuation.test_power`), between every two groups or between each group and all others
together.

A kernel that has seen the points it is used on finds differences that are not there. So
it is fitted to a random part of every group's rows, half of them unless said otherwise,
and is to be used on the rest: `FittedKernel.held_out_rows`. J is reported on both. No
label is ever seen: the groups are all that there is.

Reference: Liu et al. 2020, Sec. 4.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key

from cgm_jax._arrays import Points, as_parties, with_common_dtype

from .base import Kernel
from .saving import save_kernel
from .training import (
    Comparisons,
    Objective,
    TrainingState,
    kernel_of,
    powers,
    start_training,
    train,
)

__all__ = ["FittedKernel", "FittingProgress", "fit_kernel", "fit_kernels"]

Between = Literal["pairs", "pool"]
VALIDATION = 0.2  # of the rows that a fit sees, where it may stop early


class FittingProgress(NamedTuple):
    """What the caller is told at every evaluation; means over all kernels."""

    step: int
    num_steps: int
    power: float
    """Mean J on the rows that are fitted to."""

    validation_power: float
    """Mean J on the rows that decide when to stop; NaN without any."""


@dataclass(frozen=True, eq=False)
class FittedKernel:
    """A learned kernel and how well it tells the groups apart.

    Attributes:
        kernel: the kernel.
        fitted_power: mean J on the rows that the fit has seen.
        held_out_power: mean J on the others, NaN where there are none: the honest one.
        fitted_rows: of every group, the rows that the fit has seen, sorted.
        held_out_rows: of every group, the others: what the kernel is to be used on.
        history: one row an evaluation: step, J on the rows fitted to, J on the rows
            that decide when to stop (NaN without any).
        stop_reason: "all-steps", "patience", or "not-finite" after infinite numbers;
            the kernel is the last good one.
    """

    kernel: Kernel
    fitted_power: float
    held_out_power: float
    fitted_rows: tuple[Int[np.ndarray, "..."], ...]
    held_out_rows: tuple[Int[np.ndarray, "..."], ...]
    history: Float[np.ndarray, "evaluations 3"]
    stop_reason: str

    def save(self, path: str | Path) -> None:
        """Write the kernel and both J's to a file that `load_kernel` reads.

        Args:
            path: the file, by custom ``.npz``.

        Raises:
            TypeError: if the kernel is not made of this package's.
            OSError: if the system refuses.
        """
        powers = {
            "power on fitted rows": self.fitted_power,
            "power on held-out rows": self.held_out_power,
        }
        notes = {k: v if math.isfinite(v) else None for k, v in powers.items()}
        save_kernel(path, self.kernel, notes=notes)


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
    batch_size: int | None = None,
    evaluate_every: int = 100,
    patience: int | None = None,
    progress: Callable[[FittingProgress], None] | None = None,
) -> FittedKernel:
    r"""Learn all parameters of a kernel from groups of points, by Adam.

    .. math:: \max_\theta \operatorname{mean}_{a, b} J_\theta(D_a, D_b)

    Args:
        key: a typed key: which rows are seen, and batches.
        kernel: where to start, as a deep kernel, or one with a length scale a
            dimension. All of its parameters are learned.
        groups: the parties' points, arrays of shape ``(n_i, d)``; sizes may differ.
            Float64 points are fitted to in float64, others in float32.
        objective: "power" maximises the mean J; "invariance" minimises the mean J², for
            groups of one distribution whose differences are a nuisance. (A constant
            kernel ignores all differences: start from one that was fitted for power,
            and take few steps.)
        between: every two groups ("pairs"), or each and all others ("pool").
        share: of every group's rows, the part that the fit sees, 0 < share <= 1. With 1
            nothing is held out: for a kernel that is used on other points.
        num_steps: steps of Adam.
        learning_rate: of Adam.
        batch_size: points drawn from each side of a comparison at every step. By
            default as many as the smallest side has: all, where groups are of one size.
        evaluate_every: steps between evaluations.
        patience: stop after so many evaluations in a row without a better J on a fifth
            of the seen rows, which is then kept from the fit, and return the best. By
            default all steps are taken and all seen rows are fitted to.
        progress: called at every evaluation.

    Returns:
        The kernel, J on the rows it has seen and on those it has not.

    Raises:
        ValueError: for fewer than two groups, groups too small, shapes that do not fit,
            entries that are not finite, or options out of range.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> rng = np.random.default_rng(0)
        >>> groups = [rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) * [1, 3]]
        >>> kernel = SquaredExponential(np.ones(2))
        >>> fitted = fit_kernel(
        ...     jax.random.key(0), kernel, groups, num_steps=50, learning_rate=0.05
        ... )
        >>> bool(fitted.fitted_power > fitted.history[0, 1])
        True

    Reference:
        Liu et al. 2020, Algorithm 1.
    """
    return fit_kernels(
        key[None],
        [kernel],
        [groups],
        objective=objective,
        between=between,
        share=share,
        num_steps=num_steps,
        learning_rate=learning_rate,
        batch_size=batch_size,
        evaluate_every=evaluate_every,
        patience=patience,
        progress=progress,
    )[0]


def fit_kernels(
    keys: Key[Array, " fits"],
    kernels: Sequence[Kernel],
    groups: Sequence[Sequence[Float[ArrayLike, "_ d"]]],
    *,
    objective: Objective = "power",
    between: Between = "pairs",
    share: float = 0.5,
    num_steps: int = 1_000,
    learning_rate: float = 5e-4,
    batch_size: int | None = None,
    evaluate_every: int = 100,
    patience: int | None = None,
    progress: Callable[[FittingProgress], None] | None = None,
) -> list[FittedKernel]:
    """As `fit_kernel`, many at once: compiled once, and few calls.

    Args:
        keys: one typed key a fit.
        kernels: where each starts; of one structure.
        groups: the groups of each fit; of the same sizes in all of them.
        objective: as in `fit_kernel`.
        between: as in `fit_kernel`.
        share: as in `fit_kernel`.
        num_steps: as in `fit_kernel`.
        learning_rate: as in `fit_kernel`.
        batch_size: as in `fit_kernel`.
        evaluate_every: as in `fit_kernel`.
        patience: as in `fit_kernel`; all go on until each has stopped.
        progress: as in `fit_kernel`.

    Returns:
        What `fit_kernel` gives for each.

    Raises:
        ValueError: as `fit_kernel`, or if the fits are not of one shape.

    Example:
        >>> from cgm_jax.kernels import SquaredExponential
        >>> groups = np.random.default_rng(0).normal(size=(3, 2, 40, 1))
        >>> fits = fit_kernels(
        ...     jax.random.split(jax.random.key(0), 3),
        ...     [SquaredExponential(scale) for scale in (0.5, 1.0, 2.0)],
        ...     [list(pair) for pair in groups],
        ...     num_steps=5,
        ... )
        >>> [len(fitted.held_out_rows[0]) for fitted in fits]
        [20, 20, 20]
    """
    _check(objective, between, share, num_steps, learning_rate, evaluate_every)
    checked = [_checked(each) for each in groups]
    _check_lanes(keys, kernels, checked)
    dtype = checked[0][0].dtype
    with jax.enable_x64(dtype == np.float64):
        split_keys, train_keys = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 0, 1)
        parts = [
            [
                _split(jax.random.fold_in(key, i), len(group), share, patience)
                for i, group in enumerate(each)
            ]
            for key, each in zip(split_keys, checked, strict=True)
        ]
        seen, validation, rest = (
            _stacked(checked, [[part[p] for part in lane] for lane in parts], between)
            for p in range(3)
        )
        states = [start_training(kernel, dtype) for kernel in kernels]
        state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
        smallest = int(np.asarray(seen.members[0]).sum(-1).min())
        drawn = min(batch_size or smallest, smallest)
        if drawn < 2:
            raise ValueError(f"Expected batch_size >= 2, got {batch_size}.")
        is_all = bool((np.asarray(seen.members).sum(-1) == drawn).all())
        run = _Run(state, np.full(len(kernels), -np.inf), len(kernels))
        step = 0
        while True:
            run.evaluated(step, *(_mean(state, part) for part in (seen, validation)))
            run.keep(state, objective, patience)
            if progress is not None:
                told = [float(row) for row in run.history[-1][1:].mean(axis=1)]
                progress(FittingProgress(step, num_steps, *told))
            if step == num_steps or run.stopped.all():
                break
            size = min(evaluate_every, num_steps - step)
            state = train(
                train_keys,
                state,
                seen,
                jnp.asarray(learning_rate, dtype),
                jnp.asarray(size, jnp.int32),
                objective=objective,
                num_drawn=None if is_all else drawn,
            )
            step += size
        everything = _stacked(
            checked,
            [[_both(part) for part in lane] for lane in parts],
            between,
        )
        fitted_power, held_out_power = (
            _mean(run.kept, part) for part in (everything, rest)
        )
        kept = kernel_of(run.kept)
        return [
            FittedKernel(
                kernel=jax.tree.map(lambda leaf, i=i: _on_host(leaf[i]), kept),
                fitted_power=float(fitted_power[i]),
                held_out_power=float(held_out_power[i]),
                fitted_rows=tuple(map(_both, parts[i])),
                held_out_rows=tuple(part[2] for part in parts[i]),
                history=run.history_of(i),
                stop_reason=run.reasons[i],
            )
            for i in range(len(kernels))
        ]


class _Run:
    """What Python keeps between the calls, of every fit."""

    def __init__(self, state: TrainingState, best: np.ndarray, lanes: int):
        self.kept, self.best = state, best
        self.without_best = np.zeros(lanes, int)
        self.stopped = np.zeros(lanes, bool)
        self.last = np.zeros(lanes, int)  # its last row of the history
        self.reasons = ["all-steps"] * lanes
        self.history: list[np.ndarray] = []

    def evaluated(self, step: int, power: np.ndarray, validation: np.ndarray) -> None:
        """Note the figures of a step."""
        self.history.append(np.stack([np.full(len(power), step), power, validation]))

    def keep(
        self, state: TrainingState, objective: Objective, patience: int | None
    ) -> None:
        """Take over the kernels that are better, and stop those that are not."""
        _, power, validation = self.history[-1]
        finite = np.isfinite(power)
        self.last[~self.stopped] = len(self.history) - 1
        self._stop(~finite, "not-finite")
        score = validation if objective == "power" else -np.abs(validation)
        better = finite & ~self.stopped
        if patience is not None:
            better &= score > self.best
            self.best = np.where(better, score, self.best)
            self.without_best = np.where(better, 0, self.without_best + 1)
        take = jnp.asarray(better)
        self.kept = jax.tree.map(
            lambda new, old: _where(take, new, old), state, self.kept
        )
        if patience is not None:
            self._stop(self.without_best >= patience, "patience")

    def history_of(self, lane: int) -> Float[np.ndarray, "evaluations 3"]:
        """The rows of one fit, until it stopped."""
        return np.array([row[:, lane] for row in self.history])[: self.last[lane] + 1]

    def _stop(self, which: np.ndarray, reason: str) -> None:
        for lane in np.flatnonzero(which & ~self.stopped):
            self.reasons[lane] = reason
        self.stopped |= which


def _where(take: Array, new: Array, old: Array) -> Array:
    return jnp.where(take.reshape(-1, *[1] * (new.ndim - 1)), new, old)


def _on_host(leaf: Array) -> Any:
    """NumPy keeps float64 outside of the scope; a key is not a number."""
    is_number = jnp.issubdtype(leaf.dtype, jnp.number)
    return np.asarray(leaf) if is_number else leaf


def _mean(state: TrainingState, comparisons: Comparisons) -> Float[np.ndarray, " fits"]:
    """Mean J of each kernel; NaN where a side has fewer than two points."""
    if comparisons.rows.shape[-1] < 2:
        return np.full(len(comparisons.rows), np.nan)
    return np.asarray(powers(state, comparisons), np.float64).mean(axis=1)


def _split(
    key: Key[Array, ""], size: int, share: float, patience: int | None
) -> list[Int[np.ndarray, " rows"]]:
    """Rows that are fitted to, that decide when to stop, and that are held out."""
    order = np.asarray(jax.random.permutation(key, size))
    seen = round(share * size)
    aside = 0 if patience is None else max(2, round(VALIDATION * seen))
    if seen - aside < 2 or (share < 1 and size - seen < 2):
        raise ValueError(
            "Expected groups with at least two rows to fit to, two held out and, with "
            f"patience, two to decide when to stop; got one of {size} rows with "
            f"share={share}."
        )
    return [np.sort(part) for part in np.split(order, [seen - aside, seen])]


def _both(part: list[np.ndarray]) -> Int[np.ndarray, " rows"]:
    """All rows that the fit has seen."""
    return np.sort(np.concatenate(part[:2]))


def _stacked(
    groups: list[list[Points]], rows: list[list[np.ndarray]], between: Between
) -> Comparisons:
    """The comparisons of all fits, stacked."""
    lanes = []
    for each, chosen in zip(groups, rows, strict=True):
        parts = [np.asarray(g)[r] for g, r in zip(each, chosen, strict=True)]
        owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        if between == "pairs" or len(parts) == 2:
            sides = [
                (owner == i, owner == j) for i, j in combinations(range(len(parts)), 2)
            ]
        else:
            sides = [(owner == i, owner != i) for i in range(len(parts))]
        members = np.array(sides)
        num = int(members.sum(-1).min())
        # Evenly spaced: the pool of others is in the order of the groups.
        choice = [
            [np.flatnonzero(side)[_spaced(int(side.sum()), num)] for side in pair]
            for pair in members
        ]
        lanes.append((np.concatenate(parts), members, np.array(choice, np.int32)))
    return Comparisons(
        *(jnp.asarray(np.stack(part)) for part in zip(*lanes, strict=True))
    )


def _spaced(size: int, num: int) -> Int[np.ndarray, " num"]:
    return np.arange(num) * size // max(num, 1)


def _checked(groups: Sequence[Float[ArrayLike, "_ d"]]) -> list[Points]:
    points = as_parties(groups)
    if len(points) < 2:
        raise ValueError(f"Expected at least two groups to compare, got {len(points)}.")
    return with_common_dtype(*((f"groups[{i}]", x) for i, x in enumerate(points)))


def _check_lanes(
    keys: Key[Array, " fits"], kernels: Sequence[Kernel], groups: list[list[Points]]
) -> None:
    if not 0 < len(kernels) == len(groups) == len(keys):
        raise ValueError(
            "Expected one key and one list of groups for every kernel, at least one; "
            f"got {len(keys)} keys, {len(kernels)} kernels, {len(groups)} lists."
        )
    shapes = {tuple((x.shape, str(x.dtype)) for x in each) for each in groups}
    structures = [jax.tree.structure(kernel) for kernel in kernels]
    if len(shapes) > 1 or any(s != structures[0] for s in structures):
        raise ValueError(
            "Expected kernels of one structure, and groups of the same sizes in all "
            "fits; call fit_kernel for each instead."
        )


def _check(
    objective: str,
    between: str,
    share: float,
    num_steps: int,
    learning_rate: float,
    evaluate_every: int,
) -> None:
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
    if num_steps < 1 or evaluate_every < 1:
        raise ValueError(
            "Expected num_steps and evaluate_every of at least 1, got "
            f"{num_steps} and {evaluate_every}."
        )
