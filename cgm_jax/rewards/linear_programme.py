"""Rectified ρ-Shapley fair reward values: who deserves what.

Party i with the Shapley value φ_i and α_i = φ_i / max φ is promised

    r_i = max{v_c({i}), α_i^ρ v*}                                          (Eq. 6)

where (log v*, ρ) solves a linear program in two unknowns (Sec. 4.1),

    maximise log v* + ε ρ   subject to   lower_i ≤ α_i^ρ v* ≤ upper_i,  0 ≤ ρ ≤ 1.

If no (v*, ρ) keeps all bounds, the least relaxation promises c lower_i instead, with
the largest c ≤ 1 that can be kept: one more unknown, log c, and one more program.

All bounds on v* rise with ρ, so the largest v* is found at the largest feasible ρ: the
optimum is one point, and the same for every ε > 0.

Reference: Tay et al. 2022, Sec. 4.1, Proposition 3 and Appendix F.
"""

import dataclasses
import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.checks import as_number, as_vectors, check_flag
from cgm_jax._shared.precision import on_numbers
from cgm_jax.valuation.shapley import contributes

from .feasible_region import SOLVER_SLACK, FeasibleRegion
from .infeasible import error_of
from .scheme import SLACK, RewardScheme, RewardStatus

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["solve_reward_scheme"]

Solver = Literal["cvxpy", "closed form"]


@on_numbers(", or use `fair_reward_values` there")
def solve_reward_scheme(
    shapley_values: Float[ArrayLike, " n"],
    lower_values: Float[ArrayLike, " n"],
    upper_values: Float[ArrayLike, " n"],
    *,
    fairness_weight: float = 1e-3,
    own_values: Float[ArrayLike, " n"] | None = None,
    stability: bool = False,
    relax: bool = False,
    throw: bool = True,
    solver: Solver = "cvxpy",
) -> RewardScheme:
    r"""Reward values that are fair, within reach, and worth taking part for.

    .. math:: \max_{v^*, \rho}\ \log v^* + \varepsilon \rho \quad \text{subject to}
              \quad \ell_i \le \alpha_i^\rho v^* \le u_i,\quad 0 \le \rho \le 1

    With lower values v_c({i}) this keeps the promises R1 to R5, and with the v_c(C_i)
    of `stability_lower_values` also R6, stability (Proposition 3, if v is monotone).

    The least relaxation (``relax``) has c ℓ_i for ℓ_i, with the largest c <= 1 for
    which there are such v* and ρ. What it gives up is R6: some coalition could do
    better alone, by up to 1 − c of its value. Equation 6 stays: a party whose own data
    are worth more than its share is raised to v_c({i}), which may be above u_i, and
    fairness holds among the others (Proposition 2).

    Args:
        shapley_values: φ, shape ``(n,)``. Parties with φ_i <= 0 are left out of the
            program: their reward value is max{v_c({i}), 0}.
        lower_values: what each party must get at least, shape ``(n,)``; no bound where
            it is not positive.
        upper_values: what each party can get at most, v(D_i ∪ G), shape ``(n,)``.
        fairness_weight: ε, between 1e-6 and 1e6 so that the solver sees both terms.
        own_values: v_c({i}), below which no reward value falls (Eq. 6), shape ``(n,)``;
            the ``lower_values`` if left out.
        stability: whether the ``lower_values`` are those of `stability_lower_values`.
            The scheme keeps this; the numbers do not change.
        relax: whether to promise the least relaxation if the bounds exclude each other.
        throw: whether to raise if there are no reward values, instead of returning a
            scheme full of NaN whose ``status`` says why.
        solver: "cvxpy" for the linear program as it is written; "closed form" finds the
            same corner in O(n²), which is worth it for hundreds of schemes.

    Returns:
        The reward values and all that they depend on. A value within 1e-9 of a bound
        (relative) is exactly the bound. Relaxed ones have the status RELAXED, and the
        factor c is ``relaxation``, up to 1e-10.

    Raises:
        InfeasibleError: if the bounds of two parties exclude each other, and ``throw``;
            with ``relax`` only if a party that contributes can get nothing, u_i <= 0.
        NoContributionError: if no Shapley value is positive, and ``throw``.
        ValueError: if shapes differ, a value is not finite, or ε is out of range.

    Example:
        Party 0 contributed half of what party 1 did, and gets half of its reward value.

        >>> scheme = solve_reward_scheme(
        ...     shapley_values=np.array([0.1, 0.2]),
        ...     lower_values=np.array([0.3, 0.4]),
        ...     upper_values=np.array([0.8, 0.9]),
        ... )
        >>> scheme.reward_values
        array([0.45, 0.9 ])
        >>> scheme.rho, scheme.limiting_upper_party
        (1.0, 1)

        Party 1 cannot get what it would need; nine tenths of the bounds can be kept.

        >>> relaxed = solve_reward_scheme(
        ...     *np.array([[0.1, 0.2], [0.3, 1.0], [0.8, 0.9]]),
        ...     own_values=np.array([0.3, 0.4]), stability=True, relax=True,
        ... )
        >>> relaxed, relaxed.reward_values
        (RewardScheme(relaxed, n=2, v*=0.9, ρ=1, c=0.9, stable), array([0.45, 0.9 ]))
    """
    phi, lower, upper, own = as_vectors(
        shapley_values=shapley_values,
        lower_values=lower_values,
        upper_values=upper_values,
        own_values=lower_values if own_values is None else own_values,
    )
    for name, flag in (("stability", stability), ("relax", relax), ("throw", throw)):
        check_flag(flag, name)
    if not 1e-6 <= as_number(fairness_weight, "as the fairness_weight") <= 1e6:
        raise ValueError(
            "Expected a fairness_weight between 1e-6 and 1e6, got "
            f"{fairness_weight}. The optimum is the same for all of them."
        )
    if solver not in get_args(Solver):
        raise ValueError(f"Expected a solver of {get_args(Solver)}, got {solver!r}.")
    scheme = _solve(
        RewardScheme(
            max_reward_value=math.nan,
            rho=math.nan,
            reward_values=np.full_like(phi, np.nan),
            status=RewardStatus.FAILED,
            shapley_values=phi,
            lower_values=lower,
            upper_values=upper,
            own_values=own,
            fairness_weight=float(fairness_weight),
            stability=stability,
        ),
        solver,
        relax=relax,
    )
    if throw and not scheme.has_rewards:
        raise error_of(scheme)
    return scheme


def _solve(unsolved: RewardScheme, solver: Solver, *, relax: bool) -> RewardScheme:
    if not contributes(unsolved.shapley_values).any():
        return dataclasses.replace(unsolved, status=RewardStatus.NO_CONTRIBUTION)
    if np.isneginf(unsolved.region.log_upper).any():
        return dataclasses.replace(unsolved, status=RewardStatus.INFEASIBLE)
    solve = _solve_program if solver == "cvxpy" else _solve_in_closed_form
    scheme = solve(unsolved)
    if not relax or scheme.status is not RewardStatus.INFEASIBLE:
        return scheme
    region = unsolved.region
    log_factor = region.room(region.widest_rho())
    if solver == "cvxpy":
        log_factor = _least_relaxation(region)
    if log_factor is None:
        return dataclasses.replace(unsolved, status=RewardStatus.FAILED)
    # At the largest factor the region is a point; the slack keeps rounding out of it.
    factor = math.exp(log_factor - SOLVER_SLACK)
    return solve(dataclasses.replace(unsolved, relaxation=factor))


def _solve_in_closed_form(unsolved: RewardScheme) -> RewardScheme:
    optimum = unsolved.region.optimum()
    if optimum is None:
        return dataclasses.replace(unsolved, status=RewardStatus.INFEASIBLE)
    rho, log_value = optimum
    return _with_rewards(unsolved, log_value, rho)


def _solve_program(unsolved: RewardScheme) -> RewardScheme:
    import cvxpy as cp

    log_value, rho = cp.Variable(), cp.Variable()
    solution = _maximise(
        log_value + unsolved.fairness_weight * rho,
        _constraints(unsolved.region, log_value, rho),
    )
    if isinstance(solution, RewardStatus):
        return dataclasses.replace(unsolved, status=solution)
    return _with_rewards(unsolved, solution[log_value], solution[rho])


def _least_relaxation(region: FeasibleRegion) -> float | None:
    """The largest log c <= 0 with which c times the lower values can be kept."""
    import cvxpy as cp

    log_value, rho, log_factor = cp.Variable(), cp.Variable(), cp.Variable()
    constraints = _constraints(region, log_value, rho, log_factor)
    solution = _maximise(log_factor, [*constraints, log_factor <= 0])
    return None if isinstance(solution, RewardStatus) else solution[log_factor]


def _constraints(
    region: FeasibleRegion,
    log_value: "cp.Variable",
    rho: "cp.Variable",
    log_factor: "cp.Variable | float" = 0.0,
) -> "list[cp.Constraint]":
    log_shares = log_value - rho * region.slopes
    lower = region.log_lower + log_factor <= log_shares
    return [lower, log_shares <= region.log_upper, rho >= 0, rho <= 1]


def _maximise(
    objective: "cp.Expression", constraints: "list[cp.Constraint]"
) -> "dict[cp.Variable, float] | RewardStatus":
    """The value of every variable of a linear program, or why there is none."""
    import cvxpy as cp

    program = cp.Problem(cp.Maximize(objective), constraints)
    try:
        # A simplex method ends on a vertex up to rounding; an interior-point method was
        # seen 1e-6 away. By way of SciPy, since HiGHS itself prints a banner.
        program.solve(
            solver=cp.SCIPY,
            scipy_options={
                "method": "highs-ds",
                "primal_feasibility_tolerance": SOLVER_SLACK,
                "dual_feasibility_tolerance": SOLVER_SLACK,
            },
        )
    except cp.SolverError:
        return RewardStatus.FAILED
    solution = {v: float(v.value) for v in program.variables() if v.value is not None}
    if solution:
        return solution
    # "infeasible or unbounded" is infeasible: upper values bound the program.
    is_infeasible = "infeasible" in program.status
    return RewardStatus.INFEASIBLE if is_infeasible else RewardStatus.FAILED


def _with_rewards(unsolved: RewardScheme, log_value: float, rho: float) -> RewardScheme:
    is_relaxed = unsolved.relaxation < 1
    status = RewardStatus.RELAXED if is_relaxed else RewardStatus.OPTIMAL
    optimum = dataclasses.replace(
        unsolved,
        max_reward_value=math.exp(log_value),
        rho=min(max(rho, 0.0), 1.0),
        status=status,
    )
    shares = optimum.fair_shares
    lower_values = optimum.relaxation * optimum.lower_values
    for bound in (lower_values, optimum.upper_values):
        shares = np.where(np.abs(shares - bound) <= SLACK * bound, bound, shares)
    return dataclasses.replace(
        optimum,
        max_reward_value=float(shares[np.argmax(optimum.shapley_values)]),
        reward_values=np.maximum(np.maximum(shares, optimum.own_values), 0),
    )
