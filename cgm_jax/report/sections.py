"""What a report is made of: sections, and where the candidates come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cgm_jax.audit import Review
from cgm_jax.collaboration import Collaboration, Draw, Promises, Uncertainty
from cgm_jax.datasets import PaperResults
from cgm_jax.evaluation import Evaluation, GeneratorChoice
from cgm_jax.evaluation.nearest_rows import NearnessFigures
from cgm_jax.features.labels import LabelShares
from cgm_jax.metrics import TableQuality
from cgm_jax.plots import Embedding
from cgm_jax.rewards import RewardScheme
from cgm_jax.tables import Cells, TableCodec

if TYPE_CHECKING:
    from cgm_jax.generators import (
        MMDGANModel,
        ProductMixtureModel,
    )  # Flax is slow to import

__all__ = [
    "CandidateOrigin",
    "PartyFiles",
    "ReportSection",
    "TableFacts",
    "shown_parties",
]

# Of more parties, pictures show this many: a panel each would take minutes.
MAX_SHOWN_PARTIES = 24


@dataclass(frozen=True)
class PartyFiles:
    """What a party is handed, as links from the page."""

    reward: str
    statement: str | None = None


@dataclass(frozen=True, eq=False)
class TableFacts:
    """What is known of a section's tables, beyond their points.

    Attributes:
        codec: between the parties' tables and their points.
        tables: the parties'.
        candidates: as rows of a table.
        candidate_quality: of the candidates, beside the rows of all parties.
        reward_quality: the same of every reward; None of one without rows.
    """

    codec: TableCodec
    tables: Sequence[Mapping[str, Cells]]
    candidates: Mapping[str, Cells]
    candidate_quality: TableQuality
    reward_quality: Sequence[TableQuality | None]

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each column."""
        return {facts.name: facts.kind for facts in self.codec.facts}


@dataclass(frozen=True, eq=False)
class ReportSection:
    """One set of promises, and one draw or several that keep them.

    Attributes:
        title: of the section.
        promises: what was valued and promised.
        draws: at least one.
        names: the parties' names.
        columns: names of the columns of the points.
        warnings: sentences on the parties' files.
        printed: what the paper prints for it, to stand beside.
        evaluation: metrics of what each party holds.
        embedding: where the points stand in pictures; by default as in `plane_of`.
        candidate_labels: the class of every candidate, for the pictures.
        uncertainty: how far values and promises would differ for other data.
        review: whether promises were kept, why they are so, and what cheating gains.
        is_density: whether the candidates are those of a kernel density estimate of the
            parties' rows, which may not be handed to everybody.
        is_of_other_data: whether a generator was trained on other data.
        nearness: what can be read off the rewards.
        tables: what is known of the parties' tables.
        labels: how many rows have each label.
        files: where each party's files are; the page is then the mediator's own.
    """

    title: str
    promises: Promises
    draws: Sequence[Draw]
    names: Sequence[str]
    columns: Sequence[str] | None = None
    warnings: Sequence[str] = ()
    printed: PaperResults | None = None
    evaluation: Evaluation | None = None
    embedding: Embedding | None = None
    candidate_labels: np.ndarray | None = None
    uncertainty: Uncertainty | None = None
    review: Review | None = None
    is_density: bool = False
    is_of_other_data: bool = False
    nearness: NearnessFigures | None = None
    tables: TableFacts | None = None
    labels: LabelShares | None = None
    files: Sequence[PartyFiles] | None = None

    def __post_init__(self) -> None:
        num_parties = len(self.promises.parties)
        if len(self.names) != num_parties:
            raise ValueError(
                f"Expected {num_parties} names, one per party, got {len(self.names)}: "
                f"{list(self.names)}."
            )

    @property
    def first(self) -> Collaboration:
        """The promises with the first draw, which the pictures show."""
        return Collaboration(self.promises, self.draws[0])


@dataclass(frozen=True, eq=False)
class CandidateOrigin:
    """What the candidates imitate, and the trained generator that made them.

    Attributes:
        real: the parties' pooled rows, shape ``(n, d)``, scaled columns or pixels.
        generated: the candidates, in the same columns, shape ``(m, d)``.
        columns: names of the columns.
        model: the trained generator, if one was.
        choice: why this generator, where none was named.
    """

    real: np.ndarray
    generated: np.ndarray
    columns: Sequence[str] | None = None
    model: "MMDGANModel | ProductMixtureModel | None" = None
    choice: GeneratorChoice | None = None

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """Height, width and channels, where the rows are images."""
        return getattr(self.model, "shape", None)


def shown_parties(scheme: RewardScheme) -> list[int]:
    """All parties; of too many, some from the largest contribution to the smallest."""
    num_parties = len(scheme.shapley_values)
    if num_parties <= MAX_SHOWN_PARTIES:
        return list(range(num_parties))
    places = np.linspace(0, num_parties - 1, MAX_SHOWN_PARTIES).round().astype(int)
    return np.argsort(-scheme.shapley_values, kind="stable")[places].tolist()
