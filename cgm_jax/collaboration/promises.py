"""What each party is promised, and the draws that keep it.

`promise` (in ``promising.py``) makes `Promises`; a `Draw` is what was handed out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from jaxtyping import Array, Float, Key, Real

from cgm_jax._shared.arrays import ArrayLike, Points
from cgm_jax._shared.checks import as_key, as_keys, as_real, check_callable
from cgm_jax._shared.precision import on_numbers
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.results import Result
from cgm_jax._shared.sharded import is_sharded, on_host
from cgm_jax.embeddings import FeatureMap
from cgm_jax.gram import GramSums
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import scalar_length_scale
from cgm_jax.privacy import Release
from cgm_jax.rewards import RewardScheme
from cgm_jax.sampling import Reward
from cgm_jax.sampling.weighted_sampling import draw_rewards
from cgm_jax.scoring import HandedIn, Scoring
from cgm_jax.scoring.semivalues import SHAPLEY
from cgm_jax.valuation import coalition_values, values_of_coalitions
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .outliers import Outlier

__all__ = ["Draw", "Promises"]


@dataclass(frozen=True, eq=False, repr=False)
class Draw(Result):
    """What each party was handed out."""

    rewards: list[Reward]
    """One reward per party, as indices into the candidates."""

    inverse_temperature: float
    """β of the draw."""

    def __repr__(self) -> str:
        sizes = [len(reward.indices) for reward in self.rewards]
        reached = sum(reward.stop_reason == "reached" for reward in self.rewards)
        return (
            f"Draw(β={self.inverse_temperature:g}, points={_shown(sizes)}, "
            f"{reached} of {len(sizes)} reached)"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Promises(Result):
    """What the parties' data are worth and what was promised for them."""

    parties: list[Points] | list[Release]
    """The parties' points, arrays of shape ``(n_i, d)``, or their releases."""

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
    """Shapley values, reward values, ρ, v* and the bounds they had to keep."""

    outlier: Outlier | None
    """What made the kernel flat, if it is."""

    features: FeatureMap | None = None
    """The features of releases; None where the parties' points are known."""

    scoring: Scoring = SHAPLEY
    """The rule that φ follows."""

    def __repr__(self) -> str:
        sizes = self.num_points
        what = "points" if self.features is None else "points, released"
        return (
            f"Promises({len(sizes)} parties of {_shown(sizes)} {what}, "
            f"candidates={self.candidates.shape}, kernel={type(self.kernel).__name__}, "
            f"{self.scheme!r})"
        )

    @property
    def length_scale(self) -> float:
        """ℓ, in the units of the points; NaN for a kernel without a scalar one."""
        return scalar_length_scale(self.kernel)

    @property
    def num_points(self) -> list[int]:
        """n_i; rounded where a release has it with noise."""
        return [round(float(size)) for size in self.sums.sizes[:-1]]

    def points_for(self, purpose: str) -> list[Points]:
        """The parties' points, for what cannot be done without; or a ValueError."""
        if self.features is not None:
            raise ValueError(
                f"Expected the parties' rows for {purpose}, got their releases, which "
                "hide them."
            )
        return cast(list[Points], self.parties)

    @property
    def handed_in(self) -> HandedIn:
        """What the scoring looked at."""
        points = None if self.features is not None else cast(list[Points], self.parties)
        return HandedIn(self.kernel, points, self.candidates, self.sums)

    @property
    def shapley_method(self) -> Literal["all coalitions", "polynomial time"]:
        """How φ was computed: exactly, with the table of all coalitions or without."""
        has_table = self.coalition_values is not None
        return "all coalitions" if has_table else "polynomial time"

    @property
    def pool_values(self) -> Float[np.ndarray, " coalitions"]:
        """v_c with the pool alone as the reference set, by bitmask, for n <= 20.

        Where it ranks the parties otherwise than ``coalition_values``, it is the
        candidates that decide what is worth something.
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
        alone = np.eye(len(self.parties), dtype=bool)
        return np.asarray(values_of_coalitions(self.sums.pool, alone))

    @on_numbers(", or use `sampling.pick_many` there")
    def draw(
        self,
        key: Key[Array, ""],
        *,
        inverse_temperature: float = 1.0,
        progress: Progress = silent,
    ) -> Draw:
        """Draw the points that keep the promises.

        Candidates that are sharded over devices are gathered here, for one of them.

        Args:
            key: a typed key. Party i's draw uses ``fold_in(key, i)``.
            inverse_temperature: β >= 0: the larger, the fewer points a party gets.
            progress: called with "sampling" and the share of it that is done.

        Returns:
            The rewards of all parties.

        Raises:
            ValueError: if ``inverse_temperature`` is negative or NaN.

        Example:
            >>> import jax
            >>> from cgm_jax import promise
            >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
            >>> promises = promise(parties, np.linspace(-1, 2, 50)[:, None])
            >>> draw = promises.draw(jax.random.key(1), inverse_temperature=np.inf)
            >>> [reward.stop_reason for reward in draw.rewards]
            ['reached', 'reached']

        Reference:
            Tay et al. 2022, Algorithm 1.
        """
        (draw,) = self._draws([as_key(key)], [_as_beta(inverse_temperature)], progress)
        return draw

    @on_numbers(", or use `sampling.pick_many` there")
    def draw_many(
        self,
        keys: Key[Array, " draws"] | Sequence[Key[Array, ""]],
        *,
        inverse_temperatures: Sequence[int | float] | Real[ArrayLike, "*draws"],
        progress: Progress = silent,
    ) -> list[Draw]:
        """Several draws at once, as of an experiment with many β and seeds.

        They are those of `draw` one after the other. On an accelerator all parties of
        all draws are one program.

        Args:
            keys: m typed keys, in one array or several.
            inverse_temperatures: β of every draw, shape ``(m,)``, or one for all.
            progress: as in `draw`.

        Returns:
            The m draws.

        Raises:
            ValueError: if there are not as many keys as β, or one is negative or NaN.

        Example:
            Two seeds at each of two β:

            >>> import jax
            >>> from cgm_jax import promise
            >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
            >>> promises = promise(parties, np.linspace(-1, 2, 50)[:, None])
            >>> keys = jax.random.split(jax.random.key(1), 4)
            >>> draws = promises.draw_many(keys, inverse_temperatures=[1, 1, 8, 8])
            >>> [draw.inverse_temperature for draw in draws]
            [1.0, 1.0, 8.0, 8.0]

        Reference:
            Tay et al. 2022, Algorithm 1 and Sec. 6.
        """
        many = as_keys(keys)
        betas = np.asarray(inverse_temperatures, object)
        if betas.ndim == 0:
            betas = np.full(len(many), inverse_temperatures, object)
        if betas.shape != (len(many),):
            raise ValueError(
                f"Expected one inverse temperature for each of {len(many)} keys, or "
                f"one for all, got shape {betas.shape}."
            )
        numbers = [
            _as_beta(b, f"inverse_temperatures[{i}]") for i, b in enumerate(betas)
        ]
        return self._draws(many, numbers, progress)

    def _draws(
        self, keys: list[Key[Array, ""]], betas: list[float], progress: Progress
    ) -> list[Draw]:
        check_callable(progress, "progress")
        start, goal = self.scheme.own_values, self.scheme.reward_values
        candidates = self.candidates
        # Of the way up in value.
        shares = np.tile(np.where(goal > start, 0.0, 1.0), (len(keys), 1))

        def report(draw: int, party: int, num_picks: int, value: float) -> None:
            del num_picks
            share = (value - start[party]) / max(goal[party] - start[party], 1e-300)
            shares[draw, party] = max(shares[draw, party], min(share, 1.0))
            progress("sampling", float(shares.mean()))

        many = draw_rewards(
            keys,
            self.kernel,
            on_host(candidates) if is_sharded(candidates) else candidates,
            self.sums,
            goal,
            inverse_temperatures=betas,
            progress=report,
        )
        progress("sampling", 1.0)
        return [Draw(rewards, b) for rewards, b in zip(many, betas, strict=True)]


def _as_beta(number: Any, name: str = "inverse_temperature") -> float:
    return as_real(number, name, smallest=0.0)


def _shown(sizes: list[int]) -> str:
    return f"{sizes}" if len(sizes) <= 10 else f"{min(sizes)} to {max(sizes)}"
