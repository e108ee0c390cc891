"""What a scoring is: a rule that gives every party a score from what was handed in.

A score φ_i stands in the place of the Shapley value in the reward scheme: party i is
promised r_i = max{v_c({i}), α_i^ρ v*} with α_i = φ_i / max φ (Eq. 6). Whatever the
scores are, r is at least the value of a party's own data, within reach, and stable
where the linear programme says so: R1 to R4 and R6 do not ask what φ is. F1 to F4 do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.checks import as_whole, check_kind, one_each
from cgm_jax._shared.results import Result
from cgm_jax._shared.sharded import on_host
from cgm_jax.gram import GramSums
from cgm_jax.kernels import Kernel

__all__ = [
    "FAIR",
    "RATIONAL",
    "HandedIn",
    "Scoring",
    "check_length",
    "fair_promises",
    "for_parties",
]

RATIONAL = ("R1", "R2", "R3", "R4", "R6")  # with any scores (App. D)
FAIR = ("F1", "F2", "F3", "F4")


@dataclass(frozen=True, eq=False, repr=False)
class HandedIn(Result):
    """What a scoring may look at.

    Attributes:
        kernel: the kernel at the length scale used.
        parties: the parties' points, arrays of shape ``(n_i, d)``; None where only sums
            are known, as of releases and of resamples.
        candidates: the synthetic points, shape ``(g, d)``.
        sums: sums of the kernel between the parties and the candidates.
    """

    kernel: Kernel
    parties: list[Points] | None
    candidates: Points
    sums: GramSums

    def points_for(self, scheme: str) -> list[Points]:
        """The parties' points for a scheme that cannot do without, or a ValueError."""
        if self.parties is None:
            raise ValueError(
                f"Expected the parties' rows for the scheme {scheme}, got sums of them "
                "alone, as of releases or resamples; choose a scheme that needs no "
                "rows, such as shapley."
            )
        return self.parties

    def among(self, members: Bool[np.ndarray, " n"]) -> "HandedIn":
        """The same for some parties, on the same reference set.

        The rows of the others stay in it, as if they were candidates.
        """
        inside, outside = np.flatnonzero(members), np.flatnonzero(~members)
        n = self.sums.num_parties
        blocks = np.zeros((len(inside) + 1, n + 1))
        blocks[np.arange(len(inside)), inside] = 1
        blocks[-1, [*outside, n]] = 1
        sums = GramSums(
            blocks @ np.asarray(self.sums.between) @ blocks.T,
            np.zeros((0, len(blocks))),
            blocks @ np.asarray(self.sums.sizes),
        )
        if self.parties is None:
            return HandedIn(self.kernel, None, self.candidates, sums)
        left_out = [on_host(self.parties[i]) for i in outside]
        return HandedIn(
            self.kernel,
            [self.parties[i] for i in inside],
            np.concatenate([*left_out, on_host(self.candidates)]),
            sums,
        )


@runtime_checkable
class Scoring(Protocol):
    """A rule that gives every party a score.

    A frozen dataclass with these four is one; ``promise(..., scoring=...)`` takes it. A
    field that is a tuple of one number a party says so, by
    ``field(metadata={"per_party": True})``, for games of fewer parties.
    """

    @property
    def name(self) -> str:
        """As on the command line: "shapley"."""
        ...

    @property
    def needs_rows(self) -> bool:
        """Whether the sums alone are not enough."""
        ...

    @property
    def proved(self) -> tuple[str, ...]:
        """The promises that rewards by these scores keep by proof: R1 to R6, F1 to F8.

        The proofs ask for what Proposition 3 asks for: values that are non-negative
        and monotone, ρ > 0, and no share below its lower value.
        """
        ...

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """One number a party, float64; who has none above 0 gets no synthetic data."""
        ...


AnyScoring = TypeVar("AnyScoring", bound=Scoring)


def for_parties(
    scoring: AnyScoring, owners: Sequence[int] | Int[np.ndarray, " m"]
) -> AnyScoring:
    """A scoring for other parties: what it knows of each is that of its owner.

    Args:
        scoring: one whose fields say which of them are per party.
        owners: for each of the other parties, the party that it was: [0, 2] without
            party 1; [0, 1, 1, 2] where party 1 takes part as two.

    Returns:
        The scoring of these.

    Example:
        >>> from cgm_jax.scoring import TimeAware
        >>> for_parties(TimeAware((0, 3, 5)), [0, 1, 1]).joined
        (0, 3, 3)
    """
    check_kind(scoring, Scoring)
    owners = [as_whole(i, "owner", smallest=0) for i in one_each(owners, "owners")]
    if not is_dataclass(scoring) or isinstance(scoring, type):
        return scoring
    changed: dict[str, Any] = {}
    for each in fields(scoring):
        value = getattr(scoring, each.name)
        if each.metadata.get("per_party") and isinstance(value, tuple):
            if (num := max(owners) + 1) > len(value):
                raise ValueError(
                    f"Expected {each.name} of {num} parties, got {len(value)}."
                )
            changed[each.name] = tuple(value[i] for i in owners)
        elif isinstance(value, Scoring):
            changed[each.name] = for_parties(value, owners)
    return replace(scoring, **changed) if changed else scoring


def fair_promises(scoring: Scoring) -> tuple[str, ...]:
    """F1 to F8, as far as rewards by these scores keep them by proof."""
    return tuple(name for name in scoring.proved if name.startswith("F"))


def check_length(numbers: Sequence[Any], handed_in: HandedIn, what: str) -> None:
    """Raise unless there is one for every party."""
    n = handed_in.sums.num_parties
    if len(numbers) != n:
        raise ValueError(
            f"Expected {what} for each of {n} parties, got {len(numbers)}: "
            f"{list(numbers)}."
        )
