"""From the parties' points to their rewards: the whole order, and no mathematics.

    length scale → Gram sums → coalition values → Shapley values → reward scheme → draws

Everything before the draws depends on the reference set T. When the candidates grow
(App. F), T is another, and all of it is computed anew.

Of more than 20 parties no table of all 2^n coalition values is made: Shapley values
come from the sums in polynomial time, and stability needs n single coalitions only.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from cgm_jax._shared.arrays import Points, as_parties, as_points
from cgm_jax.generators.base import Generator
from cgm_jax.gram import GramSums, gram_sums, smallest_length_scale
from cgm_jax.kernels import Kernel, SquaredExponential
from cgm_jax.rewards import InfeasibleError, RewardScheme, scheme_from_sums
from cgm_jax.sampling import Reward, weighted_sampling
from cgm_jax.valuation import coalition_values, values_of_coalitions
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .outliers import Outlier, draw_warnings, find_outlier, length_scale_warnings
from .uncertainty import Uncertainty, resampled_schemes

__all__ = ["Collaboration", "Progress", "collaborate"]

Progress = Callable[[str, float], None]
"""Called with the name of the stage and the share of it that is done, 0 to 1."""

# Children of the key: `fold_in(key, i)` is party i's, so these are no party's number.
FIT, SAMPLE = 2**31 - 2, 2**31 - 1


@dataclass(frozen=True, eq=False)
class Collaboration:
    """What was valued, promised and handed out, with all it was computed from."""

    parties: list[Points]
    """The parties' points, arrays of shape ``(n_i, d)``."""

    candidates: Points
    """G, shape ``(g, d)``."""

    kernel: Kernel
    """The kernel at the length scale used."""

    sums: GramSums
    """Sums of the kernel between the parties and the candidates."""

    coalition_values: Float[np.ndarray, " coalitions"] | None
    """v_c of every coalition by bitmask, shape ``(2**n,)``; None for n > 20, where no
    table is made: `valuation.values_of_coalitions` gives those that are wanted."""

    scheme: RewardScheme
    """Reward values, ρ, v* and the bounds they had to keep."""

    rewards: list[Reward]
    """What each party was handed out, as indices into the candidates."""

    inverse_temperature: float
    """β of the draw."""

    length_scale: float
    """ℓ, in the units of the points; NaN for a kernel without a scalar one."""

    outlier: Outlier | None
    """What made the kernel flat, if it is."""

    stability: bool
    """Whether the promises are stable (R6), or only individually rational (R4)."""

    @property
    def shapley_values(self) -> Float[np.ndarray, " n"]:
        """φ, the parties' Shapley values, shape ``(n,)``; they sum to v_c(N)."""
        return self.scheme.shapley

    @property
    def shapley_method(self) -> Literal["all coalitions", "polynomial time"]:
        """How φ was computed: exactly, with the table of all coalitions or without."""
        has_table = self.coalition_values is not None
        return "all coalitions" if has_table else "polynomial time"

    @property
    def normalized_shapley(self) -> Float[np.ndarray, " n"]:
        """α = φ / max φ, shape ``(n,)``."""
        return self.scheme.normalized_shapley

    @property
    def own_values(self) -> Float[np.ndarray, " n"]:
        """v_c({i}), the value of each party's own data, shape ``(n,)``."""
        return self.scheme.own_values

    @property
    def lower_values(self) -> Float[np.ndarray, " n"]:
        """What each party had to be promised at least, shape ``(n,)``."""
        return self.scheme.lower_values

    @property
    def upper_values(self) -> Float[np.ndarray, " n"]:
        """v(D_i ∪ G), the most each party can be given, shape ``(n,)``."""
        return self.scheme.upper_values

    @property
    def pool_values(self) -> Float[np.ndarray, " coalitions"]:
        """v_c with the pool alone as the reference set.

        Where it ranks the parties otherwise than ``coalition_values`` does, it is the
        candidates, and so the generator, that decide what is worth something. For more
        than 20 parties there is no such table: see ``pool_own_values``.
        """
        if self.coalition_values is None:
            raise ValueError(
                f"Expected at most {MAX_TABLE_PARTIES} parties for a table of all 2^n "
                f"coalitions, got {len(self.parties)}. `pool_own_values` has the "
                "values of the parties, `valuation.values_of_coalitions` those of any "
                "coalitions."
            )
        return np.asarray(coalition_values(self.sums.pool))

    @property
    def pool_own_values(self) -> Float[np.ndarray, " n"]:
        """v_c({i}) with the pool alone as the reference set, shape ``(n,)``."""
        pool = self.sums.pool
        return np.asarray(
            values_of_coalitions(pool, np.eye(len(self.parties), dtype=bool))
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """All that a mediator should know before handing out the rewards."""
        return self.warnings_for(None)

    def warnings_for(self, names: Sequence[str] | None) -> tuple[str, ...]:
        """The warnings with the parties' names, or with their numbers from 0."""
        return (
            *length_scale_warnings(self.outlier, names),
            *self.scheme.warnings_for(names),
            *draw_warnings(self.rewards, names),
        )

    def redraw(
        self,
        key: Key[Array, ""],
        *,
        inverse_temperature: float,
        progress: Progress | None = None,
    ) -> "Collaboration":
        """The same promises kept by another draw.

        Args:
            key: a typed key.
            inverse_temperature: β of the draw.
            progress: called with the stage and its share done.

        Returns:
            The collaboration with other rewards; nothing else is computed again.

        Example:
            >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
            >>> grid = np.linspace(-1, 2, 50)[:, None]
            >>> result = collaborate(jax.random.key(0), parties, grid)
            >>> greedy = result.redraw(jax.random.key(1), inverse_temperature=np.inf)
            >>> greedy.scheme is result.scheme
            True
        """
        rewards = weighted_sampling(
            key,
            self.kernel,
            self.candidates,
            self.sums,
            self.scheme.reward_values,
            inverse_temperature=inverse_temperature,
            progress=_sampling_progress(progress, self.scheme),
        )
        _tell(progress, "sampling", 1.0)
        return dataclasses.replace(
            self, rewards=rewards, inverse_temperature=inverse_temperature
        )

    def uncertainty(
        self,
        key: Key[Array, ""],
        num_resamples: int = 200,
        *,
        progress: Progress | None = None,
    ) -> Uncertainty:
        """How far values and promises would differ, had other points been drawn.

        The parties' points are resampled and everything up to the reward values is
        computed anew; candidates, kernel and length scale are kept.

        Args:
            key: a typed key.
            num_resamples: number of resamples, at least 2. The relative error of a
                standard error is about ``1 / sqrt(2 * num_resamples)``. Besides a pass
                over the pool, each takes the time of the Shapley values.
            progress: called with the stage, "uncertainty", and its share done.

        Returns:
            Standard errors, and how sure the order of the parties is.

        Raises:
            ValueError: if ``num_resamples < 2``.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> parties = [rng.normal(size=(n, 1)) for n in (20, 60)]
            >>> grid = np.linspace(-3, 3, 50)[:, None]
            >>> result = collaborate(jax.random.key(0), parties, grid)
            >>> found = result.uncertainty(jax.random.key(1), 50)
            >>> bool(found.shapley_errors[0] > found.shapley_errors[1])
            True

        Reference:
            Efron, Tibshirani 1993.
        """
        return resampled_schemes(
            key,
            self.kernel,
            self.parties,
            self.candidates,
            self.sums,
            self.scheme,
            partial(
                _scheme_without_error,
                stability=self.stability,
                fairness_weight=self.scheme.fairness_weight,
            ),
            num_resamples=num_resamples,
            progress=partial(_tell, progress, "uncertainty"),
        )


def collaborate(
    key: Key[Array, ""],
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"] | Generator,
    *,
    kernel: Kernel | None = None,
    search_length_scale: bool = False,
    inverse_temperature: float = 1.0,
    stability: bool = True,
    fairness_weight: float = 1e-3,
    num_candidates: int = 10_000,
    max_candidates: int = 160_000,
    progress: Progress | None = None,
) -> Collaboration:
    """Value the parties' data, promise fair reward values, and draw the rewards.

    Args:
        key: a typed key. Party i's draw uses ``fold_in(key, i)``.
        parties: the parties' points, arrays of shape ``(n_i, d)``; sizes may differ.
            Float64 points are computed in float64, others in float32. Of more than 20
            parties no table of coalitions is made; Shapley values are exact all the
            same.
        candidates: the synthetic points G to hand out, shape ``(g, d)``; or a
            generator, which is fitted to the pool and draws ``num_candidates`` points,
            doubled until the promises can be kept.
        kernel: used as it is; by default the squared exponential at the smallest length
            scale at which no party's data have a negative value.
        search_length_scale: bring the given kernel to that length scale, too; of a deep
            kernel, the one between features.
        inverse_temperature: β >= 0: the larger, the fewer points a party is handed out.
        stability: whether no coalition may do better alone (R6, the paper's choice);
            otherwise only no party (R4).
        fairness_weight: ε, the weight of ρ in the linear programme.
        num_candidates: number of points that a generator draws at first.
        max_candidates: largest number that it draws.
        progress: called with the stage ("length scale", "kernel sums", "reward scheme",
            "sampling") and the share of it that is done.

    Returns:
        What was valued, promised and handed out.

    Raises:
        InfeasibleError: if no reward values keep the promises with these candidates, or
            with the most that the generator may draw.
        NoContributionError: if no party adds anything to the others' data.
        ValueError: if shapes do not fit, an entry is not finite, or an option is out of
            range; or if a length scale is to be searched and the kernel has not one.

    Example:
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = collaborate(jax.random.key(0), parties, grid)
        >>> [reward.stop_reason for reward in result.rewards]
        ['reached', 'reached']

    Reference:
        Tay et al. 2022, Sec. 3 to 5.
    """
    points = as_parties(parties)
    if len(points) < 2:
        raise ValueError(
            "Expected at least two parties, got one: it has nobody to pool with."
        )
    if search_length_scale and kernel is not None and np.isnan(_one_scale(kernel)):
        raise ValueError(
            "Expected a kernel with one length scale to search for it, got "
            f"{type(kernel).__name__}; use the kernel as it is."
        )
    promise = partial(
        _promise,
        points,
        kernel=kernel,
        search_length_scale=search_length_scale,
        stability=stability,
        fairness_weight=fairness_weight,
        progress=progress,
    )
    if isinstance(candidates, Generator):
        sizes = num_candidates, max_candidates
        promised = _grow(key, points, candidates, sizes, promise)
    else:
        promised = promise(as_points(candidates, "candidates"))
    return promised.redraw(
        key, inverse_temperature=inverse_temperature, progress=progress
    )


def _grow(
    key: Key[Array, ""],
    parties: list[Points],
    generator: Generator,
    sizes: tuple[int, int],
    promise: Callable[[Points], Collaboration],
) -> Collaboration:
    """Draw more and more candidates, until the promises can be kept."""
    num, most = sizes
    if not 1 <= num <= most:
        raise ValueError(
            f"Expected 1 <= num_candidates <= max_candidates, got {num} and {most}."
        )
    model = generator.fit(jax.random.fold_in(key, FIT), np.concatenate(parties))
    while True:
        drawn = generator.sample(jax.random.fold_in(key, SAMPLE), model, num)
        try:
            return promise(drawn)
        except InfeasibleError as error:
            if num == most:
                error.add_note(f"With the most candidates allowed, {most}.")
                raise
            num = min(2 * num, most)


def _promise(
    parties: list[Points],
    candidates: Points,
    *,
    kernel: Kernel | None,
    search_length_scale: bool,
    stability: bool,
    fairness_weight: float,
    progress: Progress | None,
) -> Collaboration:
    """Everything but the draws."""
    searched = SquaredExponential(1.0) if kernel is None else kernel
    if kernel is None or search_length_scale:
        _tell(progress, "length scale", 0.0)
        scale = smallest_length_scale(searched, parties, candidates)
        searched = searched.with_length_scale(scale)
    length_scale = _one_scale(searched)
    # Of other kernels ℓ is not one of points.
    outlier = (
        find_outlier(length_scale, parties, candidates) if kernel is None else None
    )
    kernel = searched
    _tell(progress, "kernel sums", 0.0)
    sums = gram_sums(kernel, parties, candidates)
    _tell(progress, "reward scheme", 0.0)
    table = _table(sums)
    scheme = scheme_from_sums(
        sums, table, stability=stability, fairness_weight=fairness_weight
    )
    return Collaboration(
        parties=parties,
        candidates=candidates,
        kernel=kernel,
        sums=sums,
        coalition_values=table,
        scheme=scheme,
        rewards=[],
        inverse_temperature=np.nan,
        length_scale=length_scale,
        outlier=outlier,
        stability=stability,
    )


def _one_scale(kernel: Kernel) -> float:
    """The kernel's length scale; NaN for none, or one a dimension."""
    own = getattr(kernel, "length_scale", np.nan)
    return float(own) if np.ndim(own) == 0 else np.nan


def _scheme_without_error(
    sums: GramSums, *, stability: bool, fairness_weight: float
) -> RewardScheme:
    """What is promised for a resample; its status says if nothing can be."""
    return scheme_from_sums(
        sums,
        _table(sums),
        stability=stability,
        fairness_weight=fairness_weight,
        throw=False,
        solver="closed form",
    )


def _table(sums: GramSums) -> Float[np.ndarray, " coalitions"] | None:
    """v_c of all coalitions, unless there are too many."""
    if sums.num_parties > MAX_TABLE_PARTIES:
        return None
    return np.asarray(coalition_values(sums))


def _tell(progress: Progress | None, stage: str, share: float) -> None:
    if progress is not None:
        progress(stage, share)


def _sampling_progress(
    progress: Progress | None, scheme: RewardScheme
) -> Callable[[int, int, float], None] | None:
    """Progress of all parties together, as the mean share of their way up in value."""
    if progress is None:
        return None
    start, goal = scheme.own_values, scheme.reward_values
    shares = np.where(goal > start, 0.0, 1.0)

    def report(party: int, num_picks: int, value: float) -> None:
        del num_picks
        share = (value - start[party]) / max(goal[party] - start[party], 1e-300)
        shares[party] = max(shares[party], min(share, 1.0))
        progress("sampling", float(shares.mean()))

    return report
