r"""Incentive conditions checked from their definitions, on whatever was given.

Nothing is assumed of the value: it need not be monotone, and the rewards may come from
anywhere. With v_c the value of a coalition, φ the Shapley values, u_i = v(D_i ∪ G) the
most that party i can get and v* the largest reward value, a vector r satisfies

    R1  non-negativity          r_i ≥ 0
    R2  feasibility             r_i ≤ u_i                                (Definition 1)
    R3  weak efficiency         some r_i = v*                            (Definition 2)
    R4  individual rationality  r_i ≥ v_c({i})
    R6  stability               v_c(C) ≤ r_i where φ_i is the largest of C
    R7  group welfare           Σ r_i is the largest possible, Σ u_i
    F1  uselessness             i adds nothing to any coalition ⇒ r_i = 0
    F2  symmetry                i and j always add the same ⇒ r_i = r_j
    F3  strict desirability     i adds more than j once, and never less ⇒ r_i > r_j
    F4  strict monotonicity     i adds more in another game, and never less, all else
                                being equal, and r_i < v*' ⇒ r_i' > r_i  (Definition 3)

R5, fairness, is F1 to F4. A margin is what is left of the worst case: negative by how
much a condition is broken.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import as_number, as_real, as_vectors, check_kind
from cgm_jax.gram import GramSums
from cgm_jax.rewards.scheme import RewardScheme
from cgm_jax.rewards.stable_sets import stable_sets
from cgm_jax.valuation.shapley import contributes

from .games import Game, as_game

__all__ = [
    "Check",
    "SecondGame",
    "check_incentives",
    "check_monotonicity",
    "monotonicity_trial",
    "of_each_party",
    "rewards_with",
    "scale_of",
    "strictly",
    "worst",
]

_ROUNDING = 1e-12  # relative: two reward values closer than this are the same
_TRIAL = 0.01  # by how much the value of all data together rises in the trial of F4


@dataclass(frozen=True)
class Check:
    """Whether a condition holds, by how much, and where it is tightest.

    Attributes:
        name: "R1" to "R4", "R6", "R7", "F1" to "F4", "F6" to "F8", or "delivery".
        holds: whether it holds within the tolerance; true where it asks for nothing.
        margin: the least that is left, in the units of the values; negative: the most
            that is missing; infinite where the condition asks for nothing.
        parties: the party or the pair of the least margin, counted from 0.
        coalition: the members of the coalition that shows it, where one does.
        num_cases: how often the condition asked for something.
    """

    name: str
    holds: bool
    margin: float
    parties: tuple[int, ...] = ()
    coalition: tuple[int, ...] | None = None
    num_cases: int = 1


class SecondGame(NamedTuple):
    """Another game of the same parties, as in `check_incentives`, and its rewards."""

    values: Float[np.ndarray, " coalitions"] | GramSums | Game
    rewards: Float[np.ndarray, " n"]
    max_reward_value: float


def check_incentives(
    values: Float[ArrayLike, " coalitions"] | GramSums | Game,
    rewards: Float[ArrayLike, " n"],
    *,
    shapley_values: Float[ArrayLike, " n"],
    upper_values: Float[ArrayLike, " n"],
    max_reward_value: float,
    tolerance: float = 1e-9,
    realised: bool = False,
) -> dict[str, Check]:
    """All conditions on one game and its rewards, by their definitions.

    Args:
        values: v_c of every coalition by bitmask, shape ``(2**n,)``, n <= 24; or the
            sums of n parties' data, from `gram_sums`, for any n. Of more than 20
            parties a sample of about 65,000 coalitions is looked at.
        rewards: r, shape ``(n,)``, as assigned or as realised.
        shapley_values: φ, shape ``(n,)``, for R6.
        upper_values: u, the most that each party can get, shape ``(n,)``.
        max_reward_value: v*.
        tolerance: what counts as equal, relative to the largest number given.
        realised: whether a draw reached the rewards: its last point overshoots, so
            that R3 then asks for v* or more.

    Returns:
        R1 to R4, R6, R7 and F1 to F3 by name. `check_monotonicity` checks F4.

    Raises:
        ValueError: if shapes do not fit or a number is not finite.

    Example:
        >>> checks = check_incentives(
        ...     np.array([0.0, 1.0, 2.0, 2.0]), np.array([1.0, 2.0]),
        ...     shapley_values=np.array([0.5, 1.5]), upper_values=np.array([2.0, 2.0]),
        ...     max_reward_value=2.0,
        ... )
        >>> [name for name, check in checks.items() if not check.holds]
        ['R7']
        >>> checks["R7"].margin, checks["F3"].parties
        (-1.0, (1, 0))

    References: Tay et al. 2022, Sec. 4, Definitions 1 and 2, App. D; Sim et al. 2020.
    """
    game, r, phi, upper = _checked(
        values,
        rewards=rewards,
        shapley_values=shapley_values,
        upper_values=upper_values,
    )
    tolerance = as_real(tolerance, "as the tolerance", smallest=0.0)
    max_reward_value = as_number(max_reward_value, "as the max_reward_value")
    slack = tolerance * scale_of(game.known, r, upper, max_reward_value)
    own = game.value_of(np.eye(len(r), dtype=bool))
    beyond = r - max_reward_value
    efficiency = beyond if realised else -np.abs(beyond)
    best = int(np.argmax(efficiency))
    welfare = float(r.sum() - upper.sum())
    everyone = tuple(range(len(r)))
    checks = [
        of_each_party("R1", r, slack),
        of_each_party("R2", upper - r, slack),
        worst("R3", [(float(efficiency[best]), (best,), None)], slack),
        of_each_party("R4", r - own, slack),
        _stability(game, r, phi, slack),
        worst("R7", [(welfare, everyone, None)], slack * len(r)),
        _uselessness(game, r, slack),
        *_symmetry_and_desirability(game, r, slack),
    ]
    return {check.name: check for check in checks}


def check_monotonicity(
    values: Float[ArrayLike, " coalitions"] | GramSums | Game,
    rewards: Float[ArrayLike, " n"],
    improved: SecondGame,
    *,
    tolerance: float = 1e-9,
) -> Check:
    r"""F4: who adds more in another game, all else being equal, gets more there.

    .. math:: [\exists C\ v'(C \cup i) > v(C \cup i)] \wedge
              [\forall B\ v'(B \cup i) \ge v(B \cup i)] \wedge
              [\forall A\ v'(A) = v(A)] \wedge r_i < v'^* \Rightarrow r_i' > r_i

    Args:
        values, rewards, tolerance: as those of `check_incentives`.
        improved: v_c', r' and v*' of the other game.

    Returns:
        The check; it asks for nothing of parties that the other game does not improve.

    Raises:
        ValueError: as `check_incentives`, or if the parties are not as many.

    Example:
        >>> better = SecondGame(np.array([0.0, 1, 2, 3]), np.array([1.0, 2.0]), 2.0)
        >>> before = np.array([0.0, 1, 2, 2]), np.array([1.0, 2.0])
        >>> check = check_monotonicity(*before, better)
        >>> check.holds, check.margin, check.parties, check.coalition
        (False, 0.0, (0,), (0, 1))

    Reference: Tay et al. 2022, Definition 3.
    """
    check_kind(improved, SecondGame)
    tolerance = as_real(tolerance, "as the tolerance", smallest=0.0)
    game, r = _checked(values, rewards=rewards)
    other, raised = _checked(improved.values, rewards=improved.rewards)
    if other.num_parties != game.num_parties:
        raise ValueError(
            f"Expected another game of the same {len(r)} parties, got one of "
            f"{len(raised)}."
        )
    scale = scale_of(game.known, other.known, r, raised, improved.max_reward_value)
    slack = tolerance * scale
    found = []
    for i in range(len(r)):
        here, there = game.joins(i), other.joins(i)
        more = there.after - here.after
        is_equal = np.abs(there.before - here.before).max() <= slack
        is_improved = more.max() > slack and more.min() >= -slack
        if is_equal and is_improved and improved.max_reward_value > r[i] + slack:
            members = here.coalition(int(np.argmax(more)))
            found.append((float(raised[i] - r[i]), (i,), members))
    return worst("F4", found, strictly(scale))


def monotonicity_trial(game: Game, scheme: RewardScheme, *, tolerance: float) -> Check:
    r"""F4 in a trial: all data together are worth 1 % more, and ρ and v* stay.

    Every party then adds more to the coalition of all and nothing else changes, so that
    :math:`\varphi_i' = \varphi_i + 0.01\,|v(N)| / n`, and every party below v* should
    get more. With other scores that keep F4, v(N) rises until each score has risen so.
    """
    n, rewards, best = game.num_parties, scheme.reward_values, scheme.max_reward_value
    total = float(game.value_of(np.ones((1, n), bool))[0])
    gain = _TRIAL * abs(total)
    raised = rewards_with(scheme.shapley_values + gain / n, scheme)
    scale = scale_of(game.known, total + gain, rewards, raised, best)
    slack = tolerance * scale
    cases = [
        (float(raised[i] - rewards[i]), (i,), tuple(range(n)))
        for i in range(n)
        if gain > slack and best > rewards[i] + slack
    ]
    return worst("F4", cases, strictly(scale))


def rewards_with(
    scores: Float[np.ndarray, " n"], scheme: RewardScheme
) -> Float[np.ndarray, " n"]:
    """r by other scores (Eq. 6), with ρ and v* as they are."""
    counted = contributes(scores)
    shares = np.zeros(len(scores))
    shares[counted] = (scores[counted] / scores.max()) ** scheme.rho
    best = scheme.max_reward_value
    return np.maximum(np.maximum(shares * best, scheme.own_values), 0)


def scale_of(*numbers: Float[ArrayLike, "..."]) -> float:
    """The largest absolute number: what tolerances are relative to."""
    return max(float(np.abs(x).max()) for x in numbers)


def of_each_party(name: str, margins: Float[np.ndarray, " n"], slack: float) -> Check:
    """A condition that asks every party for a margin of its own."""
    return worst(name, [(float(x), (i,), None) for i, x in enumerate(margins)], slack)


def _stability(game: Game, r, phi, slack: float) -> Check:
    """R6, over all coalitions whose largest Shapley value is party i's."""
    found = []
    for i, no_more in enumerate(stable_sets(phi)):
        values, coalition = game.led_by(i, no_more)
        tightest = int(np.argmax(values))
        found.append((float(r[i] - values[tightest]), (i,), coalition(tightest)))
    return worst("R6", found, slack)


def _uselessness(game: Game, r, slack: float) -> Check:
    found = []
    for i in range(len(r)):
        joins = game.joins(i)
        if np.abs(joins.after - joins.before).max() <= slack:
            found.append((-abs(float(r[i])), (i,), None))
    return worst("F1", found, slack)


def _symmetry_and_desirability(game: Game, r, slack: float) -> tuple[Check, Check]:
    same, more = [], []
    for i in range(len(r)):
        for j, most, least, at_most, at_least in game.swaps(i):
            if max(most, -least) <= slack:
                same.append((-abs(float(r[i] - r[j])), (i, j), None))
            elif least >= -slack:
                more.append((float(r[i] - r[j]), (i, j), at_most))
            elif most <= slack:
                more.append((float(r[j] - r[i]), (j, i), at_least))
    return worst("F2", same, slack), worst("F3", more, strictly(scale_of(r)))


def strictly(scale: float) -> float:
    """The slack of a strict inequality: none, less than none by rounding."""
    return -max(_ROUNDING * scale, np.finfo(float).tiny)


def worst(name: str, found: list[tuple[float, Any, Any]], slack: float) -> Check:
    """The case of the least margin."""
    if not found:
        return Check(name, holds=True, margin=np.inf, num_cases=0)
    margin, parties, coalition = min(found, key=lambda case: case[0])
    if isinstance(coalition, partial):  # a case that is put into words only now
        coalition = coalition()
    return Check(name, margin >= -slack, margin, parties, coalition, len(found))


def _checked(values, **vectors) -> list:
    game, numbers = as_game(values), as_vectors(**vectors)
    if len(numbers[0]) != game.num_parties:
        raise ValueError(
            f"Expected vectors of one number for each of {game.num_parties} parties, "
            f"got arrays of shapes {[x.shape for x in numbers]}."
        )
    return [game, *numbers]
