"""How much of a decision is chance: the promises of many resamples of the data.

Notation: v_i = v_c({i}) the value of party i's own data, φ_i its Shapley value, α_i =
φ_i / max φ, r_i its reward value. All of it is computed once more for resamples of
every party's points; its spread over them is the standard error. The candidates and the
kernel are kept: what choosing them adds to the uncertainty is not in it. Of releases,
the noise and the features are drawn once more, and the rows stay what they were: then
it is the error of what was computed of them, and not of the rows.

Reference: Efron, Tibshirani: An Introduction to the Bootstrap, 1993.
"""

import dataclasses
from typing import cast

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.checks import as_key, as_whole, check_callable, check_kind
from cgm_jax._shared.precision import on_numbers
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.results import Result
from cgm_jax.gram import GramSums
from cgm_jax.privacy import Release, resampled_sums
from cgm_jax.rewards import RewardScheme, scheme_from_sums
from cgm_jax.scoring import HandedIn
from cgm_jax.valuation import bootstrap_sums

from .promises import Promises
from .promising import coalition_table

__all__ = ["Uncertainty", "estimate_uncertainty"]

_MEMORY = 2**28  # bytes of resampled sums, or of multiplicities, at a time


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Uncertainty(Result):
    """What was promised, and what would have been promised for resampled data."""

    scheme: RewardScheme
    """What was promised for the parties' own points."""

    own_values: Float[np.ndarray, "resamples n"]
    """v_i of every resample, shape ``(num_resamples, n)``."""

    shapley_values: Float[np.ndarray, "resamples n"]
    """φ of every resample, shape ``(num_resamples, n)``."""

    reward_values: Float[np.ndarray, "resamples n"]
    """r of every resample, shape ``(num_resamples, n)``; NaN where there are none."""

    @property
    def num_resamples(self) -> int:
        """Number of resamples."""
        return len(self.shapley_values)

    @property
    def num_without_rewards(self) -> int:
        """Number of resamples in which no reward values keep the promises."""
        return int(np.isnan(self.reward_values).any(axis=1).sum())

    @property
    def normalized_shapley(self) -> Float[np.ndarray, "resamples n"]:
        """α of every resample; NaN where nobody contributes."""
        largest = self.shapley_values.max(axis=1, keepdims=True)
        return self.shapley_values / np.where(largest > 0, largest, np.nan)

    @property
    def own_value_errors(self) -> Float[np.ndarray, " n"]:
        """Standard errors of v_i, shape ``(n,)``."""
        return _spread(self.own_values)

    @property
    def shapley_errors(self) -> Float[np.ndarray, " n"]:
        """Standard errors of φ_i, shape ``(n,)``."""
        return _spread(self.shapley_values)

    @property
    def normalized_shapley_errors(self) -> Float[np.ndarray, " n"]:
        """Standard errors of α_i, shape ``(n,)``, over resamples that have one."""
        return _spread(self.normalized_shapley)

    @property
    def reward_value_errors(self) -> Float[np.ndarray, " n"]:
        """Standard errors of r_i, shape ``(n,)``, over resamples that have one."""
        return _spread(self.reward_values)

    @property
    def ranked_alike(self) -> Float[np.ndarray, "n n"]:
        """The share of resamples that rank two φ as the data do, shape ``(n, n)``.

        Near 1/2, who of the two contributed more is not known.
        """
        order = np.sign(
            self.scheme.shapley_values[:, None] - self.scheme.shapley_values[None]
        )
        alike = np.zeros(order.shape)
        for phi in self.shapley_values:
            alike += np.sign(phi[:, None] - phi[None]) == order
        return alike / self.num_resamples

    @property
    def ranking(self) -> Int[np.ndarray, " n"]:
        """The parties from the largest φ to the smallest, shape ``(n,)``."""
        return np.argsort(-self.scheme.shapley_values, kind="stable")

    @property
    def above_next(self) -> Float[np.ndarray, " n"]:
        """`ranked_alike` of each party and the next in ranking; NaN for the last."""
        sure = np.full(len(self.ranking), np.nan)
        first, second = self.ranking[:-1], self.ranking[1:]
        order = np.sign(
            self.scheme.shapley_values[first] - self.scheme.shapley_values[second]
        )
        found = np.sign(self.shapley_values[:, first] - self.shapley_values[:, second])
        sure[first] = (found == order[None]).mean(axis=0)
        return sure


@on_numbers()
def estimate_uncertainty(
    key: Key[Array, ""],
    promises: Promises,
    num_resamples: int = 200,
    *,
    progress: Progress = silent,
) -> Uncertainty:
    """How far values and promises would differ, had other points been drawn.

    Of promises made of releases it is how far they would, had other noise been drawn
    (and other features, where these are random and in several groups).

    Args:
        key: a typed key.
        promises: what was promised for the parties' own points.
        num_resamples: number of resamples, at least 2. The relative error of a
            standard error is about ``1 / sqrt(2 * num_resamples)``.
        progress: called with the stage, "uncertainty", and its share done.

    Returns:
        Standard errors, and how sure the order of the parties is.

    Raises:
        ValueError: if ``num_resamples < 2``, or the scoring needs rows: only the sums
            are resampled.

    Example:
        >>> from cgm_jax.collaboration import promise
        >>> rng = np.random.default_rng(0)
        >>> parties = [rng.normal(size=(n, 1)) for n in (20, 60)]
        >>> promises = promise(parties, np.linspace(-3, 3, 50)[:, None])
        >>> uncertainty = estimate_uncertainty(jax.random.key(1), promises, 50)
        >>> bool(uncertainty.shapley_errors[0] > uncertainty.shapley_errors[1])
        True

    Reference:
        Efron, Tibshirani 1993.
    """
    as_key(key)
    check_kind(promises, Promises, "`promise`")
    check_callable(progress, "progress")
    num_resamples = as_whole(num_resamples, "num_resamples", smallest=1)
    if num_resamples < 2:
        raise ValueError(
            f"Expected num_resamples >= 2, got {num_resamples}: a standard error needs "
            "two."
        )
    sums, scheme, scoring = promises.sums, promises.scheme, promises.scoring
    if scoring.needs_rows:
        raise ValueError(
            f"Expected a scheme that needs no rows, got {scoring.name}: of resamples "
            "there are sums only. It has no standard errors."
        )
    size = max(sums.between.size, int(sums.sizes[:-1].sum()))
    at_once = max(1, _MEMORY // (8 * size))
    schemes: list[RewardScheme] = []
    progress("uncertainty", 0.0)
    while len(schemes) < num_resamples:
        for resample in _resamples(
            jax.random.fold_in(key, len(schemes)),
            promises,
            min(at_once, num_resamples - len(schemes)),
        ):
            schemes.append(
                scheme_from_sums(
                    resample,
                    coalition_table(resample),
                    scores=scoring.scores(
                        HandedIn(promises.kernel, None, promises.candidates, resample)
                    ),
                    scoring=scoring.name,
                    stability=scheme.stability,
                    fairness_weight=scheme.fairness_weight,
                    relax=scheme.is_relaxed,
                    throw=False,
                    solver="closed form",
                )
            )
            progress("uncertainty", len(schemes) / num_resamples)
    names = "own_values", "shapley_values", "reward_values"
    arrays = (np.stack([getattr(each, name) for each in schemes]) for name in names)
    return Uncertainty(scheme, *arrays)


def _resamples(key: Key[Array, ""], promises: Promises, num: int) -> list[GramSums]:
    """Sums of other points of the parties; of releases, of other noise and features."""
    sums, candidates = promises.sums, promises.candidates
    if promises.features is not None:
        sent = cast(list[Release], promises.parties)
        return resampled_sums(
            key, sent, promises.features, candidates, sums, num_resamples=num
        )
    points = promises.points_for("a bootstrap of them")
    resampled = bootstrap_sums(
        key, promises.kernel, points, candidates, sums, num_resamples=num
    )
    nothing = sums.candidate_rows[:0]
    return [GramSums(between, nothing, sums.sizes) for between in resampled]


def _spread(samples: Float[np.ndarray, "resamples n"]) -> Float[np.ndarray, " n"]:
    """Standard deviation over the resamples that have a number; NaN if one has."""
    known = samples[np.isfinite(samples).all(axis=1)]
    if len(known) < 2:
        return np.full(samples.shape[1], np.nan)
    return known.std(axis=0, ddof=1)
