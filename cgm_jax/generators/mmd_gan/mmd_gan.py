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
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key, Num

from cgm_jax._shared.arrays import ArrayLike, Points, as_points
from cgm_jax._shared.checks import as_key, check_callable
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax.generators.product_columns import Columns, codec_columns
from cgm_jax.gram import median_length_scale
from cgm_jax.gram.mesh import as_mesh
from cgm_jax.kernels import Kernel
from cgm_jax.tables import TableCodec

from . import loop
from .checking import check_kernel, check_options, check_points
from .checkpoints import Checkpoints
from .critic_loss import CriticKernel
from .fixed_kernel import kernel_in_units, kernel_record
from .heads import network_units
from .loop import LearningRateRule, TrainingProgress
from .model import MMDGANModel
from .networks import Architecture, Latent, as_columns
from .step import StepOptions, start_training

__all__ = ["MMDGAN", "MMDGANModel", "TrainingProgress"]

NUM_KEYS = 6  # children of the key of a fit, of which the second splits the points


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
        codec: whose points are trained on and drawn: rows of tables. Then a category is
            one of its column's, a number may be missing, and distances are those that
            points are valued by. By default every coordinate is a number.
        mesh: devices that share every batch and its kernel's rows; in several
            processes all call `fit` with the same points, and have the same model. It
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
    codec: TableCodec | None = field(default=None, repr=False)
    mesh: Mesh | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_options(self)
        check_kernel(self)
        as_mesh(self.mesh)

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
                to go on from after an interruption; not with a mesh of several
                processes. By default nothing is saved.
            progress: called at every evaluation.

        Raises:
            ValueError: for points that do not fit, a fixed kernel that is not one of
                such points, or checkpoints of another training or several processes.
            TypeError: if the points are not real numbers.
            FloatingPointError: if the training breaks down before its first evaluation.
            ModuleNotFoundError: without scikit-learn, or Orbax for checkpoints.
        """
        as_key(key)
        if progress is not None:
            check_callable(progress, "progress")
        if checkpoint_dir is not None and self.mesh and self.mesh.is_multi_process:
            raise ValueError(
                "Expected no checkpoint_dir with a mesh of several processes, which "
                f"would all write to {checkpoint_dir}; leave it out, or train on a "
                "mesh of jax.local_devices()."
            )
        # One precision, whatever the user's setting: the same programs, the same bits.
        with at_once(x64=False):
            array = np.asarray(as_points(points, "points"))
            setup, run = set_up(key, self, array)
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
            return loop.train_model(setup, run, facts, checkpoints, progress)

    @classmethod
    def like(
        cls,
        model: MMDGANModel,
        *,
        kernel: Kernel | None = None,
        codec: TableCodec | None = None,
    ) -> "MMDGAN":
        """The options of a model's training; fixed kernels and codecs are no part."""
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
        columns = as_columns(options.pop("columns", None))
        made = cls(**options, codec=codec)
        if columns != made.columns:
            raise ValueError(
                "Expected the codec that the model was trained with, or none where "
                "there was none, got another; hand it in again, MMDGAN.like(model, "
                "codec=...)."
            )
        return made

    def sample(self, key: Key[Array, ""], model: MMDGANModel, num: int) -> Points:
        """Draw ``num`` >= 1 points, float32 in their units; more start with fewer."""
        return model.sample(key, num)

    def facts(self) -> dict[str, Any]:
        """The options as JSON holds them; a fixed kernel by its kind and digest."""
        options = {**vars(self)}
        del options["mesh"], options["codec"]
        if self.columns is not None:
            options["columns"] = [asdict(column) for column in self.columns]
        if isinstance(self.kernel, Kernel):
            options["kernel"] = kernel_record(self.kernel)
        return json.loads(json.dumps(options))

    @property
    def columns(self) -> Columns | None:
        """What the coordinates are, with a codec; without mass points."""
        if self.codec is None:
            return None
        return tuple(replace(c, mass_points=()) for c in codec_columns(self.codec))

    def split(
        self, num_columns: int
    ) -> tuple[Architecture, StepOptions, loop.Schedule]:
        """The options by their users: the networks, a step, and the loop of steps."""
        kernel = None if isinstance(self.kernel, Kernel) else self.kernel
        options = {**vars(self), "kernel": kernel, "mesh": as_mesh(self.mesh)}
        options["columns"] = self.columns
        return (
            Architecture.of(options, num_columns),
            StepOptions(**{name: options[name] for name in StepOptions._fields}),
            loop.Schedule(**{name: options[name] for name in loop.Schedule._fields}),
        )

    def held_out_rows(
        self, key: Key[Array, ""], points: Num[ArrayLike, "n d"]
    ) -> Int[np.ndarray, " h"]:
        """Which of the points a training with this key never sees, from 0."""
        as_key(key)
        num = len(as_points(points, "points"))
        return _split_rows(key, num, held_out=self.held_out)[0]


def set_up(
    key: Key[Array, ""], options: MMDGAN, points: Float[np.ndarray, "n d"]
) -> tuple[loop.TrainingSetup, loop.Run]:
    """What is trained, in the networks' units, and the run before its first step."""
    check_points(options, points)
    shift = points.mean(axis=0, dtype=np.float64)
    deviation = points.std(axis=0, dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1)
    if options.value_range is not None:
        low, high = options.value_range
        shift, scale = np.full_like(shift, low), np.full_like(shift, high - low)
    if options.columns is not None:
        shift, scale = network_units(options.columns, points)
    kernel = None
    if isinstance(options.kernel, Kernel):
        kernel = kernel_in_units(options.kernel, points, shift=shift, scale=scale)
    # A column far from 0 is centred in the precision that it came in.
    scaled = ((points - shift[None]) / scale[None]).astype(np.float32)
    rows = _split_rows(key, len(points), held_out=options.held_out)
    held_out, training = scaled[rows[0]], scaled[rows[1]]
    length_scale = float(median_length_scale(training))
    architecture, step_options, schedule = options.split(points.shape[1])
    architecture = architecture.in_units(shift, scale)
    start_key, _, *keys = jax.random.split(key, NUM_KEYS)
    program, state = start_training(
        start_key, architecture, step_options, learning_rate=options.learning_rate
    )
    setup = loop.TrainingSetup(
        schedule, program, training, held_out, shift, scale, length_scale, kernel, *keys
    )
    return setup, loop.Run.at_start(state, schedule)


def _split_rows(
    key: Key[Array, ""], num: int, *, held_out: float
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " m"]]:
    """Points that a fit with this key never sees, and those trained on, shuffled."""
    with at_once(x64=False):
        split_key = jax.random.split(key, NUM_KEYS)[1]
        order = np.asarray(jax.random.permutation(split_key, num))
    num_held_out = max(2, round(held_out * num))
    return order[:num_held_out], order[num_held_out:]
