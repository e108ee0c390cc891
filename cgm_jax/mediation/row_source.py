"""Where a mediator's synthetic rows come from: fitted, loaded, or rows plus noise."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Key

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax._shared.progress import Progress, silent
from cgm_jax.evaluation import GeneratorChoice
from cgm_jax.files import InputError, UsageError
from cgm_jax.generators import (
    ProductMixture,
    ProductMixtureModel,
    TableGenerator,
    TableModel,
)
from cgm_jax.generators.product_mixture import LEAST_POINTS
from cgm_jax.tables import TableCodec

from .tables import CodedTables

if TYPE_CHECKING:
    from cgm_jax.generators import MMDGAN, MMDGANModel  # Flax is slow to import

FittedName = Literal["mmd-gan", "product-mixture"]
GeneratorName = Literal["kde", "mmd-gan", "product-mixture"]
_MOST_NAMED = 10  # columns in a message


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


@runtime_checkable
class Sampler(Protocol):
    """Anything that draws points; more start with fewer."""

    def sample(self, key: Key[Array, ""], num: int) -> Points:
        """Draw ``num`` points."""
        ...


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that was fitted before, as a generator."""

    model: Sampler

    def fit(self, key: Key[Array, ""], points: Points) -> Sampler:
        """The model."""
        del key, points
        return self.model

    def sample(self, key: Key[Array, ""], model: Sampler, num: int) -> Points:
        """Draw points; more start with fewer."""
        return model.sample(key, num)


@dataclass(frozen=True, eq=False)
class LoadedRows:
    """Rows of a model of other tables, as points of a codec that has these columns."""

    model: TableModel
    codec: TableCodec

    def sample(self, key: Key[Array, ""], num: int) -> Float[np.ndarray, "num d"]:
        """Draw points; more start with fewer."""
        return self.model.points_for(self.codec, key, num)


def generator_for(
    kind: FittedName,
    codec: TableCodec,
    *,
    min_rows: int = 5,
    num_steps: int = 6_000,
    mesh: Mesh | None = None,
) -> "MMDGAN | ProductMixture":
    """The generator of that name for points of a codec, with its usual options.

    Devices of a mesh share the training; of several processes, each trains for itself.
    """
    if kind == "product-mixture":
        min_rows = max(ProductMixture.min_rows, min_rows)
        return ProductMixture(codec=codec, min_rows=min_rows)
    from cgm_jax.generators import MMDGAN

    mesh = None if mesh is None or mesh.is_multi_process else mesh
    return MMDGAN(codec=codec, num_steps=num_steps, mesh=mesh)


def fitted_model(
    key: Key[Array, ""],
    tables: CodedTables,
    generator: "MMDGAN | ProductMixture",
    *,
    checkpoint_dir: Path | None = None,
    progress: Progress = silent,
) -> TableModel:
    """The generator fitted to the parties' pooled rows."""
    pool = _pool(tables)
    too_few = ValueError(
        f"all files together have {len(pool)} rows, too few to fit a generator to; use "
        "--generator kde, or pool more rows"
    )
    if len(pool) < LEAST_POINTS:
        raise too_few
    if isinstance(generator, ProductMixture):
        num_learned = len(pool) - len(generator.held_out_rows(key, pool))
        if num_learned < generator.min_rows:
            raise too_few
        model = generator.fit(key, pool)
    else:
        model = _trained(key, tables, pool, generator, checkpoint_dir, progress)
    return TableModel(model, tables.codec, data_digest(tables))


def data_digest(tables: CodedTables) -> str:
    """The digest of all valued cells, whatever the order of files, rows and columns."""
    rows = tables.codec.decode(np.concatenate(tables.points))
    names = sorted(c.facts.name for c in tables.codec.columns if c.coordinates)
    values, places = {}, np.full((len(names), sum(map(len, tables.points))), -1)
    for place, name in zip(places, names, strict=True):
        cells = rows[name]
        distinct, place[~cells.is_missing] = np.unique(
            cells.present, return_inverse=True
        )
        # Of objects the bytes would be addresses.
        values[name] = distinct.astype(str) if distinct.dtype == object else distinct
    return digest_of_arrays({**values, " rows": places[:, np.lexsort(places)]})


def held_out_rows(
    key: Key[Array, ""], tables: CodedTables, generator: "MMDGAN | ProductMixture"
) -> list[Bool[np.ndarray, " _"]]:
    """Which rows of each party `fitted_model` never uses."""
    return tables.masks(generator.held_out_rows(key, _pool(tables)))


def _pool(tables: CodedTables) -> Float[np.ndarray, "n d"]:
    """All parties' points, as they are fitted."""
    return np.concatenate(tables.points).astype(np.float32)


def load_model(path: Path, codec: TableCodec) -> TableModel:
    """A trained model whose rows have the columns of a codec, in any order."""
    try:
        model = TableModel.load(path)
    except ValueError as error:
        sentence = str(error).removeprefix(f"{path}: ")
        raise InputError(sentence, file=path) from error
    if differing := model.differences(codec):
        shown, more = differing[:_MOST_NAMED], len(differing) - _MOST_NAMED
        rest = f" and {more:,} more" if more > 0 else ""
        raise UsageError(
            f"{path}: expected a model of the columns of these files, found that they "
            f"differ: {'; '.join(shown)}{rest}; train one on these files with "
            "train-generator"
        )
    return model


def _trained(
    key: Key[Array, ""],
    tables: CodedTables,
    pool: Float[np.ndarray, "n d"],
    generator: "MMDGAN",
    checkpoint_dir: Path | None,
    progress: Progress,
) -> "MMDGANModel":
    """The network after its training, whose errors name a file or an option."""
    from cgm_jax.generators.mmd_gan.loop import training_stages

    stages = training_stages(progress)
    try:
        return generator.fit(key, pool, checkpoint_dir=checkpoint_dir, progress=stages)
    except ValueError as error:
        if checkpoint_dir is not None and str(checkpoint_dir) in str(error):
            raise UsageError(str(error)) from error
        raise InputError(str(error), file=tables.parties.files[0].path) from error
