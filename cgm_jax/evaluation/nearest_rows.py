"""For the mediator: how near rewards are to the real rows of the other parties.

What a distance to all *other* parties' rows means is known only beside a control: rows
that the generator never saw. Where some were held out of its training, the reward is
put beside those, too; otherwise the generator is made anew of half of every party's
rows. The same control tells whether the attack of ``reidentification.py`` reads rows
off the reward. Only the mediator may see the figures, which reveal something of all
data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Bool, Key

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.results import Result
from cgm_jax.collaboration import Collaboration
from cgm_jax.generators.base import Generator
from cgm_jax.metrics import NearestReal, ToReal, nearest_real, to_real
from cgm_jax.metrics.neighbors import nearest_distances

from .reidentification import MAX_ROWS, Control, Reidentification, reidentify

_QUANTILES = (0.05, 0.5)
_MOST_POINTS = 2_000  # of a generator that is made anew, for distances


@dataclass(frozen=True, eq=False, repr=False)
class RewardNearness(Result):
    """What one party's reward is near to."""

    num_near_own: int  # rows nearer to one of the party's own than to any of others'
    to_others: ToReal | None  # the other rows beside all real rows of other parties
    control: NearestReal | None  # beside rows of theirs seen in training, and unseen
    attack: Reidentification  # what can be read off it

    @property
    def num_points(self) -> int:
        """Rows of the reward."""
        others = self.to_others
        return self.num_near_own + (0 if others is None else len(others.distances))


@dataclass(frozen=True, eq=False, repr=False)
class NearnessFigures(Result):
    """What each party's reward is near to."""

    rewards: tuple[RewardNearness | None, ...]  # None where a party got no points
    control: str  # how it was made, in words
    decimals: int  # of rounded matches

    def rows(self, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """One dictionary per reward, for a table and for JSON."""
        return [
            {
                "party": names[i] if names is not None else i,
                "num_points": found.num_points,
                "num_near_own": found.num_near_own,
                **_of("others", found.to_others),
                "attack": {**found.attack.to_dict(), "verdict": found.attack.verdict},
                "control": None
                if found.control is None
                else {
                    "num_points": len(found.control.used.distances),
                    "num_real": found.control.num_real,
                    "nearer_to_used": found.control.nearer_share,
                    **_of("used", found.control.used),
                    **_of("held_out", found.control.held_out),
                },
            }
            for i, found in enumerate(self.rewards)
            if found is not None
        ]


def nearness_figures(
    key: Key[Array, ""],
    collaboration: Collaboration,
    *,
    held_out: Sequence[Bool[np.ndarray, " _"]] | None = None,
    generator: Generator | None = None,
    is_category: Bool[ArrayLike, " d"] | None = None,
    decimals: int = 2,
) -> NearnessFigures:
    """Distances of every reward to the real rows of the other parties, and an attack.

    Args:
        key: a typed key.
        collaboration: whose rewards are looked at.
        held_out: which rows of each party the generator never saw, if that is known.
        generator: if not, what the candidates were drawn from, to make it anew.
        is_category: which coordinates stand for a category or a missing cell.
        decimals: of rounded matches.

    Example:
        >>> from cgm_jax import collaborate
        >>> from cgm_jax.collaboration import Growing
        >>> from cgm_jax.generators import KernelDensity
        >>> rng = np.random.default_rng(0)
        >>> parties = [rng.normal(i, 1, size=(60, 2)) for i in range(2)]
        >>> generator = KernelDensity(0.01)
        >>> keys = jax.random.split(jax.random.key(0))
        >>> few = Growing(generator, num=500)
        >>> result = collaborate(keys[0], parties, few, stability=False)
        >>> figures = nearness_figures(keys[1], result, generator=generator)
        >>> [reward.control.nearer_share > 0.5 for reward in figures.rewards]
        [True, True]

    Reference: Platzer and Reutterer 2021.
    """
    promises, rewards = collaboration.promises, collaboration.draw.rewards
    parties = [np.asarray(x) for x in promises.points_for("distances to them")]
    candidates = np.asarray(promises.candidates)
    half_key, fit_key, sample_key, choice_key = jax.random.split(key, 4)
    attack_key = jax.random.fold_in(choice_key, len(parties))
    unseen = drawn = None
    words = "none: it is not known which rows the generator never saw"
    if held_out is not None:
        unseen = [np.asarray(mask, bool) for mask in held_out]
        if [mask.shape for mask in unseen] != [x.shape[:1] for x in parties]:
            raise ValueError(
                "Expected held_out to say of each of "
                f"{[len(x) for x in parties]} rows whether it was, got arrays of "
                f"shapes {[mask.shape for mask in unseen]}."
            )
        words = "the reward, beside rows that were held out of the training"
    elif generator is not None:
        unseen = _halves(half_key, parties)
        seen = [x[~mask] for x, mask in zip(parties, unseen, strict=True)]
        model = generator.fit(fit_key, np.concatenate(seen))
        most = max(1, *(len(reward.indices) for reward in rewards))
        num = min(most, MAX_ROWS)
        drawn = np.asarray(generator.sample(sample_key, model, num))
        words = "the same generator, made of half of the rows, beside either half"

    def of(party: int) -> RewardNearness | None:
        picks = rewards[party].indices
        if not len(picks):
            return None
        reward = candidates[picks]
        rows = np.concatenate([x for j, x in enumerate(parties) if j != party])
        control = attack_control = None
        if unseen is not None:
            is_unseen = np.concatenate([m for j, m in enumerate(unseen) if j != party])
            synthetic = reward if drawn is None else drawn[: len(picks)]
            attack_control = Control(synthetic, rows[~is_unseen], rows[is_unseen])
            if 2 <= is_unseen.sum() <= len(rows) - 2:
                control = nearest_real(
                    jax.random.fold_in(choice_key, party),
                    synthetic if drawn is None else synthetic[:_MOST_POINTS],
                    rows[~is_unseen],
                    rows[is_unseen],
                    decimals=decimals,
                )
        to_own, to_rest = (
            nearest_distances(reward, real, num_neighbors=1)[:, 0]
            for real in (parties[party], rows)
        )
        is_near_own = to_own < to_rest
        others = None
        if not is_near_own.all():
            others = to_real(reward[~is_near_own], rows, decimals=decimals)
        return RewardNearness(
            int(is_near_own.sum()),
            others,
            control,
            reidentify(
                jax.random.fold_in(attack_key, party),
                reward,
                parties[party],
                rows,
                attack_control,
                is_category=is_category,
            ),
        )

    return NearnessFigures(tuple(map(of, range(len(parties)))), words, decimals)


def _halves(
    key: Key[Array, ""], parties: Sequence[np.ndarray]
) -> list[Bool[np.ndarray, " _"]]:
    """Half of the rows of everyone, at random; the smaller half of an odd number."""
    sizes = [len(x) for x in parties]
    shares = np.asarray(jax.random.uniform(key, (sum(sizes),)))
    return [
        np.argsort(np.argsort(mine)) < len(mine) // 2
        for mine in np.split(shares, np.cumsum(sizes)[:-1])
    ]


def _of(name: str, found: ToReal | None) -> dict[str, float | None]:
    if found is None:
        ends = "distance_5_percent", "distance_median", "ratio_5_percent"
        ends += "ratio_median", "exact_matches", "rounded_matches"
        return dict.fromkeys(f"{name}_{end}" for end in ends)
    distances, ratios = found.quantiles(*_QUANTILES)
    return {
        f"{name}_distance_5_percent": distances[0],
        f"{name}_distance_median": distances[1],
        f"{name}_ratio_5_percent": ratios[0],
        f"{name}_ratio_median": ratios[1],
        f"{name}_exact_matches": found.exact_matches,
        f"{name}_rounded_matches": found.rounded_matches,
    }
