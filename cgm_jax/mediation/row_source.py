"""Where a mediator's synthetic rows come from: trained, loaded, or rows plus noise."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Key

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax._shared.progress import Progress, silent
from cgm_jax.evaluation import GeneratorChoice
from cgm_jax.files import InputError, UsageError
from cgm_jax.generators import ProductMixture, ProductMixtureModel, TableGenerator
from cgm_jax.tables import TableCodec
from cgm_jax.tables.units import from_units, in_units, unit_names

from .tables import CodedTables

if TYPE_CHECKING:
    from cgm_jax.generators.mmd_gan.model import MMDGANModel


GeneratorName = Literal["kde", "mmd-gan", "product-mixture"]


@dataclass(frozen=True, eq=False)
class CandidateSource:
    """A generator, and if trained its model and the rows that it never saw."""

    kind: GeneratorName
    generator: TableGenerator
    described: str
    model: "MMDGANModel | ProductMixtureModel | None" = None
    held_out: list[Bool[np.ndarray, " _"]] | None = None
    is_of_other_data: bool = False  # the model, which was loaded
    choice: GeneratorChoice | None = None  # if no generator was named


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model of rows in the parties' units, as a generator of a codec's points."""

    model: "MMDGANModel"
    codec: TableCodec

    def fit(self, key: Key[Array, ""], points: Points) -> "MMDGANModel":
        """The model, which was trained before."""
        del key, points
        return self.model

    def sample(
        self, key: Key[Array, ""], model: "MMDGANModel", num: int
    ) -> Float[np.ndarray, "num d"]:
        """Draw points; more start with fewer."""
        names = unit_names(self.codec)
        columns = model.columns or names
        order = np.array([columns.index(name) for name in names])
        rows = np.asarray(model.sample(key, num), np.float64)[:, order]
        return from_units(self.codec, rows)


@dataclass(frozen=True, eq=False)
class FittedMixture:
    """A mixture of products, fitted before, as a generator of its codec's points."""

    model: ProductMixtureModel

    def fit(self, key: Key[Array, ""], points: Points) -> ProductMixtureModel:
        """The model, which was fitted before."""
        del key, points
        return self.model

    def sample(
        self, key: Key[Array, ""], model: ProductMixtureModel, num: int
    ) -> Float[np.ndarray, "num d"]:
        """Draw points; more start with fewer."""
        return model.sample(key, num)


def fit_mixture(
    key: Key[Array, ""], tables: CodedTables
) -> tuple[ProductMixtureModel, list[Bool[np.ndarray, " _"]]]:
    """A mixture of products of the pooled rows, and which of them it never saw."""
    pool = np.concatenate(tables.points).astype(np.float32)
    min_rows = max(ProductMixture.min_rows, tables.options.min_rows)
    options = ProductMixture(codec=tables.codec, min_rows=min_rows)
    try:
        model = options.fit(key, pool)
    except ValueError as error:
        raise ValueError(
            f"all files together have {len(pool)} rows, too few for a mixture of "
            "products; use --generator kde, or pool more rows"
        ) from error
    return model, tables.masks(options.held_out_rows(key, len(pool)))


def train_rows(
    key: Key[Array, ""],
    tables: CodedTables,
    *,
    num_steps: int,
    checkpoint_dir: Path | None = None,
    mesh: Mesh | None = None,
    progress: Progress = silent,
) -> "MMDGANModel":
    """An MMD-GAN of the parties' pooled rows, in their own units.

    Devices of a mesh share the training; of several processes, each trains for itself.
    """
    from cgm_jax.generators.mmd_gan.loop import training_stages
    from cgm_jax.generators.mmd_gan.mmd_gan import LEAST_POINTS, MMDGAN

    pool = np.concatenate(tables.points)
    if len(pool) < LEAST_POINTS:
        raise ValueError(
            f"all files together have {len(pool)} rows, and an MMD-GAN needs at least "
            f"{LEAST_POINTS}; use --generator kde, or pool more rows"
        )
    if mesh is not None and mesh.is_multi_process:
        mesh = None
    try:
        model = MMDGAN(num_steps=num_steps, mesh=mesh).fit(
            key,
            in_units(tables.codec, pool),
            checkpoint_dir=checkpoint_dir,
            progress=training_stages(progress),
        )
    except ValueError as error:
        if checkpoint_dir is not None and str(checkpoint_dir) in str(error):
            raise UsageError(str(error)) from error
        raise InputError(str(error), file=tables.parties.files[0].path) from error
    return replace(
        model, columns=unit_names(tables.codec), data_digest=data_digest(tables)
    )


def data_digest(tables: CodedTables) -> str:
    """The digest of all rows, whatever the order of files, rows and columns."""
    names = np.array(unit_names(tables.codec))
    rows = in_units(tables.codec, np.concatenate(tables.points))[:, np.argsort(names)]
    return digest_of_arrays({"rows": rows[np.lexsort(rows.T)]})


def held_out_rows(
    key: Key[Array, ""], tables: CodedTables, *, num_steps: int
) -> list[Bool[np.ndarray, " _"]]:
    """Which rows of each party `train_rows` does not train on."""
    from cgm_jax.generators.mmd_gan.mmd_gan import MMDGAN

    num = sum(map(len, tables.points))
    rows = MMDGAN(num_steps=num_steps).held_out_rows(key, num)
    return tables.masks(rows)


def load_model(path: Path, codec: TableCodec) -> "MMDGANModel":
    """A trained model, of the columns that the parties have, in any order."""
    from cgm_jax.generators.mmd_gan.model import MMDGANModel

    try:
        model = MMDGANModel.load(path)
    except ValueError as error:
        sentence = str(error).removeprefix(f"{path}: ")
        raise InputError(sentence, file=path) from error
    names = unit_names(codec)
    if sorted(model.columns or ()) != sorted(names):
        theirs = ", ".join(model.columns or ()) or "columns without names"
        raise UsageError(
            f"{path}: expected a model of the columns {', '.join(names)}, "
            f"found one of {theirs}; train one on these files with train-generator"
        )
    return model
