"""A trained MMD-GAN: what sampling needs, its quality, and a file that holds both."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from cgm_jax._shared import archive
from cgm_jax._shared.archive import Arrays
from cgm_jax._shared.arrays import AnyArray, Points
from cgm_jax._shared.precision import at_once, compiled
from cgm_jax.generators.base import BLOCK_SIZE, sample_in_blocks
from cgm_jax.generators.quality import SampleQuality

from .calibration import Calibration
from .networks import Architecture, ImageShape
from .step import Parameters

__all__ = ["MMDGANModel", "generate_points"]

KIND, ADVICE = "MMD-GAN", "train one with MMDGAN or cgm-jax train-generator"
SUB_BLOCK = 256  # points per call: patches of 4,096 images would need gigabytes


@dataclass(frozen=True, eq=False)
class MMDGANModel:
    """A trained generator.

    Attributes:
        trained_with: the options of the `MMDGAN` as JSON holds them; of a fixed kernel
            its kind and digest. `MMDGAN.like` makes options of them again.
        parameters: of the generator, by name, float32; the moving average.
        shift: the networks' 0 in the units of the points, shape ``(d,)``.
        scale: distance of the networks' 1 from their 0, shape ``(d,)``.
        history: one row per evaluation: step, mean generator loss since the last one,
            MMD² to the held-out points at ℓ and at ℓ/4 (uncalibrated), learning rate.
        stop_reason: "all-steps", "patience", or "not-finite" after three attempts that
            each ran into infinite numbers; the model is the last good one.
        quality: how samples compare with real points that were held out.
        calibration: which of the generator's points are kept, with ``calibrated``.
    """

    trained_with: dict[str, Any]
    parameters: Arrays
    shift: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    history: Float[np.ndarray, "evaluations 5"]
    stop_reason: str
    quality: SampleQuality | None = None
    calibration: Calibration | None = None

    @property
    def architecture(self) -> Architecture:
        """The shapes of its networks."""
        architecture = Architecture.of(self.trained_with, len(self.shift))
        return architecture.in_units(self.shift, self.scale)

    @property
    def num_dimensions(self) -> int:
        """Coordinates of a point."""
        return len(self.shift)

    @property
    def shape(self) -> ImageShape | None:
        """Height, width and channels of its images; None for rows of a table."""
        return self.architecture.shape

    def sample(self, key: Key[Array, ""], num: int) -> Points:
        """Draw points in the units that were trained on; as `MMDGAN.sample`."""
        with at_once(x64=False):
            graph, template = self.architecture.generator_template()
            points = generate_points(
                key,
                self.architecture,
                graph,
                archive.with_arrays(template, self.parameters),
                num,
                shift=self.shift,
                scale=self.scale,
                calibration=self.calibration,
            )
            return jnp.asarray(points)

    def save(self, path: str | Path) -> None:
        """Write the model to a file, by custom ``.npz``, in place of what is there."""
        archive.write_archive(path, KIND, *self.parts())

    @classmethod
    def load(cls, path: str | Path) -> "MMDGANModel":
        """Read a model that `save` wrote; a ``ValueError`` if the file is damaged."""
        facts, arrays = archive.read_archive(path, KIND, advice=ADVICE)
        with archive.archive_errors(path, KIND, advice=ADVICE):
            return cls.of_parts(facts, arrays)

    def parts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Facts and arrays, as an archive holds them."""
        facts = {
            "options": self.trained_with,
            "stop_reason": self.stop_reason,
            "quality": self.quality and asdict(self.quality),
        }
        names = "shift", "scale", "history"
        arrays: dict[str, Any] = {name: getattr(self, name) for name in names}
        arrays |= {f"parameters.{name}": a for name, a in self.parameters.items()}
        if self.calibration is not None:
            fitted = vars(self.calibration)
            arrays |= {f"calibration.{name}": a for name, a in fitted.items()}
        return facts, arrays

    @classmethod
    def of_parts(cls, facts: Mapping[str, Any], arrays: Arrays) -> "MMDGANModel":
        """The model of `parts`; within ``archive_errors``, as others may be read."""
        calibration = None
        if fitted := archive.with_prefix(arrays, "calibration."):
            calibration = Calibration(**fitted)
            # Arrays that do not fit together raise an error, or give no numbers.
            zeros = np.zeros((1, len(arrays["shift"])))
            if not np.isfinite(calibration.acceptance(zeros)).all():
                raise archive.Mismatch("one whose calibration is not finite")
        quality = facts["quality"] and SampleQuality(
            **{k: _tuple(v) for k, v in facts["quality"].items()}
        )
        model = cls(
            facts["options"],
            archive.with_prefix(arrays, "parameters."),
            arrays["shift"],
            arrays["scale"],
            arrays["history"],
            facts["stop_reason"],
            quality,
            calibration,
        )
        _, template = model.architecture.generator_template()
        archive.with_arrays(template, model.parameters)
        return model


def generate_points(
    key: Key[Array, ""],
    architecture: Architecture,
    graph: nnx.GraphDef,
    parameters: Parameters,
    num: int,
    *,
    shift: Float[np.ndarray, " d"],
    scale: Float[np.ndarray, " d"],
    calibration: Calibration | None = None,
) -> Points:
    """Points of a generator, in the units of ``shift`` and ``scale``."""
    shift, scale = (np.asarray(a, np.float32) for a in (shift, scale))

    def draw(key: Key[Array, ""]) -> Points:
        draw_key, keep_key = jax.random.split(key)
        unscaled, points = _draw(
            draw_key, architecture, graph, parameters, shift, scale
        )
        if calibration is None:
            return points
        chance = jax.random.uniform(keep_key, (BLOCK_SIZE,), jnp.float32)
        kept = np.asarray(chance) < calibration.acceptance(unscaled)
        return np.asarray(points)[kept]

    return sample_in_blocks(draw, key, num)


@compiled(static_argnames=("architecture", "graph"))
def _draw(
    key: Key[Array, ""],
    architecture: Architecture,
    graph: nnx.GraphDef,
    parameters: Parameters,
    shift: Float[AnyArray, " d"],
    scale: Float[AnyArray, " d"],
) -> tuple[Float[Array, "block d"], Float[Array, "block d"]]:
    """A block of points in the networks' units, and the same in those of the model."""
    z = architecture.noise(key, BLOCK_SIZE)
    z = z.reshape(-1, SUB_BLOCK, architecture.noise_size)
    points = jax.lax.map(nnx.merge(graph, parameters), z).reshape(BLOCK_SIZE, -1)
    return points, shift[None] + scale[None] * points


def _tuple(value: Any) -> Any:
    """JSON holds tuples as lists."""
    return tuple(value) if isinstance(value, list) else value
