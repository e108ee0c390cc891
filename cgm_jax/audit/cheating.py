r"""What a party gains by not playing fair: splitting, copying, withholding, noise.

A party hands in something else than its data D_i; everything is valued and drawn anew.
Three things may change: the sum of the Shapley values φ of all it handed in, the
largest of its reward values r, and the value of its true data and all handed out to it,

    v(D_i ∪ G_{i1} ∪ G_{i2} ∪ …),

always valued as if everybody had been honest. This is what counts.

Outliers take passes over the pairs of their own; all else follows from one
(`manipulations`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import Points
from cgm_jax._shared.checks import check_kind
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.results import Result
from cgm_jax.collaboration import Promises
from cgm_jax.collaboration.promises import scalar_length_scale
from cgm_jax.gram import GramSums, gram_sums, smallest_length_scale
from cgm_jax.gram.gram_sums import as_blocks
from cgm_jax.rewards.from_sums import scheme_from_sums
from cgm_jax.rewards.scheme import RewardScheme, RewardStatus
from cgm_jax.sampling.weighted_sampling import draw_rewards
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .manipulations import deal, merged, submissions

__all__ = ["Stress", "Trial", "stress"]


@dataclass(frozen=True)
class Trial:
    """One party and one manipulation; NaN where there are no reward values.

    Attributes:
        party: who tried it.
        strategy: what it tried.
        shapley_gain: Σ φ of all it handed in, less that of its honest self.
        reward_gain: its largest r, less its honest r.
        joint_gain: v(D_i ∪ G_{i1} ∪ …), less what it holds when honest.
        rho: ρ of everyone, which a party may spoil for all.
        num_points: number of points handed out to it.
        length_scale: ℓ; NaN for a kernel without a scalar one.
        status: how solving the scheme ended, or that there is no length scale.
    """

    party: int
    strategy: str
    shapley_gain: float = np.nan
    reward_gain: float = np.nan
    joint_gain: float = np.nan
    rho: float = np.nan
    num_points: int = 0
    length_scale: float = np.nan
    status: RewardStatus | str = "no length scale"


@dataclass(frozen=True, eq=False, repr=False)
class Stress(Result):
    """All trials, and what the parties have when all are honest.

    Attributes:
        honest: the scheme with honest data.
        joint_values: v(D_i ∪ G_i) when all are honest, shape ``(n,)``.
        trials: all of them.
    """

    honest: RewardScheme
    joint_values: Float[np.ndarray, " n"]
    trials: tuple[Trial, ...]

    @property
    def profitable(self) -> tuple[Trial, ...]:
        """Trials after which a party holds more than when honest, most first."""
        found = [trial for trial in self.trials if trial.joint_gain > 0]
        return tuple(sorted(found, key=lambda trial: -trial.joint_gain))

    def relative_gains(self) -> dict[str, list[float | None]]:
        """By strategy, joint gains over what parties honestly hold; None: no gain."""
        table: dict[str, list[float | None]] = {}
        for trial in self.trials:
            row = table.setdefault(trial.strategy, [None] * len(self.joint_values))
            gain = trial.joint_gain / abs(self.joint_values[trial.party])
            row[trial.party] = float(gain) if np.isfinite(gain) else None
        return table


def stress(
    key: Key[Array, ""],
    promises: Promises,
    *,
    inverse_temperature: float = 1.0,
    search_length_scale: bool = False,
    outlier_scales: Sequence[float] = (1e3, 1e6, 1e9),
    progress: Progress = silent,
) -> Stress:
    r"""What every party would gain by every manipulation, the others being honest.

    A party splits its data in 2, 3 and 5 and takes part as so many; hands them in
    twice; adds a copy of the data of the party that contributed most (of the others);
    withholds half or nine tenths; adds as many rows of uniform noise; adds one row at
    10³, 10⁶ and 10⁹ standard deviations. The candidates stay the same.

    Args:
        key: a typed key.
        promises: what was promised for honest data, to at most 20 parties; needs memory
            for ``8 g (31 n + 1)`` bytes.
        inverse_temperature: β of all draws.
        search_length_scale: whether it is searched anew where a party adds an outlier.
        outlier_scales: how many standard deviations of the pool outliers are away.
        progress: called after every party's trials.

    Returns:
        The trials.

    Raises:
        ValueError: if there are more than 20 parties.

    Example:
        >>> from cgm_jax import promise
        >>> rng = np.random.default_rng(0)
        >>> parties = [rng.normal(i, 0.5, size=(20, 1)) for i in range(2)]
        >>> promises = promise(parties, np.linspace(-1, 2, 60)[:, None])
        >>> found = stress(jax.random.key(0), promises, outlier_scales=())
        >>> [trial.strategy for trial in found.trials][3:6]
        ['hand in twice', 'copy the best other', 'withhold half']
        >>> found.trials[5].shapley_gain < 0  # withholding half
        True

    Reference: Tay et al. 2022, Sec. 2 (parties are assumed to be honest).
    """
    check_kind(promises, Promises)
    if len(promises.parties) > MAX_TABLE_PARTIES:
        raise ValueError(
            f"Expected at most {MAX_TABLE_PARTIES} parties, got "
            f"{len(promises.parties)}."
        )
    honest_points = promises.points_for("trials of cheating")
    points, drawn = as_blocks(honest_points, promises.candidates)
    kernel = promises.kernel
    deal_key, draw_key = jax.random.split(key)
    parts = deal(deal_key, points)
    sums = gram_sums(kernel, parts.blocks, drawn)
    own = [parts.own(i) for i in range(len(points))]
    honest_sums = merged(sums, own)
    tried = _Trials(draw_key, promises, drawn, honest_sums, inverse_temperature)
    honest = tried.scheme(honest_sums)
    trials, joint = [], []
    for i in range(len(points)):
        others = own[:i] + own[i + 1 :]
        held, _ = tried.joint_value(i, kernel, sums, others, [own[i]], honest, [i])
        joint.append(held)
        ranked = np.where(np.arange(len(points)) == i, -np.inf, honest.shapley_values)
        before = (honest, i, held)
        for name, handed_in in submissions(parts, i, best_other=int(np.argmax(ranked))):
            trials.append(tried.trial(name, kernel, sums, others, handed_in, before))
        for scale in outlier_scales:
            name = f"an outlier at {scale:.0e}"
            mine = np.concatenate([points[i], _outlier(points, scale)])
            used = kernel
            if search_length_scale:
                changed = [*points[:i], mine, *points[i + 1 :]]
                try:
                    used = kernel.with_length_scale(
                        smallest_length_scale(kernel, changed, drawn)
                    )
                except ValueError:
                    trials.append(Trial(i, name, status="no length scale"))
                    continue
            blocks = points[:i] + points[i + 1 :] + [mine]
            anew = gram_sums(used, blocks, drawn)
            *ones, last = np.eye(len(blocks))
            trials.append(tried.trial(name, used, anew, ones, [last], before))
        progress("what cheating would gain", (i + 1) / len(points))
    return Stress(honest, np.array(joint), tuple(trials))


@dataclass(frozen=True)
class _Trials:
    """What all trials have in common."""

    key: Key[Array, ""]
    promises: Promises
    candidates: Points
    honest_sums: GramSums
    inverse_temperature: float

    def scheme(self, sums: GramSums) -> RewardScheme:
        """What is promised for other data; its status says if nothing can be."""
        return scheme_from_sums(
            sums,
            stability=self.promises.scheme.stability,
            relax=self.promises.scheme.is_relaxed,
            throw=False,
            solver="closed form",
        )

    def trial(self, name, kernel, sums, others, handed_in, before) -> Trial:
        """Hand in, value anew, draw, and compare with ``before``."""
        honest, party, honest_joint = before
        scheme = self.scheme(merged(sums, [*others, *handed_in]))
        mine = list(range(len(others), len(others) + len(handed_in)))
        joint, num_points = self.joint_value(
            party, kernel, sums, others, handed_in, scheme, mine
        )
        return Trial(
            party,
            name,
            float(scheme.shapley_values[mine].sum() - honest.shapley_values[party]),
            float(scheme.reward_values[mine].max() - honest.reward_values[party]),
            joint - honest_joint,
            scheme.rho,
            num_points,
            scalar_length_scale(kernel),
            scheme.status,
        )

    def joint_value(
        self, party, kernel, sums, others, handed_in, scheme, mine
    ) -> tuple[float, int]:
        """Draw for all that was handed in; the value of all that is then held."""
        if not scheme.has_rewards:
            return np.nan, 0
        # All others as one data set that wants nothing: the reference is the same.
        together = merged(sums, [*handed_in, np.sum(others, axis=0)])
        (rewards,) = draw_rewards(
            [jax.random.fold_in(self.key, party)],
            kernel,
            self.candidates,
            together,
            np.append(scheme.reward_values[mine], -np.inf),
            inverse_temperatures=[self.inverse_temperature],
        )
        picks = np.concatenate([reward.indices for reward in rewards])
        return self.value_of(party, picks), len(picks)

    def value_of(self, party: int, picks: np.ndarray) -> float:
        """v(D_i ∪ picks) with honest data and kernel: 2C/(st) − A/s²."""
        sums = self.honest_sums
        rows = np.asarray(sums.candidate_rows)[picks]
        size = sums.sizes[party] + len(picks)
        across = sums.between[party].sum() + rows.sum()
        within = sums.between[party, party] + 2 * rows[:, party].sum()
        if len(picks):
            points = np.asarray(self.candidates)[picks]
            among = gram_sums(self.promises.kernel, [points], points[:0])
            within += float(among.between[0, 0])
        return float(2 * across / (size * sums.reference_size) - within / size**2)


def _outlier(points: list[Points], scale: float) -> Points:
    """One row, so many standard deviations away from the mean along the diagonal."""
    pool = np.concatenate([np.asarray(x) for x in points])
    away = scale * pool.std(axis=0) / np.sqrt(pool.shape[1])
    return (pool.mean(axis=0) + away)[None].astype(pool.dtype)
