"""What trials of cheating found: all of them, and one table, scheme × manipulation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.results import Result
from cgm_jax.rewards.scheme import RewardScheme, RewardStatus

__all__ = ["GainTable", "Stress", "Trial"]


@dataclass(frozen=True)
class Trial:
    """One party and one manipulation; NaN where there are no reward values.

    Attributes:
        party: who tried it.
        strategy: what it tried.
        shapley_gain: Σ φ of all it handed in, less that of its honest self; φ is the
            score where another takes the place of the Shapley value.
        reward_gain: its largest r, less its honest r.
        joint_gain: v(D_i ∪ G_{i1} ∪ …), less what it holds when honest.
        rho: ρ of everyone, which a party may spoil for all.
        num_points: number of points handed out to it.
        length_scale: ℓ; NaN for a kernel without a scalar one.
        status: how solving the scheme ended, or that there is no length scale.
        scoring: the name of the scoring under which it was tried.
        repeat: which key, from 0.
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
    scoring: str = "shapley"
    repeat: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class GainTable(Result):
    """What every manipulation gains under every scheme, relative to what is held.

    A party's gain is its mean over the keys; NaN where no key gave one.

    Attributes:
        schemes: names of the scorings, the one in use first.
        manipulations: names of the manipulations.
        most: the largest gain of a party, shape ``(schemes, manipulations)``.
        most_error: its standard error over the keys; NaN for one key.
        most_party: whose it is; −1 where nobody has a gain.
        mean: the mean gain over the parties, shape ``(schemes, manipulations)``.
        mean_error: its standard error over the keys; NaN for one key.
    """

    schemes: tuple[str, ...]
    manipulations: tuple[str, ...]
    most: Float[np.ndarray, "schemes manipulations"]
    most_error: Float[np.ndarray, "schemes manipulations"]
    most_party: Int[np.ndarray, "schemes manipulations"]
    mean: Float[np.ndarray, "schemes manipulations"]
    mean_error: Float[np.ndarray, "schemes manipulations"]

    @property
    def worst(self) -> Float[np.ndarray, " schemes"]:
        """The most that any manipulation gains any party, by scheme; NaN: no gain."""
        return _over(np.nanmax, self.most, axis=1)

    def to_frame(self) -> Any:
        """A row for every scheme and manipulation, as a pandas DataFrame."""
        import pandas

        index = pandas.MultiIndex.from_product(
            [self.schemes, self.manipulations], names=["scheme", "manipulation"]
        )
        names = ("most", "most_error", "most_party", "mean", "mean_error")
        return pandas.DataFrame(
            {name: getattr(self, name).ravel() for name in names}, index=index
        )


@dataclass(frozen=True, eq=False, repr=False)
class Stress(Result):
    """All trials, and what the parties have when all are honest.

    Attributes:
        honest: the scheme with honest data, by the name of the scoring; the first is
            the one in use.
        joint_values: v(D_i ∪ G_i) when all are honest, shape ``(keys, n)``, likewise.
        trials: all of them.
    """

    honest: dict[str, RewardScheme]
    joint_values: dict[str, Float[np.ndarray, "keys n"]]
    trials: tuple[Trial, ...]

    @property
    def in_use(self) -> str:
        """The name of the scoring in use."""
        return next(iter(self.honest))

    @property
    def trials_in_use(self) -> tuple[Trial, ...]:
        """The trials under the scoring in use."""
        return tuple(trial for trial in self.trials if trial.scoring == self.in_use)

    @property
    def profitable(self) -> tuple[Trial, ...]:
        """Trials under the scoring in use that pay, the largest gain first."""
        found = [trial for trial in self.trials_in_use if trial.joint_gain > 0]
        return tuple(sorted(found, key=lambda trial: -trial.joint_gain))

    def relative_gain(self, trial: Trial) -> float:
        """A trial's gain over what the party holds when honest."""
        held = self.joint_values[trial.scoring][trial.repeat, trial.party]
        return float(trial.joint_gain / abs(held))

    def relative_gains(
        self, scoring: str | None = None
    ) -> dict[str, list[float | None]]:
        """By strategy, gains over what parties honestly hold; None: there is none.

        They are means over the keys, under the scoring in use by default.
        """
        name = self.in_use if scoring is None else scoring
        strategies = list(dict.fromkeys(trial.strategy for trial in self.trials))
        gains = _over(np.nanmean, self._gains([name], strategies)[0], axis=2)
        return {
            strategy: [float(gain) if np.isfinite(gain) else None for gain in row]
            for strategy, row in zip(strategies, gains, strict=True)
        }

    def table(self) -> GainTable:
        """One table: what every manipulation gains under every scheme."""
        schemes = tuple(self.honest)
        strategies = tuple(dict.fromkeys(trial.strategy for trial in self.trials))
        gains = self._gains(schemes, strategies)
        by_party = _over(np.nanmean, gains, axis=3)
        most = _over(np.nanmax, by_party, axis=2)
        party = np.argmax(np.nan_to_num(by_party, nan=-np.inf), axis=2)
        of_most = np.take_along_axis(gains, party[:, :, None, None], axis=2)[:, :, 0]
        means = _over(np.nanmean, gains, axis=2)
        return GainTable(
            schemes,
            strategies,
            most,
            _standard_error(of_most),
            np.where(np.isnan(most), -1, party),
            _over(np.nanmean, by_party, axis=2),
            _standard_error(means),
        )

    def _gains(
        self, schemes: Sequence[str], strategies: Sequence[str]
    ) -> Float[np.ndarray, "schemes manipulations parties keys"]:
        """Relative gains; NaN where there is none."""
        keys, n = self.joint_values[schemes[0]].shape
        gains = np.full((len(schemes), len(strategies), n, keys), np.nan)
        row = {name: place for place, name in enumerate(schemes)}
        column = {name: place for place, name in enumerate(strategies)}
        for trial in self.trials:
            if trial.scoring in row:
                place = row[trial.scoring], column[trial.strategy]
                gains[*place, trial.party, trial.repeat] = self.relative_gain(trial)
        return gains


def _over(function: Any, array: np.ndarray, axis: int) -> np.ndarray:
    """One of NumPy's functions that leave out NaN; NaN where there is nothing else."""
    is_empty = np.isnan(array).all(axis=axis)
    found = function(np.where(np.expand_dims(is_empty, axis), 0, array), axis=axis)
    return np.where(is_empty, np.nan, found)


def _standard_error(gains: Float[np.ndarray, "schemes manipulations keys"]):
    """The standard error of the mean over keys with a gain; NaN for fewer than two."""
    count = np.isfinite(gains).sum(axis=2)
    deviation = gains - _over(np.nanmean, gains, axis=2)[:, :, None]
    squares = np.nansum(deviation**2, axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 1, np.sqrt(squares / (count * (count - 1))), np.nan)
