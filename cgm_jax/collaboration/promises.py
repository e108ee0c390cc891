"""What each party is promised: from the parties' points to fair reward values.

    length scale → Gram sums → coalition values → Shapley values → reward scheme

Everything depends on the reference set T: when the candidates grow (App. F), all of it
is computed anew. For more than 20 parties no table of all 2^n coalition values is made:
Shapley values come from the sums in polynomial time, and stability needs n coalitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, ArrayLike, Float, Key, Real

from cgm_jax._shared.arrays import Points, aligned, as_parties, as_points, as_sequence
from cgm_jax._shared.checks import as_key, as_keys, as_real
from cgm_jax._shared.precision import on_numbers
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.results import Result
from cgm_jax._shared.sharded import is_sharded, on_host
from cgm_jax.gram import GramSums, gram_sums, smallest_length_scale
from cgm_jax.kernels import Kernel, SquaredExponential
from cgm_jax.kernels.base import scalar_length_scale
from cgm_jax.planning import plan
from cgm_jax.rewards import RewardScheme, scheme_from_sums
from cgm_jax.sampling import Reward
from cgm_jax.sampling.weighted_sampling import draw_rewards
from cgm_jax.valuation import coalition_values, values_of_coalitions
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .outliers import Outlier, find_outlier

__all__ = ["Draw", "Promises", "coalition_table", "promise"]


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
    """Shapley values, reward values, ρ, v* and the bounds they had to keep."""

    outlier: Outlier | None
    """What made the kernel flat, if it is."""

    def __repr__(self) -> str:
        sizes = [len(points) for points in self.parties]
        return (
            f"Promises({len(sizes)} parties of {_shown(sizes)} points, "
            f"candidates={self.candidates.shape}, kernel={type(self.kernel).__name__}, "
            f"{self.scheme!r})"
        )

    @property
    def length_scale(self) -> float:
        """ℓ, in the units of the points; NaN for a kernel without a scalar one."""
        return scalar_length_scale(self.kernel)

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


@on_numbers()
def promise(
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"],
    *,
    kernel: Kernel | None = None,
    search_length_scale: bool = False,
    stability: bool = True,
    fairness_weight: float = 1e-3,
    relax: bool = False,
    mesh: Mesh | None = None,
    progress: Progress = silent,
) -> Promises:
    """Value the parties' data and promise fair reward values.

    Args:
        parties: the parties' points, arrays of shape ``(n_i, d)``; sizes may differ.
            Float64 points are computed in float64, others in float32.
        candidates: the synthetic points G to hand out, shape ``(g, d)``.
        kernel: used as it is; by default the squared exponential at the smallest length
            scale at which no party's data have a negative value.
        search_length_scale: bring the given kernel to that length scale, too.
        stability: whether no coalition may do better alone (R6, the paper's choice);
            otherwise only no party (R4).
        fairness_weight: ε, the weight of ρ in the linear programme.
        relax: where no reward values keep all bounds, lower the bounds by the least
            common factor instead of raising an error (see `solve_reward_scheme`).
        mesh: devices that share the length scale and the sums, as in `gram_sums`.
        progress: called with the stage ("length scale", "kernel sums", "reward scheme")
            and the share of it that is done.

    Returns:
        What was valued and promised.

    Raises:
        InfeasibleError: if no reward values keep the promises with these candidates.
        MemoryError: if it would not fit into memory; it says what would (see `plan`).
        NoContributionError: if no party adds anything to the others' data.
        ValueError: if shapes do not fit, an entry is not finite, an option is out of
            range, or the kernel has no length scale to be searched.

    Example:
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> promises = promise(parties, np.linspace(-1, 2, 50)[:, None])
        >>> promises.scheme.normalized_shapley.round(2)
        array([0.87, 1.  ])

    Reference:
        Tay et al. 2022, Sec. 3, 4.1 and 5.
    """
    *parties, candidates = aligned(*as_sequence(parties), candidates)
    points = as_parties(parties, sharded=True)
    drawn = as_points(candidates, "candidates", sharded=True)
    used = checked_kernel(points, kernel, search_length_scale=search_length_scale)
    is_searched = kernel is None or search_length_scale
    check_memory(points, drawn, len(drawn), search_length_scale=is_searched)
    if is_searched:
        progress("length scale", 0.0)
        scale = smallest_length_scale(used, points, drawn, mesh=mesh)
        used = used.with_length_scale(scale)
    outlier = None
    if kernel is None:  # the length scale of another kernel need not be one of points
        outlier = find_outlier(scalar_length_scale(used), points, drawn, mesh)
    progress("kernel sums", 0.0)
    sums = gram_sums(used, points, drawn, mesh=mesh)
    progress("reward scheme", 0.0)
    table = coalition_table(sums)
    scheme = scheme_from_sums(
        sums, table, stability=stability, fairness_weight=fairness_weight, relax=relax
    )
    return Promises(points, drawn, used, sums, table, scheme, outlier)


def checked_kernel(
    parties: list[Points], kernel: Kernel | None, *, search_length_scale: bool
) -> Kernel:
    """The kernel to value with, if the parties can be valued with it at all."""
    if len(parties) < 2:
        raise ValueError(
            "Expected at least two parties, got one: it has nobody to pool with."
        )
    used = SquaredExponential(1.0) if kernel is None else kernel
    if search_length_scale and np.isnan(scalar_length_scale(used)):
        raise ValueError(
            "Expected a kernel with one length scale to search for it, got "
            f"{type(used).__name__} that has none, one per dimension, or parts that do "
            "not share one. Bring it to one by `with_length_scale`, or use it as it is."
        )
    return used


def check_memory(
    parties: list[Points],
    candidates: Points | None,
    num_candidates: int,
    *,
    search_length_scale: bool,
) -> None:
    """Raise a `MemoryError` if so many candidates do not fit, made or still to be."""
    known = parties if candidates is None else [*parties, candidates]
    plan(
        [len(points) for points in parties],
        parties[0].shape[1],
        num_candidates,
        dtype=np.result_type(*(points.dtype for points in known)),
        search_length_scale=search_length_scale,
    ).check()


def coalition_table(sums: GramSums) -> Float[np.ndarray, " coalitions"] | None:
    """v_c of all coalitions, unless there are too many."""
    if sums.num_parties > MAX_TABLE_PARTIES:
        return None
    return np.asarray(coalition_values(sums))


def _shown(sizes: list[int]) -> str:
    return f"{sizes}" if len(sizes) <= 10 else f"{min(sizes)} to {max(sizes)}"
