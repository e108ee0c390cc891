"""MMD-GAN: a generator trained until a critic finds no difference in mean features.

The critic learns features in which generated points differ from real ones, the
generator learns to make the MMD² of these features small. Tables are standardised for
the training and come back in their units; images are rows of numbers in a range.

The generator sees real points through the critic's gradient only, and a sample is a
function of noise. It can still come close to a training point: `MMDGANModel.quality`
says how often, beside the same number for held-out points. With a fixed kernel there is
no critic: the generator makes the MMD² of the points themselves small.

Reference: Bińkowski, Sutherland, Arbel and Gretton, *Demystifying MMD GANs*, 2018; Li,
Swersky and Zemel, *Generative Moment Matching Networks*, 2015.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, ArrayLike, Float, Int, Key, Num

from cgm_jax._shared.arrays import Points, as_points
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax.gram import median_length_scale
from cgm_jax.gram.mesh import as_training_mesh
from cgm_jax.kernels import Kernel

from . import loop
from .checkpoints import Checkpoints
from .critic_loss import CriticKernel
from .fixed_kernel import kernel_in_units, kernel_record
from .loop import LearningRateRule, TrainingProgress
from .model import MMDGANModel
from .networks import Architecture, Latent
from .step import StepOptions, start_training

__all__ = ["MMDGAN", "MMDGANModel", "TrainingProgress"]

LEAST_POINTS = 20
NUM_KEYS = 6  # children of the key of a fit, of which the second splits the points
STEPS = "num_steps", "critic_steps", "evaluate_every", "patience"
SIZES = "latent_size", "width", "depth", "channels", "feature_size"
NAMES = {"latent": get_args(Latent), "learning_rate_rule": get_args(LearningRateRule)}
CRITIC_OPTIONS = "critic_steps", "gradient_penalty", "feature_size"


@dataclass(frozen=True, kw_only=True)
class MMDGAN:
    """MMD-GAN for tables and images; the defaults suit a few minutes on a CPU.

    Points are trained on and sampled in float32.

    Args:
        num_steps: generator steps. 6,000 suit a table of few columns, 3,000 digits.
        batch_size: real and generated points per step, at least 2.
        critic_steps: critic steps before each generator step.
        learning_rate: of Adam(0.5, 0.9), for both networks.
        learning_rate_rule: "constant", or "three-sample": halved when, at three checks
            in a row, the generator is not significantly nearer to held-out points than
            that of the check before (never run at full size).
        kernel: on the critic's features, by name: sum of rational quadratic kernels
            with or without the dot product, of squared exponentials ("rbf"), or that of
            the energy distance. Or any `cgm_jax.kernels.Kernel` of points as `fit` gets
            them, in their units: then it is fixed, there is no critic, and its three
            options below must be left out. A saved model keeps only a digest of it.
        gradient_penalty: weight of (slope of the witness − 1)²; without it the training
            collapses, with 10 it hardly moves.
        feature_size: number of the critic's features.
        latent_size: length of the noise z; by default twice the columns, within 4..16.
        latent: every entry of z is standard normal, or uniform on [−1, 1].
        width: units of a hidden layer, without ``shape``.
        depth: number of hidden layers, without ``shape``.
        channels: channels of the convolutions at half the side, with ``shape``.
        average: decay of the moving average of the generator's parameters, which
            samples are drawn from; 0 for none. The big stabiliser.
        shape: height and width, multiples of 4, and channels of an image; a point is
            its numbers in that order. By default points are rows of a table.
        value_range: lowest and highest number that occurs, as (0, 16) for digits, which
            bounds the generator's output; an image needs it. By default columns are
            standardised and the output is not bounded.
        held_out: share of the points that the training never sees, to be judged by.
        evaluate_every: steps between evaluations, each with a checkpoint.
        patience: stop after so many evaluations in a row without a new best MMD² to the
            held-out points, and return the best. By default all steps are taken: few
            held-out points are noisy, and judge too kindly the model that they chose.
        calibrated: whether to keep only one in three of the generator's points, so that
            those kept are in proportion to the training points; without it, classes
            come out by several percent too often or too seldom (see ``calibration``).
        mesh: devices of this process that share every batch and its kernel's rows. It
            is not saved: a training may go on with other devices.

    Raises:
        ValueError: for invalid options.
        TypeError: if ``kernel`` is neither a name nor a kernel, or ``mesh`` no mesh.

    Example:
        >>> import jax, numpy as np
        >>> generator = MMDGAN(num_steps=20, width=8, calibrated=False)
        >>> fit_key, sample_key = jax.random.split(jax.random.key(0))
        >>> points = np.random.default_rng(0).normal(size=(100, 2))
        >>> model = generator.fit(fit_key, points)
        >>> generator.sample(sample_key, model, 3).shape
        (3, 2)
        >>> MMDGAN.like(model) == generator
        True

    Reference: Bińkowski et al. 2018; for a fixed kernel Li et al. 2015.
    """

    num_steps: int = 6_000
    batch_size: int = 64
    critic_steps: int = 2
    learning_rate: float = 1e-3
    learning_rate_rule: LearningRateRule = "constant"
    kernel: CriticKernel | Kernel = "rational-quadratic-dot"
    gradient_penalty: float = 1.0
    feature_size: int = 16
    latent_size: int | None = None
    latent: Latent = "normal"
    width: int = 128
    depth: int = 2
    channels: int = 16
    average: float = 0.999
    shape: tuple[int, int, int] | None = None
    value_range: tuple[float, float] | None = None
    held_out: float = 0.1
    evaluate_every: int = 250
    patience: int | None = None
    calibrated: bool = True
    mesh: Mesh | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _check_options(self)
        _check_kernel(self)
        as_training_mesh(self.mesh)

    @classmethod
    def paper(
        cls,
        *,
        shape: tuple[int, int, int] | None = None,
        value_range: tuple[float, float] | None = None,
    ) -> "MMDGAN":
        """The setting of Bińkowski et al. 2018, Sec. 5: days of a GPU, never run."""
        return cls(
            num_steps=150_000,
            critic_steps=5,
            learning_rate=1e-4,
            learning_rate_rule="three-sample",
            latent_size=100,
            latent="uniform",
            channels=64,
            average=0.0,
            shape=shape,
            value_range=value_range,
            evaluate_every=2_000,
            calibrated=False,
        )

    @on_numbers()
    def fit(
        self,
        key: Key[Array, ""],
        points: Num[ArrayLike, "n d"],
        *,
        checkpoint_dir: str | Path | None = None,
        progress: Callable[[TrainingProgress], None] | None = None,
    ) -> MMDGANModel:
        """Train on the points.

        On a CPU the same key, points and options give the same parameters to the last
        bit, whether or not the training was interrupted.

        Args:
            key: typed random key: initial weights, held-out points, batches and noise.
            points: at least 20 rows, finite, shape ``(n, d)``.
            checkpoint_dir: a folder to save the training in at every evaluation, and
                to go on from after an interruption. By default nothing is saved.
            progress: called at every evaluation.

        Raises:
            ValueError: for points that do not fit, a fixed kernel that is not one of
                such points, or checkpoints of another training.
            TypeError: if the points are not real numbers.
            FloatingPointError: if the training breaks down before its first evaluation.
            ModuleNotFoundError: without scikit-learn, or Orbax for checkpoints.
        """
        # One precision, whatever the user's setting: the same programs, the same bits.
        with at_once(x64=False):
            array = np.asarray(as_points(points, "points"))
            task, run = start_task(key, self, array)
            facts, checkpoints = self.facts(), None
            if checkpoint_dir is not None:
                digest = digest_of_arrays({"points": array})[:16]
                numbers = jax.random.key_data(key).tolist()
                belongs_to = {
                    **facts,
                    "points": f"{len(array)} x {array.shape[1]}, sha256 {digest}",
                    "key": f"{jax.random.key_impl(key)} {numbers}",
                }
                checkpoints = Checkpoints(Path(checkpoint_dir).absolute(), belongs_to)
            return loop.train_model(task, run, facts, checkpoints, progress)

    @classmethod
    def like(cls, model: MMDGANModel, *, kernel: Kernel | None = None) -> "MMDGAN":
        """The options that a model was trained with; a fixed kernel is needed again."""
        options: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in model.trained_with.items()
        }
        record = options["kernel"]
        if kernel is not None:
            options["kernel"] = kernel
        elif isinstance(record, dict):
            raise ValueError(
                "Expected the fixed kernel that the model was trained with, got none; "
                f"it recorded only that it was a {record['kind']} with the digest "
                f"{record['sha256'][:16]}: hand it in again, MMDGAN.like(model, "
                "kernel=...)."
            )
        return cls(**options)

    def sample(self, key: Key[Array, ""], model: MMDGANModel, num: int) -> Points:
        """Draw ``num`` >= 1 points, float32 in their units; more start with fewer."""
        return model.sample(key, num)

    def facts(self) -> dict[str, Any]:
        """The options as JSON holds them; a fixed kernel by its kind and digest."""
        options = {**vars(self)}
        del options["mesh"]
        if isinstance(self.kernel, Kernel):
            options["kernel"] = kernel_record(self.kernel)
        return json.loads(json.dumps(options))

    def split(
        self, num_columns: int
    ) -> tuple[Architecture, StepOptions, loop.Schedule]:
        """The options by their users: the networks, a step, and the loop of steps."""
        kernel = None if isinstance(self.kernel, Kernel) else self.kernel
        options = {**vars(self), "kernel": kernel, "mesh": as_training_mesh(self.mesh)}
        return (
            Architecture.of(options, num_columns),
            StepOptions(**{name: options[name] for name in StepOptions._fields}),
            loop.Schedule(**{name: options[name] for name in loop.Schedule._fields}),
        )

    def held_out_rows(self, key: Key[Array, ""], num: int) -> Int[np.ndarray, " h"]:
        """Which of ``num`` points a training with this key never sees, from 0."""
        return _split_rows(key, num, held_out=self.held_out)[0]


def start_task(
    key: Key[Array, ""], options: MMDGAN, points: Float[np.ndarray, "n d"]
) -> tuple[loop.Task, loop.Run]:
    """What is trained, in the networks' units, and the run before its first step."""
    _check_points(options, points)
    shift = points.mean(axis=0, dtype=np.float64)
    deviation = points.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1)
    if options.value_range is not None:
        low, high = options.value_range
        shift, scale = np.full_like(shift, low), np.full_like(shift, high - low)
    kernel = None
    if isinstance(options.kernel, Kernel):
        kernel = kernel_in_units(options.kernel, points, shift=shift, scale=scale)
    # A column far from 0 is centred in the precision that it came in.
    scaled = ((points - shift[None]) / scale[None]).astype(np.float32)
    rows = _split_rows(key, len(points), held_out=options.held_out)
    held_out, training = scaled[rows[0]], scaled[rows[1]]
    length_scale = float(median_length_scale(training))
    architecture, step_options, schedule = options.split(points.shape[1])
    start_key, _, *keys = jax.random.split(key, NUM_KEYS)
    program, state = start_training(
        start_key, architecture, step_options, learning_rate=options.learning_rate
    )
    task = loop.Task(
        schedule, program, training, held_out, shift, scale, length_scale, kernel, *keys
    )
    return task, loop.Run.at_start(state, schedule)


def _split_rows(
    key: Key[Array, ""], num: int, *, held_out: float
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """Points that a fit with this key never sees, and those trained on, shuffled."""
    with at_once(x64=False):
        split_key = jax.random.split(key, NUM_KEYS)[1]
        order = np.asarray(jax.random.permutation(split_key, num))
    num_held_out = max(2, round(held_out * num))
    return order[:num_held_out], order[num_held_out:]


def _check_options(options: MMDGAN) -> None:
    penalty, (low, high) = options.gradient_penalty, options.value_range or (0, 1)
    height, width, channels = options.shape or (4, 4, 1)
    sides_fit = min(height, width) >= 4 and height % 4 == width % 4 == 0
    is_ordered = -math.inf < low < high < math.inf
    known_range = options.shape is None or options.value_range is not None
    counts = {name: getattr(options, name) for name in (*STEPS, *SIZES)}
    sides = "to be (height, width, channels), sides multiples of 4; pad the images"
    bounded = "beside shape, such as (0, 255): the numbers of an image are bounded"
    for name, expected, holds in (
        *((name, "of at least 1", n is None or n >= 1) for name, n in counts.items()),
        *(
            (name, f"to be one of {', '.join(known)}", getattr(options, name) in known)
            for name, known in NAMES.items()
        ),
        ("batch_size", "of at least 2", options.batch_size >= 2),
        ("learning_rate", "positive and finite", 0 < options.learning_rate < math.inf),
        ("gradient_penalty", "finite and at least 0", 0 <= penalty < math.inf),
        ("average", "in [0, 1)", 0 <= options.average < 1),
        ("held_out", "to be a share in (0, 0.5]", 0 < options.held_out <= 0.5),
        ("value_range", "finite, lowest below highest", is_ordered),
        ("shape", sides, sides_fit and channels >= 1),
        ("value_range", bounded, known_range),
    ):
        if not holds:
            raise ValueError(
                f"Expected {name} {expected}; got {getattr(options, name)!r}."
            )


def _check_kernel(options: MMDGAN) -> None:
    names = ", ".join(get_args(CriticKernel))
    if isinstance(options.kernel, str) and options.kernel in get_args(CriticKernel):
        return
    if not isinstance(options.kernel, Kernel):
        error = ValueError if isinstance(options.kernel, str) else TypeError
        raise error(
            f"Expected kernel to be one of {names}, or a kernel of cgm_jax.kernels, as "
            "SquaredExponential(0.5) or the .kernel of what fit_kernel returned; got "
            f"{options.kernel!r}."
        )
    for name in CRITIC_OPTIONS:
        if getattr(options, name) != getattr(MMDGAN, name):
            raise ValueError(
                f"Expected no {name} beside a fixed kernel, where there is no critic; "
                f"got {getattr(options, name)}: leave it out, or name the kernel on a "
                f"critic's features ({names})."
            )


def _check_points(options: MMDGAN, points: Float[np.ndarray, "n d"]) -> None:
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
