"""Were the promises kept: every incentive condition, on what was assigned and realised.

The paper's proofs ask for a non-negative, monotone value and rewards worth exactly r_i,
which real data are not: conditions are checked from their definitions. F4 is about two
games; where there is one, the second is a trial of it (`monotonicity_trial`). R1 to R4
and R6 are promises whatever scores stand in φ's place; the scoring says which of the
others follow by proof, and these are promises, too.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import DTypeLike, Float

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import as_real, as_vectors, check_kind
from cgm_jax._shared.results import Result
from cgm_jax.collaboration import Collaboration, Draw, Promises
from cgm_jax.gram import GramSums
from cgm_jax.rewards.scheme import RewardScheme
from cgm_jax.rewards.stable_sets import stable_sets
from cgm_jax.scoring import HandedIn, Scoring, TimeAware
from cgm_jax.scoring.base import FAIR, fair_promises
from cgm_jax.scoring.semivalues import SHAPLEY
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .games import Game, TabulatedGame, as_game
from .incentives import (
    Check,
    SecondGame,
    check_incentives,
    check_monotonicity,
    monotonicity_trial,
    of_each_party,
    scale_of,
)
from .joining_times import check_joining_times

__all__ = [
    "Audit",
    "SufficientConditions",
    "audit",
    "audit_promises",
    "sufficient_conditions",
    "tolerance_of",
]

# Relative to the largest value. For points in float32 four times the largest drift from
# float64 on the credit ratings, 4.5e-7; for float64 that of the reward scheme's solver.
_TOLERANCE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-9}
_RATIONAL = ("R1", "R2", "R3", "R4")


class SufficientConditions(NamedTuple):
    """What Proposition 3 asks for before it guarantees anything.

    Attributes:
        nonnegative: no coalition has a negative value.
        monotone: no party, and no candidate, ever takes value away: v_c grows with C,
            and v_c({i}) <= v(D_i ∪ G).
        a: v_c({i}) <= v* and α_i^ρ v* <= v(D_i ∪ G) for every party.
        b: ρ > 0 and v_c({i}) <= α_i^ρ v* <= v(D_i ∪ G) for every party.
        c: ρ > 0 and v_c(C_i) <= α_i^ρ v* <= v(D_i ∪ G) for every party.
        fair: F1 to F8 as far as they then follow, by the scoring in use.
    """

    nonnegative: bool
    monotone: bool
    a: bool
    b: bool
    c: bool
    fair: tuple[str, ...] = FAIR

    @property
    def guaranteed(self) -> tuple[str, ...]:
        """Names of the conditions that are then proved for the assigned rewards."""
        if not (self.nonnegative and self.monotone):
            return ()
        rational = _RATIONAL if self.a or self.b or self.c else ()
        fair = self.fair if self.b or self.c else ()
        return rational + fair + (("R6",) if self.c else ())


@dataclass(frozen=True, eq=False, repr=False)
class Audit(Result):
    """What was promised, what of it holds, and why it might not.

    Attributes:
        assigned: checks of the reward values r_i, by name. F4 is here where the scoring
            has it, F6 to F8 where parties joined at different times (n <= 20).
        realised: checks of v(D_i ∪ G_i), by name; empty if nothing was handed out.
            "delivery" is whether each party got what it was assigned. F4, which is
            about two games, is here only if both were drawn.
        promised: the conditions that the scheme is meant to keep. R7 is never one, and
            R2 is none of what was handed out, which may be worth more than all of G.
        assigned_welfare: Σ r_i over its maximum Σ v(D_i ∪ G).
        realised_welfare: Σ v(D_i ∪ G_i) over the same; NaN if nothing was handed out.
        negative_marginals: share of marginal contributions v_c(C ∪ i) − v_c(C) below 0.
        negative_picks: share of picks that lowered v(D_i ∪ G_i); NaN if there are none.
        conditions: whether Proposition 3 applies.
        tolerance: what counts as equal, in the units of the values.
        num_parties: n.
        scoring: the name of the rule that scores contributions.
    """

    assigned: dict[str, Check]
    realised: dict[str, Check]
    promised: tuple[str, ...]
    assigned_welfare: float
    realised_welfare: float
    negative_marginals: float
    negative_picks: float
    conditions: SufficientConditions
    tolerance: float
    num_parties: int
    scoring: str = "shapley"

    @property
    def is_exact(self) -> bool:
        """Whether all coalitions were looked at, or a sample of them (n > 20)."""
        return self.num_parties <= MAX_TABLE_PARTIES

    @property
    def broken(self) -> tuple[tuple[str, Check], ...]:
        """The promises that do not hold, each as ("assigned" or "realised", check)."""
        both = (("assigned", self.assigned), ("realised", self.realised))
        return tuple(
            (kind, check)
            for kind, checks in both
            for check in checks.values()
            if self.is_promised(kind, check.name) and not check.holds
        )

    def is_promised(self, kind: str, name: str) -> bool:
        """Whether a condition on what was "assigned" or "realised" is a promise."""
        return name in self.promised and (kind, name) != ("realised", "R2")

    @property
    def is_kept(self) -> bool:
        """Whether all promises hold, as assigned and as realised."""
        return not self.broken


def audit(
    collaboration: Collaboration, *, improved: Collaboration | None = None
) -> Audit:
    """Check every promise of a collaboration on what was assigned and handed out.

    Args:
        collaboration: a `Collaboration`.
        improved: another of the same parties, for F4: where the two games differ in
            one party's contribution only, it must get more. By default a trial game.

    Returns:
        All conditions with margins and witnesses. Two numbers count as equal within
        2e-6 of the largest value (1e-9 for points in float64).

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> checked = audit(result)
        >>> checked.is_kept, checked.realised["R4"].holds
        (True, True)

    Reference: Tay et al. 2022, Sec. 4; Sim et al. 2020.
    """
    check_kind(collaboration, Collaboration)
    promises, rewards = collaboration.promises, collaboration.draw.rewards
    game, scheme = _game_of(promises), promises.scheme
    tolerance = tolerance_of(promises.candidates.dtype)
    num_picks = sum(len(reward.indices) for reward in rewards)
    num_negative = sum(reward.num_negative_steps for reward in rewards)
    reached = _realised(collaboration.draw)
    checked = audit_promises(
        game,
        scheme,
        reached,
        scoring=promises.scoring,
        handed_in=promises.handed_in,
        tolerance=tolerance,
        negative_picks=num_negative / num_picks if num_picks else np.nan,
    )
    if improved is None:
        return checked
    check_kind(improved, Collaboration)
    better = improved.promises.scheme
    second = SecondGame(
        _game_of(improved.promises), better.reward_values, better.max_reward_value
    )
    check = partial(check_monotonicity, game, tolerance=tolerance)
    realised_second = second._replace(rewards=_realised(improved.draw))
    return replace(
        checked,
        assigned=checked.assigned | {"F4": check(scheme.reward_values, second)},
        realised=checked.realised | {"F4": check(reached, realised_second)},
    )


def audit_promises(
    values: Float[ArrayLike, " coalitions"] | GramSums | Game,
    scheme: RewardScheme,
    realised_values: Float[ArrayLike, " n"] | None = None,
    *,
    scoring: Scoring = SHAPLEY,
    handed_in: HandedIn | None = None,
    tolerance: float = 1e-9,
    negative_picks: float = np.nan,
) -> Audit:
    """The same on plain arrays, for games and rewards from anywhere.

    Args:
        values, tolerance: as those of `check_incentives`.
        scheme: the reward values and what they were computed from; it must have them.
        realised_values: v(D_i ∪ G_i), shape ``(n,)``, if something was handed out.
        scoring: what the scores of the scheme follow.
        handed_in: what was scored, for trials of other joining times.
        negative_picks: share of the picks that lowered the value, if known.

    Returns:
        All conditions; F4 is that of the trial, and of the assigned rewards only.

    Raises:
        ValueError: if shapes do not fit, a number is not finite, or the scoring is not
            that of the scheme.

    Example:
        >>> from cgm_jax.rewards import solve_reward_scheme
        >>> phi, own, upper = np.array([[1.5, 2.5], [1.0, 2.0], [4.0, 4.0]])
        >>> scheme = solve_reward_scheme(phi, own, upper)
        >>> found = audit_promises(np.array([0.0, 1.0, 2.0, 4.0]), scheme)
        >>> found.is_kept, round(found.assigned_welfare, 3), found.conditions.guaranteed
        (True, 0.8, ('R1', 'R2', 'R3', 'R4', 'F1', 'F2', 'F3', 'F4', 'R6'))
    """
    game = as_game(values)
    check_kind(scheme, RewardScheme, "`solve_reward_scheme`")
    check_kind(scoring, Scoring)
    tolerance = as_real(tolerance, "as the tolerance", smallest=0.0)
    if scoring.name != scheme.scoring:
        raise ValueError(
            f"Expected the scoring of the scheme, {scheme.scoring}, got "
            f"{scoring.name}; hand it in as `scoring`."
        )
    upper = scheme.upper_values
    slack = tolerance * scale_of(game.known, upper, scheme.reward_values)

    check = partial(
        check_incentives,
        game,
        shapley_values=scheme.shapley_values,
        upper_values=upper,
        max_reward_value=scheme.max_reward_value,
        tolerance=tolerance,
    )
    assigned = check(scheme.reward_values)
    fair = fair_promises(scoring)
    if "F4" in fair:
        assigned["F4"] = monotonicity_trial(game, scheme, tolerance=tolerance)
    if (
        isinstance(scoring, TimeAware)
        and isinstance(game, TabulatedGame)
        and handed_in is not None
    ):
        assigned |= check_joining_times(
            game, scheme, scoring, handed_in, tolerance=tolerance
        )
    realised, realised_welfare = {}, np.nan
    if realised_values is not None:
        (reached,) = as_vectors(realised_values=realised_values)
        realised = check(reached, realised=True)
        realised_welfare = float(reached.sum() / upper.sum())
        missing = reached - scheme.reward_values
        realised["delivery"] = of_each_party("delivery", missing, slack)
    stable = ("R6",) if scheme.stability else ()
    return Audit(
        assigned=assigned,
        realised=realised,
        promised=(*_RATIONAL, *fair, *stable, "delivery"),
        assigned_welfare=float(scheme.reward_values.sum() / upper.sum()),
        realised_welfare=realised_welfare,
        negative_marginals=_negative_marginals(game, slack),
        negative_picks=negative_picks,
        conditions=sufficient_conditions(
            game, scheme, scoring=scoring, tolerance=tolerance
        ),
        tolerance=slack,
        num_parties=len(upper),
        scoring=scoring.name,
    )


def tolerance_of(dtype: DTypeLike) -> float:
    """What counts as equal, relative to the largest value, for points of a dtype."""
    return _TOLERANCE.get(np.dtype(dtype), max(_TOLERANCE.values()))


def sufficient_conditions(
    values: Float[ArrayLike, " coalitions"] | GramSums | Game,
    scheme: RewardScheme,
    *,
    scoring: Scoring = SHAPLEY,
    tolerance: float = 1e-9,
) -> SufficientConditions:
    """Whether Proposition 3 applies to a game and its reward scheme.

    Args:
        values, tolerance: as those of `check_incentives`.
        scheme: the reward scheme.
        scoring: what its scores follow.

    Returns:
        Its assumptions and its three conditions, one by one.

    Example:
        >>> from cgm_jax.rewards import solve_reward_scheme
        >>> phi, own, upper = np.array([[1.5, 2.5], [1.0, 2.0], [4.0, 4.0]])
        >>> scheme = solve_reward_scheme(phi, own, upper)
        >>> found = sufficient_conditions(np.array([0.0, 3.0, 2.0, 2.0]), scheme)
        >>> found.monotone, found.a, found.b, found.c
        (False, True, True, False)

    Reference: Tay et al. 2022, Proposition 3.
    """
    game = as_game(values)
    check_kind(scheme, RewardScheme, "`solve_reward_scheme`")
    check_kind(scoring, Scoring)
    tolerance = as_real(tolerance, "as the tolerance", smallest=0.0)
    shares, upper, own = scheme.fair_shares, scheme.upper_values, scheme.own_values
    slack = tolerance * scale_of(game.known, upper, shares)
    together = game.value_of(np.asarray(stable_sets(scheme.shapley_values)))

    def all_in_order(smaller, larger) -> bool:
        return bool(np.all(smaller <= larger + slack))

    is_fair = scheme.rho > 0
    within_reach = all_in_order(shares, upper)
    return SufficientConditions(
        nonnegative=bool(game.known.min() >= -slack),
        monotone=_negative_marginals(game, slack) == 0 and all_in_order(own, upper),
        a=all_in_order(own, scheme.max_reward_value) and within_reach,
        b=is_fair and all_in_order(own, shares) and within_reach,
        c=is_fair and all_in_order(together, shares) and within_reach,
        fair=fair_promises(scoring),
    )


def _negative_marginals(game: Game, slack: float) -> float:
    all_joins = (game.joins(i) for i in range(game.num_parties))
    return float(np.mean([np.mean(x.after - x.before < -slack) for x in all_joins]))


def _game_of(promises: Promises) -> Game:
    table = promises.coalition_values
    return as_game(promises.sums if table is None else table)


def _realised(draw: Draw) -> Float[np.ndarray, " n"]:
    return np.array([reward.final_value for reward in draw.rewards])
