"""Training an MMD-GAN from Python: chunks of compiled steps, and what is between them.

After every chunk the numbers are checked, the average generator is compared with the
held-out points, the learning-rate rule decides, the caller is told and the whole `Run`
is saved. Everything that a later step depends on is in the `Run`, and chunks start at
the same steps whether or not the training was interrupted.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key

from cgm_jax._shared.archive import named_arrays
from cgm_jax._shared.arrays import as_points
from cgm_jax._shared.progress import Progress
from cgm_jax.generators.quality import likeness, sample_quality
from cgm_jax.generators.three_sample import is_nearer
from cgm_jax.gram import median_length_scale
from cgm_jax.kernels import Kernel, SquaredExponential

from .calibration import Calibration, fit_calibration
from .checkpoints import Checkpoints
from .fixed_kernel import kernel_in_units
from .model import MMDGANModel
from .step import Parameters, Program, TrainingState, start_training, train

if TYPE_CHECKING:
    from .mmd_gan import MMDGAN

__all__ = ["Run", "TrainingProgress", "fit_mmd_gan", "held_out_rows", "training_stages"]

LEAST_POINTS = 20
NUM_EVALUATED = 1_000  # generated points at an evaluation
NUM_JUDGED = 5_000  # at the end
# To calibrate with: so many times the training points that their noise decides.
CALIBRATED_TIMES, MOST_CALIBRATED = 10, 50_000
MAX_RESTARTS = 3
_NUM_KEYS = 6  # children of the key of a fit
MAX_FAILURES = 3  # checks of the three-sample rule in a row


class TrainingProgress(NamedTuple):
    """What the caller is told at every evaluation."""

    step: int
    num_steps: int
    loss: float
    """MMD² of the critic's features, or of points under a fixed kernel; mean over the
    steps since the last evaluation."""

    held_out_mmd2: tuple[float, float]
    """MMD² of generated and held-out points at ℓ and at ℓ/4."""

    learning_rate: float
    steps_per_second: float


def training_stages(progress: Progress) -> Callable[[TrainingProgress], None]:
    """The progress of a training as stages, of which the first is compilation."""

    def evaluated(training: TrainingProgress) -> None:
        progress(
            f"training, MMD² {training.held_out_mmd2[0]:.2g} to held-out points, "
            f"{training.steps_per_second:.0f} steps/s",
            training.step / training.num_steps,
        )

    progress("training, compiling", 0.0)
    return evaluated


class Run(NamedTuple):
    """Everything that the rest of a training depends on."""

    training: TrainingState
    best: Parameters
    """The average at the best evaluation so far."""

    best_score: Float[np.ndarray, ""]
    without_best: Int[np.ndarray, ""]
    """Evaluations since."""

    compared: Parameters
    """The average at the last check of the three-sample rule."""

    failures: Int[np.ndarray, ""]
    restarts: Int[np.ndarray, ""]
    """How often the training ran into infinite numbers and went back."""

    history: Float[np.ndarray, "evaluations 5"]
    """NaN where an evaluation is still to come."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is trained, on what, with which keys; points in the networks' units."""

    options: "MMDGAN"
    program: Program
    training: Float[np.ndarray, "n d"]
    held_out: Float[np.ndarray, "h d"]
    shift: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    length_scale: float
    fixed_kernel: Kernel | None
    """That of the options, of points in the networks' units."""

    train_key: Key[Array, ""]
    evaluate_key: Key[Array, ""]
    quality_key: Key[Array, ""]
    calibrate_key: Key[Array, ""]

    @property
    def kernel(self) -> SquaredExponential:
        """At ℓ."""
        return SquaredExponential(self.length_scale)

    def model(
        self, average: Parameters, history: np.ndarray, stop_reason: str
    ) -> MMDGANModel:
        """The generator with some parameters."""
        return MMDGANModel(
            self.options,
            named_arrays(average),
            self.shift,
            self.scale,
            history[np.isfinite(history[:, 0])],
            stop_reason,
        )

    def generated(
        self,
        average: Parameters,
        num: int = NUM_EVALUATED,
        *,
        key: Key[Array, ""] | None = None,
        calibration: Calibration | None = None,
    ) -> np.ndarray:
        """Points of some parameters, in the networks' units, from the same noise."""
        model = replace(
            self.model(average, np.zeros((0, 5)), ""),
            shift=np.zeros_like(self.shift),
            scale=np.ones_like(self.scale),
            calibration=calibration,
        )
        return np.asarray(model.sample(self.evaluate_key if key is None else key, num))

    def calibration(self, average: Parameters) -> Calibration:
        """Which points of some parameters to keep, from noise of its own."""
        num = min(CALIBRATED_TIMES * len(self.training), MOST_CALIBRATED)
        return fit_calibration(
            self.training,
            self.generated(average, num, key=self.calibrate_key),
            length_scale=self.length_scale,
        )


def fit_mmd_gan(
    key: Key[Array, ""],
    options: "MMDGAN",
    points: Float[ArrayLike, "n d"],
    *,
    checkpoint_dir: str | Path | None,
    progress: Callable[[TrainingProgress], None] | None,
) -> MMDGANModel:
    """Train, evaluate, save and go on; see `MMDGAN.fit`."""
    # One precision, whatever the user's setting: the same programs, the same bits.
    with jax.enable_x64(False):
        array = np.asarray(as_points(points, "points"))
        task, run = _start(key, options, array)
        checkpoints = None
        if checkpoint_dir is not None:
            checkpoints = Checkpoints.of(checkpoint_dir, options, array, key)
            run = checkpoints.newest(run) or run
        run, stop_reason = _train(task, run, checkpoints, progress)
        chosen = run.training.average if options.patience is None else run.best
        model = task.model(chosen, run.history, stop_reason)
        calibration = task.calibration(chosen) if options.calibrated else None
        quality = sample_quality(
            task.quality_key,
            task.training,
            task.held_out,
            task.generated(chosen, NUM_JUDGED, calibration=calibration),
        )
    return replace(model, quality=quality, calibration=calibration)


def held_out_rows(
    key: Key[Array, ""], options: "MMDGAN", num: int
) -> Int[np.ndarray, " h"]:
    """Which of ``num`` points a training with this key and options never sees.

    Args:
        key: the key that `MMDGAN.fit` is given.
        options: the generator.
        num: number of points that it is trained on, and judged by.

    Returns:
        Their numbers, from 0.
    """
    with jax.enable_x64(False):
        split_key = jax.random.split(key, _NUM_KEYS)[1]
        return _split(split_key, options, num)[0]


def _split(
    key: Key[Array, ""], options: "MMDGAN", num: int
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """The points held out, and those trained on, in random order."""
    order = np.asarray(jax.random.permutation(key, num))
    num_held_out = max(2, round(options.held_out * num))
    return order[:num_held_out], order[num_held_out:]


def _start(
    key: Key[Array, ""], options: "MMDGAN", points: Float[np.ndarray, "n d"]
) -> tuple[Task, Run]:
    _check_points(options, points)
    start_key, split_key, *keys = jax.random.split(key, _NUM_KEYS)
    shift, scale = _units(options, points)
    # A column far from 0 is centred in the precision that it came in.
    scaled = ((points - shift[None]) / scale[None]).astype(np.float32)
    held_out, training = (
        scaled[rows] for rows in _split(split_key, options, len(points))
    )
    fixed_kernel = None
    if not isinstance(options.kernel, str):
        fixed_kernel = kernel_in_units(options.kernel, points, shift=shift, scale=scale)
    program, state = start_training(start_key, options, points.shape[1])
    task = Task(
        options,
        program,
        training,
        held_out,
        shift,
        scale,
        median_length_scale(training),
        fixed_kernel,
        *keys,
    )
    num_evaluations = -(-options.num_steps // options.evaluate_every)
    zero = np.zeros((), np.int32)
    history = np.full((num_evaluations, 5), np.nan)
    run = Run(
        state,
        state.average,
        np.array(np.inf),
        zero,
        state.average,
        zero,
        zero,
        history,
    )
    return task, run


def _train(
    task: Task,
    run: Run,
    checkpoints: Checkpoints | None,
    progress: Callable[[TrainingProgress], None] | None,
) -> tuple[Run, str]:
    """Chunks of steps until all are taken or there is no point in going on."""
    options = task.options
    points = jnp.asarray(task.training)
    while (step := int(run.training.step)) < options.num_steps:
        if options.patience is not None and run.without_best >= options.patience:
            return run, "patience"
        size = min(options.evaluate_every, options.num_steps - step)
        key = jax.random.fold_in(task.train_key, int(run.restarts))
        began = time.perf_counter()
        state, loss = train(
            key,
            task.program,
            run.training,
            points,
            num_steps=size,
            kernel=task.fixed_kernel,
        )
        loss = float(loss)
        seconds = time.perf_counter() - began
        generated = task.generated(state.average)
        if not (math.isfinite(loss) and _are_finite(state, generated)):
            if run.restarts >= MAX_RESTARTS:
                if step == 0:
                    raise FloatingPointError(
                        "Expected finite numbers in the training, got infinite ones or "
                        f"NaN within the first {size} steps at four learning rates "
                        f"from {options.learning_rate:g} down; use a smaller "
                        "learning_rate or look for rows far from all others."
                    )
                return run, "not-finite"
            run = _back(run)
            continue
        at = step // options.evaluate_every
        run = _evaluated(task, run, state, loss, generated, at)
        if checkpoints is not None:
            checkpoints.save(step + size, run)
        if progress is not None:
            row = run.history[at]
            told = (float(row[2]), float(row[3])), float(row[4]), size / seconds
            progress(TrainingProgress(step + size, options.num_steps, loss, *told))
    return run, "all-steps"


def _back(run: Run) -> Run:
    """The last good state, with half the learning rate and other randomness."""
    half = run.training.learning_rate / 2
    training = run.training._replace(learning_rate=half)
    return run._replace(training=training, restarts=run.restarts + np.int32(1))


def _evaluated(
    task: Task,
    run: Run,
    state: TrainingState,
    loss: float,
    generated: Float[np.ndarray, "m d"],
    row: int,
) -> Run:
    """The run after a chunk: compared with the held-out points, and by the rules."""
    figures = likeness(generated, task.held_out, length_scale=task.length_scale)
    history = run.history.copy()
    history[row] = (int(state.step), loss, *figures, float(state.learning_rate))
    run = run._replace(training=state, history=history)
    if sum(figures) < run.best_score:
        run = run._replace(
            best=state.average,
            best_score=np.array(sum(figures)),
            without_best=np.zeros((), np.int32),
        )
    else:
        run = run._replace(without_best=run.without_best + np.int32(1))
    if task.options.learning_rate_rule == "three-sample":
        run = _by_three_samples(task, run, generated)
    return run


def _by_three_samples(task: Task, run: Run, generated: np.ndarray) -> Run:
    """Halve the learning rate after three checks in a row without an improvement."""
    before = task.generated(run.compared)
    run = run._replace(compared=run.training.average)
    if is_nearer(task.kernel, task.held_out, generated, before):
        return run._replace(failures=np.zeros((), np.int32))
    if run.failures + 1 < MAX_FAILURES:
        return run._replace(failures=run.failures + np.int32(1))
    half = run.training.learning_rate / 2
    return run._replace(
        training=run.training._replace(learning_rate=half),
        failures=np.zeros((), np.int32),
    )


def _units(
    options: "MMDGAN", points: Float[np.ndarray, "n d"]
) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale of every column."""
    ones = np.ones(points.shape[1])
    if options.value_range is not None:
        low, high = options.value_range
        return ones * low, ones * (high - low)
    deviation = points.std(axis=0, dtype=np.float64)
    return points.mean(axis=0, dtype=np.float64), np.where(deviation > 0, deviation, 1)


def _check_points(options: "MMDGAN", points: Float[np.ndarray, "n d"]) -> None:
    if len(points) < LEAST_POINTS:
        raise ValueError(
            f"Expected at least {LEAST_POINTS} points to train on, got {len(points)}; "
            "KernelDensity takes fewer."
        )
    if (points == points[:1]).all():
        raise ValueError(
            "Expected points that differ, got the same row everywhere: there is "
            "nothing to learn."
        )
    if options.shape is not None and math.prod(options.shape) != points.shape[1]:
        raise ValueError(
            f"Expected images of shape {options.shape} as rows of "
            f"{math.prod(options.shape)} numbers, got {points.shape[1]} columns."
        )
    if options.value_range is not None:
        low, high = options.value_range
        if points.min() < low or points.max() > high:
            raise ValueError(
                f"Expected points in value_range={options.value_range}, got numbers "
                f"from {points.min():g} to {points.max():g}."
            )


def _are_finite(*trees: Any) -> bool:
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(trees))
