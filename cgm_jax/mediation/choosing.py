"""Which generator a run uses where none is named: the one that held-out rows defend.

What was compared is what is used: the model that learned all rows but those held out,
which are the control of the page on nearest rows, too. Nothing depends on the clock.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Key

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.progress import Progress
from cgm_jax.evaluation import GeneratorChoice, compare_generators
from cgm_jax.evaluation.generators import LEAST_ROWS
from cgm_jax.generators import (
    CoarseTableError,
    Generator,
    KernelDensity,
    TableGenerator,
)

from .row_source import CandidateSource, Fitted, GeneratorName, generator_for
from .tables import CodedTables

__all__ = ["ChosenName", "chosen_source", "contenders", "least_rows"]

ChosenName = Literal["auto", "kde", "product-mixture", "mmd-gan"]


@dataclass(frozen=True, eq=False)
class LearnedRows:
    """A density estimate of some rows, which it learned before."""

    density: KernelDensity
    rows: Points

    def sample(self, key: Key[Array, ""], num: int) -> Points:
        """Draw points; more start with fewer."""
        return self.density.sample(key, self.rows, num)


def contenders(
    tables: CodedTables,
    *,
    bandwidth: int | float,
    num_steps: int | None,
    mesh: Mesh | None = None,
) -> dict[GeneratorName, Generator]:
    """The generators of a codec's points; without steps, no MMD-GAN."""
    codec, min_rows = tables.codec, tables.options.min_rows
    mixture = generator_for("product-mixture", codec, min_rows=min_rows)
    found: dict[GeneratorName, Generator] = {
        "kde": KernelDensity(bandwidth),
        "product-mixture": replace(mixture, held_out=0),  # the comparison judges it
    }
    if num_steps is not None:
        network = generator_for("mmd-gan", codec, num_steps=num_steps, mesh=mesh)
        found["mmd-gan"] = network
    return found


def least_rows(tables: CodedTables) -> int:
    """With fewer rows, nothing is compared: the mixture has hardly a component."""
    return max(LEAST_ROWS, 4 * tables.options.min_rows)


def chosen_source(
    key: Key[Array, ""],
    tables: CodedTables,
    *,
    bandwidth: int | float,
    num_steps: int | None,
    mesh: Mesh | None,
    progress: Progress,
) -> CandidateSource:
    """The generator whose rows are the best of those that are no copies.

    Args:
        key: of the comparison.
        tables: the parties' tables.
        bandwidth: of the kernel density estimate.
        num_steps: of the MMD-GAN; None: it is not compared.
        mesh: devices that train it.
        progress: called with what is compared.
    """
    pool, codec = np.concatenate(tables.points), tables.codec
    generators = contenders(tables, bandwidth=bandwidth, num_steps=num_steps, mesh=mesh)
    described = f"kernel density estimate, bandwidth {bandwidth:g}"
    kde = CandidateSource("kde", TableGenerator(generators["kde"], codec), described)
    if len(pool) < least_rows(tables):
        choice = GeneratorChoice("kde", len(pool), obstacle="few rows")
        return replace(kde, choice=choice)
    try:
        comparison = compare_generators(
            key, codec, pool, {**generators}, progress=progress
        )
    except CoarseTableError:
        choice = GeneratorChoice("kde", len(pool), obstacle="coarse columns")
        return replace(kde, choice=choice)
    best = comparison.best
    kinds: dict[str, GeneratorName] = {kind: kind for kind in generators}
    name = kinds[best.name]
    model = best.model
    if name == "product-mixture":
        described = f"mixture of {best.model.num_components} products"
    elif name == "mmd-gan":
        described = f"MMD-GAN, {num_steps} steps"
    else:
        model = LearnedRows(KernelDensity(bandwidth), model)
    return CandidateSource(
        name,
        TableGenerator(Fitted(model), codec),
        described,
        None if name == "kde" else best.model,
        tables.masks(comparison.held_out),
        choice=GeneratorChoice(name, len(pool), comparison),
    )
