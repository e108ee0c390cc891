"""For the mediator: how near rewards are to the real rows of the other parties.

Every reward is put beside the real rows of all *other* parties, and beside as many held
out rows that the generator never saw. Only the mediator may see this: the figures tell
of the data of all parties. No figure is a verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from ._arrays import as_points
from .collaboration import Collaboration
from .generators.base import Generator
from .metrics import NearestReal, nearest_real

__all__ = ["PrivacyFigures", "halves_control", "privacy_figures"]

_QUANTILES = (0.05, 0.5)


@dataclass(frozen=True, eq=False)
class PrivacyFigures:
    """What each party's reward is near to."""

    rewards: tuple[NearestReal | None, ...]
    """One a party; None where it got no points."""

    def rows(self, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """One dictionary a reward, for a table and for JSON."""
        return [
            {
                "party": names[i] if names is not None else i,
                "num_points": len(found.used.distances),
                "num_real": found.num_real,
                "nearer_to_used": found.nearer_share,
                "decimals": found.decimals,
                **_of("used", found.used),
                **_of("held_out", found.held_out),
            }
            for i, found in enumerate(self.rewards)
            if found is not None
        ]


def privacy_figures(
    key: Key[Array, ""],
    collaboration: Collaboration,
    held_out: Float[ArrayLike, "h d"],
    *,
    decimals: int = 2,
) -> PrivacyFigures:
    """Distances of every reward to the real rows of the other parties.

    Args:
        key: a typed key, which chooses as many real rows as were held out.
        collaboration: a collaboration whose candidates were made of its parties' rows.
        held_out: real rows of the same kind that the generator did not see, in the same
            units, shape ``(h, d)``, h >= 2.
        decimals: to how many decimals numbers are rounded for rounded matches.

    Returns:
        The figures, a reward each.

    Raises:
        ValueError: if shapes do not fit or there are too few rows.

    Example:
        >>> from cgm_jax import collaborate
        >>> from cgm_jax.generators import KernelDensity
        >>> rng = np.random.default_rng(0)
        >>> parties = [rng.normal(i, 1, size=(60, 2)) for i in range(2)]
        >>> result = collaborate(
        ...     jax.random.key(0), parties, KernelDensity(0.01), stability=False
        ... )
        >>> held_out = rng.normal(0.5, 1, size=(60, 2))
        >>> found = privacy_figures(jax.random.key(1), result, held_out)
        >>> [reward.nearer_share > 0.6 for reward in found.rewards]
        [True, True]
    """
    control = as_points(held_out, "held_out")
    found: list[NearestReal | None] = []
    for i, reward in enumerate(collaboration.rewards):
        others = [x for j, x in enumerate(collaboration.parties) if j != i]
        found.append(
            nearest_real(
                jax.random.fold_in(key, i),
                np.asarray(collaboration.candidates)[reward.indices],
                np.concatenate([np.asarray(x) for x in others]),
                control,
                decimals=decimals,
            )
            if len(reward.indices)
            else None
        )
    return PrivacyFigures(tuple(found))


def halves_control(
    key: Key[Array, ""],
    generator: Generator,
    parties: Sequence[Float[ArrayLike, "_ d"]],
    *,
    num_points: int = 2_000,
    decimals: int = 2,
) -> NearestReal:
    """The same generator made of half of the rows, beside the half that it never saw.

    Where no rows were held out, this says what the generator does with those it sees.

    Args:
        key: a typed key.
        generator: the generator; it is fitted anew.
        parties: the parties' points, arrays of shape ``(n_i, d)``, four rows in all at
            least.
        num_points: number of points that it draws.
        decimals: to how many decimals numbers are rounded for rounded matches.

    Returns:
        Its points beside both halves.

    Example:
        >>> from cgm_jax.generators import KernelDensity
        >>> parties = [np.random.default_rng(0).normal(size=(200, 3))]
        >>> close = halves_control(jax.random.key(0), KernelDensity(0.01), parties)
        >>> wide = halves_control(jax.random.key(0), KernelDensity(2.0), parties)
        >>> close.nearer_share > 0.9 > wide.nearer_share
        True

    Reference:
        Platzer and Reutterer 2021.
    """
    order_key, fit_key, sample_key, choice_key = jax.random.split(key, 4)
    pool = np.concatenate([np.asarray(as_points(x, "parties")) for x in parties])
    pool = pool[np.asarray(jax.random.permutation(order_key, len(pool)))]
    half = len(pool) // 2
    model = generator.fit(fit_key, pool[:half])
    drawn = generator.sample(sample_key, model, num_points)
    return nearest_real(choice_key, drawn, pool[:half], pool[half:], decimals=decimals)


def _of(name: str, found) -> dict[str, float]:
    distances, ratios = found.quantiles(*_QUANTILES)
    return {
        f"{name}_distance_5_percent": distances[0],
        f"{name}_distance_median": distances[1],
        f"{name}_ratio_5_percent": ratios[0],
        f"{name}_ratio_median": ratios[1],
        f"{name}_exact_matches": found.exact_matches,
        f"{name}_rounded_matches": found.rounded_matches,
    }
