"""Training an MMD-GAN from Python: chunks of compiled steps, and what is between them.

Everything that a later step depends on is in the `Run`, and chunks start at the same
steps whether or not the training was interrupted. Of several processes each does what
is between chunks, and all go by the figures of the first.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.archive import named_arrays
from cgm_jax._shared.data_parallel import on_mesh, put_whole
from cgm_jax._shared.progress import Progress
from cgm_jax.generators.product_columns import state_slices, states_and_values
from cgm_jax.generators.quality import likeness, sample_quality
from cgm_jax.generators.three_sample import is_nearer
from cgm_jax.gram.mesh import agreed
from cgm_jax.kernels import Kernel, SquaredExponential

from .calibration import Calibration, fit_calibration, state_shifts
from .checkpoints import Checkpoints
from .model import MMDGANModel, generate_points
from .step import GANState, Parameters, Program, train, with_learning_rate

NUM_EVALUATED, NUM_JUDGED = 1_000, 5_000  # generated points, on the way and at the end
# To calibrate with: so many times the training points that their noise decides.
CALIBRATED_TIMES, MOST_CALIBRATED = 10, 50_000
NUM_SHIFTED = 10_000  # z by whose logits these are moved
MAX_RESTARTS = 3
MAX_FAILURES = 3  # checks of the three-sample rule in a row


LearningRateRule = Literal["constant", "three-sample"]


class Schedule(NamedTuple):
    """What steers the loop, and is not compiled for."""

    num_steps: int
    learning_rate: float
    learning_rate_rule: LearningRateRule
    held_out: float
    evaluate_every: int
    patience: int | None
    calibrated: bool


class TrainingProgress(NamedTuple):
    """The figures of one evaluation, for the caller's ``progress``."""

    step: int
    num_steps: int
    loss: float  # mean MMD² of batches since the last evaluation
    held_out_mmd2: tuple[float, float]  # of generated points, at ℓ and at ℓ/4
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

    training: GANState
    best: Parameters  # the average at the best evaluation so far
    best_score: Float[np.ndarray, ""]
    without_best: Int[np.ndarray, ""]  # evaluations since
    compared: Parameters  # the average at the last check of the three-sample rule
    failures: Int[np.ndarray, ""]
    restarts: Int[np.ndarray, ""]  # after infinite numbers
    history: Float[np.ndarray, "evaluations 5"]  # NaN: still to come

    @classmethod
    def at_start(cls, state: GANState, schedule: Schedule) -> "Run":
        """The run before the first step."""
        num_evaluations = -(-schedule.num_steps // schedule.evaluate_every)
        history = np.full((num_evaluations, 5), np.nan)
        average, score, zero = state.average, np.array(np.inf), np.zeros((), np.int32)
        return cls(state, average, score, zero, average, zero, zero, history)


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """What is trained, on what, with which keys; points in the networks' units."""

    schedule: Schedule
    program: Program
    training: Float[np.ndarray, "n d"]
    held_out: Float[np.ndarray, "h d"]
    shift: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    length_scale: float  # ℓ, the median distance of training points
    fixed_kernel: Kernel | None
    train_key: Key[Array, ""]
    evaluate_key: Key[Array, ""]
    quality_key: Key[Array, ""]
    calibrate_key: Key[Array, ""]

    def generated(
        self,
        average: Parameters,
        num: int = NUM_EVALUATED,
        *,
        key: Key[Array, ""] | None = None,
        calibration: Calibration | None = None,
    ) -> np.ndarray:
        """Points of some parameters, from the same noise unless there is a key."""
        points = generate_points(
            self.evaluate_key if key is None else key,
            self.program.architecture,
            self.program.generator,
            average,
            num,
            shift=np.zeros_like(self.shift),
            scale=np.ones_like(self.scale),
            calibration=calibration,
        )
        return np.asarray(points)

    def calibration(self, average: Parameters) -> Calibration:
        """Which points of some parameters to keep, from noise of its own."""
        num = min(CALIBRATED_TIMES * len(self.training), MOST_CALIBRATED)
        points = self.generated(average, num, key=self.calibrate_key)
        return fit_calibration(self.training, points, length_scale=self.length_scale)

    def with_states_as_often(self, average: Parameters) -> Parameters:
        """Some parameters after their logits were moved: see `state_shifts`."""
        architecture = self.program.architecture
        if architecture.columns is None:
            return average
        key = jax.random.fold_in(self.calibrate_key, 1)
        generator = nnx.merge(self.program.generator, average)
        logits = np.asarray(generator.logits(architecture.noise(key, NUM_SHIFTED)))
        states, _ = states_and_values(architecture.columns, self.training)
        shares = [
            np.bincount(state, minlength=column.num_states) / len(state)
            for state, column in zip(states, architecture.columns, strict=True)
        ]
        shifts = state_shifts(
            logits.astype(np.float64),
            state_slices(architecture.columns),
            np.concatenate(shares),
        )
        generator.move_logits(shifts.astype(np.float32))
        return nnx.state(generator)


def train_model(
    setup: TrainingSetup,
    run: Run,
    trained_with: dict[str, Any],
    checkpoints: Checkpoints | None,
    progress: Callable[[TrainingProgress], None] | None,
) -> MMDGANModel:
    """Train to the end, from the newest checkpoint if there is one, and judge."""
    if checkpoints is not None:
        run = checkpoints.newest(run) or run
    run, stop_reason = _train(setup, run, checkpoints, progress)
    chosen = run.training.average if setup.schedule.patience is None else run.best
    calibration = None
    if setup.schedule.calibrated:
        chosen = setup.with_states_as_often(chosen)
        calibration = setup.calibration(chosen)
    judged = setup.generated(chosen, NUM_JUDGED, calibration=calibration)
    quality = sample_quality(setup.quality_key, setup.training, setup.held_out, judged)
    return MMDGANModel(
        trained_with,
        named_arrays(chosen),
        setup.shift,
        setup.scale,
        run.history[np.isfinite(run.history[:, 0])],
        stop_reason,
        quality,
        calibration=calibration,
    )


def _train(
    setup: TrainingSetup,
    run: Run,
    checkpoints: Checkpoints | None,
    progress: Callable[[TrainingProgress], None] | None,
) -> tuple[Run, str]:
    """Chunks of steps until all are taken or there is no point in going on."""
    schedule = setup.schedule
    mesh = setup.program.options.mesh
    points = put_whole(mesh, jnp.asarray(setup.training))
    kernel = put_whole(mesh, setup.fixed_kernel)
    while (step := int(run.training.step)) < schedule.num_steps:
        if schedule.patience is not None and run.without_best >= schedule.patience:
            return run, "patience"
        size = min(schedule.evaluate_every, schedule.num_steps - step)
        key = jax.random.fold_in(setup.train_key, int(run.restarts))
        began = time.perf_counter()
        start = put_whole(mesh, run.training)
        with on_mesh(mesh):
            chunk = partial(train, num_steps=size, kernel=kernel)
            state, loss = chunk(key, setup.program, start, points)
        if mesh is not None:  # what is between chunks is one device's work
            state = jax.tree.map(np.asarray, state)
        loss = float(loss)
        seconds = time.perf_counter() - began
        generated = setup.generated(state.average)
        is_finite = math.isfinite(loss) and _are_finite(state, generated)
        if not agreed(mesh, np.array([float(is_finite)]))[0]:
            if run.restarts < MAX_RESTARTS:
                # From the last good state, at half the rate, by other randomness.
                slower = _at_half_the_rate(run.training)
                run = run._replace(training=slower, restarts=run.restarts + np.int32(1))
                continue
            if step > 0:
                return run, "not-finite"
            raise FloatingPointError(
                "Expected finite numbers in the training, got infinite ones or NaN "
                f"within the first {size} steps at four learning rates from "
                f"{schedule.learning_rate:g} down; use a smaller learning_rate or look "
                "for rows far from all others."
            )
        row = step // schedule.evaluate_every
        run = _evaluated(setup, run, state, loss, generated, row)
        if checkpoints is not None:
            checkpoints.save(step + size, run)
        if progress is not None:
            mmd2, mmd2_quarter, rate = map(float, run.history[row, 2:])
            figures = loss, (mmd2, mmd2_quarter), rate, size / seconds
            progress(TrainingProgress(step + size, schedule.num_steps, *figures))
    return run, "all-steps"


def _at_half_the_rate(state: GANState) -> GANState:
    return with_learning_rate(state, state.learning_rate / 2)


def _evaluated(
    setup: TrainingSetup,
    run: Run,
    state: GANState,
    loss: float,
    generated: Float[np.ndarray, "m d"],
    row: int,
) -> Run:
    """The run after a chunk: compared with the held-out points, and by the rules."""
    found = likeness(generated, setup.held_out, length_scale=setup.length_scale)
    figures = agreed(setup.program.options.mesh, np.array(found)).tolist()
    history = run.history.copy()
    history[row] = (int(state.step), loss, *figures, float(state.learning_rate))
    without_best = run.without_best + np.int32(1)
    run = run._replace(training=state, history=history, without_best=without_best)
    if sum(figures) < run.best_score:
        score, zero = np.array(sum(figures)), np.zeros((), np.int32)
        run = run._replace(best=state.average, best_score=score, without_best=zero)
    if setup.schedule.learning_rate_rule == "three-sample":
        run = _by_three_samples(setup, run, generated)
    return run


def _by_three_samples(setup: TrainingSetup, run: Run, generated: np.ndarray) -> Run:
    """Halve the learning rate after three checks in a row without an improvement."""
    before = setup.generated(run.compared)
    run = run._replace(compared=run.training.average)
    kernel, zero = SquaredExponential(setup.length_scale), np.zeros((), np.int32)
    nearer = float(is_nearer(kernel, setup.held_out, generated, before))
    if agreed(setup.program.options.mesh, np.array([nearer]))[0]:
        return run._replace(failures=zero)
    if run.failures + 1 < MAX_FAILURES:
        return run._replace(failures=run.failures + np.int32(1))
    return run._replace(training=_at_half_the_rate(run.training), failures=zero)


def _are_finite(*trees: Any) -> bool:
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(trees))
