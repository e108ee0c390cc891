"""What one party may know of a run: facts of its own data, its reward, its promises."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from cgm_jax.metrics import TableQuality
from cgm_jax.sampling.stopping import StopReason
from cgm_jax.tables import Cells
from cgm_jax.tables.kinds import Kind

__all__ = ["GivenColumn", "Origin", "OwnLabel", "PartyStatement", "Share", "ShowShares"]

ShowShares = Literal["none", "ranks", "all"]
"""What a party sees of contributions: nothing, its own rank, or α of all by name."""


@dataclass(frozen=True)
class GivenColumn:
    """A column of the party's file.

    Attributes:
        name: as it stands in the file.
        kind: what it is over all parties, or "label".
        num_missing: cells that are missing.
        held_back: categories or labels of the party's own that no reward has.
        holds_missing_back: whether it has missing cells there, and no reward does.
    """

    name: str
    kind: Kind | Literal["label"]
    num_missing: int
    held_back: tuple[str, ...] = ()
    holds_missing_back: bool = False


@dataclass(frozen=True)
class OwnLabel:
    """A label that the party's rows or its synthetic rows have.

    Attributes:
        label: what it is.
        num_rows: of the party's rows that have it.
        num_synthetic: of its synthetic rows.
        right: the share of the party's rows that a random forest of the synthetic rows
            labels right; None where there is nothing to label or to learn from.
    """

    label: str
    num_rows: int
    num_synthetic: int
    right: float | None


@dataclass(frozen=True)
class Origin:
    """How the rewards were drawn, as all parties may know; the seed is not here.

    Who knows the seed can draw the noise anew and take it off the rows.

    Attributes:
        generator: where candidates come from.
        bandwidth: of the kernel density estimate, in standard deviations.
        num_candidates: that all rewards were drawn from.
        inverse_temperature: β.
        min_rows: that must have a category or be as extreme as a number.
        only_shared_categories: whether what a single party has is held back.
        is_loaded: whether the generator is a model that was trained before.
    """

    generator: Literal["kde", "mmd-gan", "product-mixture"]
    bandwidth: float | int | None
    num_candidates: int
    inverse_temperature: float | int
    min_rows: int
    only_shared_categories: bool
    is_loaded: bool = False


@dataclass(frozen=True)
class Share:
    """The party's place among all, as far as it is shown.

    Attributes:
        rank: 1 for the largest contribution.
        num_parties: how many there are.
        is_tied: whether another contribution is equal, up to rounding.
        alphas: contribution α of each party by name; None unless all are shown.
    """

    rank: int
    num_parties: int
    is_tied: bool
    alphas: Mapping[str, float] | None = None


@dataclass(frozen=True, eq=False)
class PartyStatement:
    """All that a statement says: of others only what ``share`` has.

    Attributes:
        party: its name.
        file: name of its file.
        file_sha256: digest of what was read of it.
        reward_file: name of its reward file.
        reward_sha256: digest of that file; empty until it is written.
        num_rows: rows that it gave.
        columns: what is in its file, in the file's order.
        contribution: φ, what its data add to the others' on average.
        own_value: of its data alone.
        fair_share: α^ρ v*.
        reward_value: what was promised: the fair share, or the own value if larger.
        final_value: of its data with the reward.
        tolerance: by which two values may differ and count as equal; not shown, since
            it is a part of the largest value of all.
        is_excluded: whether its data add nothing on average.
        is_at_limit: whether the promise is nearly the most that could be given.
        is_stable: whether what it holds is worth what the data of all who contribute
            no more are worth together; None where that was not promised.
        is_relaxed: whether that promise had to be lowered for all.
        num_points: synthetic rows that it gets.
        stop_reason: why they are no more.
        origin: how they were drawn.
        share: its place among all; None where nothing of that is shown.
        own: its data, cells by column, in the forms that all parties share.
        reward: its synthetic rows, likewise.
        kinds: of these columns.
        own_points: its data as points in standard deviations of its own.
        reward_points: its synthetic rows, in the same coordinates.
        coordinates: their names.
        quality: its data beside its synthetic rows; None without rows or columns.
        num_equal: synthetic rows that equal a row of its own.
        num_near: those within 0.05 of one in every coordinate.
        labels: that its rows or its synthetic rows have.
        scoring: the name of the scheme that scores contributions.
    """

    party: str
    file: str
    file_sha256: str
    reward_file: str
    reward_sha256: str
    num_rows: int
    columns: tuple[GivenColumn, ...]
    contribution: float
    own_value: float
    fair_share: float
    reward_value: float
    final_value: float
    tolerance: float
    is_excluded: bool
    is_at_limit: bool
    is_stable: bool | None
    is_relaxed: bool
    num_points: int
    stop_reason: StopReason
    origin: Origin
    share: Share | None
    own: Mapping[str, Cells]
    reward: Mapping[str, Cells]
    kinds: Mapping[str, Kind]
    own_points: Float[np.ndarray, "n c"]
    reward_points: Float[np.ndarray, "m c"]
    coordinates: tuple[str, ...]
    quality: TableQuality | None
    num_equal: int
    num_near: int
    labels: tuple[OwnLabel, ...] = ()
    scoring: str = "shapley"

    @property
    def missed(self) -> dict[str, float]:
        """How far what it holds is below what each promise asks for; 0 if kept."""
        asked = {
            "own value": self.own_value,
            "fair share": self.fair_share,
            "reward value": self.reward_value,
        }
        missed = {name: value - self.final_value for name, value in asked.items()}
        return {
            name: 0.0 if gap <= self.tolerance else gap for name, gap in missed.items()
        }

    @property
    def is_kept(self) -> bool:
        """Whether all promises that concern it were kept."""
        return not any(self.missed.values()) and self.is_stable is not False

    @property
    def is_raised(self) -> bool:
        """Whether its own value is above its fair share, and so the promise is."""
        return self.reward_value > self.fair_share + self.tolerance
