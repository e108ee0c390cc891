"""A trained MMD-GAN: what sampling needs, how good it is, and a file that holds both.

The file is an ``.npz`` archive of numbers and one JSON text; reading it runs no code of
the file's.
"""

import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.archive import (
    Arrays,
    archive_errors,
    read_archive,
    with_arrays,
    with_prefix,
    write_archive,
)
from cgm_jax._shared.arrays import Points
from cgm_jax.generators.base import BLOCK_SIZE, sample_in_blocks
from cgm_jax.generators.quality import SampleQuality

from .calibration import Calibration
from .fixed_kernel import KernelRecord, options_as_facts
from .step import Parameters, Program, draw_latent, generate, start_training

if TYPE_CHECKING:
    from .mmd_gan import MMDGAN

__all__ = ["MMDGANModel"]

KIND = "MMD-GAN"
ADVICE = "train and save it again"
SUB_BLOCK = 256  # points a call of the network: patches of 4,096 images need gigabytes


@dataclass(frozen=True, eq=False)
class MMDGANModel:
    """A trained generator.

    Attributes:
        options: what it was trained with; a loaded model has a fixed kernel's record.
        parameters: of the generator, by name, float32; the moving average.
        shift: the networks' 0 in the units of the points, shape ``(d,)``.
        scale: the networks' 1 is so far from their 0, shape ``(d,)``.
        history: one row an evaluation: step, mean generator loss since the last one,
            MMD² to the held-out points at ℓ and at ℓ/4, learning rate; of all of the
            generator's points, as no calibration is fitted yet.
        stop_reason: "all-steps", "patience", or "not-finite" after three attempts that
            each ran into infinite numbers; the model is the last good one.
        quality: how samples compare with real points that were held out.
        columns: names of the columns, where they have any.
        calibration: which of the generator's points are kept, with ``calibrated``.
    """

    options: "MMDGAN"
    parameters: dict[str, Float[np.ndarray, "..."]]
    shift: Float[np.ndarray, " d"]
    scale: Float[np.ndarray, " d"]
    history: Float[np.ndarray, "evaluations 5"]
    stop_reason: str
    quality: SampleQuality | None = None
    columns: tuple[str, ...] | None = None
    calibration: Calibration | None = None

    def sample(self, key: Key[Array, ""], num: int) -> Points:
        """Draw points in the units that were trained on; as `MMDGAN.sample`."""
        with jax.enable_x64(False):
            program, template = _template(self.options, len(self.shift))
            state = with_arrays(template, self.parameters)
            shift, scale = (
                jnp.asarray(a, jnp.float32) for a in (self.shift, self.scale)
            )
            draw = partial(_draw, program, state, shift, scale)

            def draw_kept(key: Key[Array, ""]) -> Points:
                draw_key, keep_key = jax.random.split(key)
                unscaled, points = draw(draw_key)
                if self.calibration is None:
                    return points
                chance = jax.random.uniform(keep_key, (BLOCK_SIZE,), jnp.float32)
                kept = np.asarray(chance) < self.calibration.acceptance(unscaled)
                return np.asarray(points)[kept]

            return jnp.asarray(sample_in_blocks(draw_kept, key, num))

    def save(self, path: str | Path) -> None:
        """Write the model to a file, complete or not at all.

        Args:
            path: the file, by custom ``.npz``; one that is there is replaced.

        Raises:
            OSError: if the system refuses.
        """
        facts = {
            "options": options_as_facts(self.options),
            "stop_reason": self.stop_reason,
            "quality": self.quality and dataclasses.asdict(self.quality),
            "columns": self.columns,
        }
        arrays: dict[str, Any] = {
            "shift": self.shift,
            "scale": self.scale,
            "history": self.history,
            **{f"parameters.{k}": v for k, v in self.parameters.items()},
        }
        if self.calibration is not None:
            fitted = vars(self.calibration)
            arrays |= {f"calibration.{name}": a for name, a in fitted.items()}
        write_archive(path, KIND, facts, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "MMDGANModel":
        """Read a model that `save` wrote.

        Args:
            path: the file.

        Returns:
            The model.

        Raises:
            ValueError: if the file does not hold one, or is damaged.
            OSError: if it cannot be read.
        """
        from .mmd_gan import MMDGAN

        facts, arrays = read_archive(path, KIND, advice=ADVICE)
        with archive_errors(path, KIND, advice=ADVICE):
            known = _with_tuples(facts["options"])
            if isinstance(known["kernel"], dict):
                known["kernel"] = KernelRecord(**known["kernel"])
            options = MMDGAN(**known)
            quality = facts["quality"] and SampleQuality(
                **_with_tuples(facts["quality"])
            )
            model = cls(
                options,
                with_prefix(arrays, "parameters."),
                arrays["shift"],
                arrays["scale"],
                arrays["history"],
                facts["stop_reason"],
                quality,
                facts["columns"] and tuple(facts["columns"]),
                _calibration(with_prefix(arrays, "calibration."), len(arrays["shift"])),
            )
            _, template = _template(options, len(model.shift))
            with_arrays(template, model.parameters)
        return model


def _template(options: "MMDGAN", num_columns: int) -> tuple[Program, Parameters]:
    """The program, and a generator of the right shapes."""
    program, state = start_training(jax.random.key(0), options, num_columns)
    return program, state.generator


@partial(jax.jit, static_argnames="program")
def _draw(
    program: Program,
    state: Parameters,
    shift: Float[Array, " d"],
    scale: Float[Array, " d"],
    key: Key[Array, ""],
) -> tuple[Float[Array, "block d"], Float[Array, "block d"]]:
    """Points in the networks' units, and the same in those of the model."""
    z = draw_latent(key, program, BLOCK_SIZE)
    z = z.reshape(-1, SUB_BLOCK, program.latent_size)
    points = jax.lax.map(partial(generate, program, state), z)
    points = points.reshape(BLOCK_SIZE, -1)
    return points, shift[None] + scale[None] * points


def _calibration(arrays: Arrays, num_columns: int) -> Calibration | None:
    if not arrays:
        return None
    calibration = Calibration(**arrays)
    # Whatever the landmarks are, this is a number or the arrays do not fit.
    if not np.isfinite(calibration.acceptance(np.zeros((1, num_columns)))).all():
        raise ValueError("its calibration is not finite")
    return calibration


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
