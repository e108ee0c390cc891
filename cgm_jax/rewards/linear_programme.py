"""Rectified ρ-Shapley fair reward values: who deserves what.

Party i with the Shapley value φ_i and α_i = φ_i / max φ is promised

    r_i = max{v_c({i}), α_i^ρ v*}                                          (Eq. 6)

where (log v*, ρ) solves a linear program in two unknowns (Sec. 4.1),

    maximise log v* + ε ρ   subject to   lower_i ≤ α_i^ρ v* ≤ upper_i,  0 ≤ ρ ≤ 1.

All bounds on v* rise with ρ, so the largest v* is found at the largest feasible ρ: the
optimum is one point, and the same for every ε > 0.

Reference: Tay et al. 2022, Sec. 4.1, Proposition 3 and Appendix F.
"""

import dataclasses
import math
from typing import Literal

import numpy as np
from jaxtyping import ArrayLike, Float

from .feasible_region import SOLVER_SLACK
from .infeasible import error_of
from .scheme import SLACK, RewardScheme, RewardStatus, contributes

__all__ = ["solve_reward_scheme"]

Solver = Literal["cvxpy", "closed form"]


def solve_reward_scheme(
    shapley_values: Float[ArrayLike, " n"],
    lower_values: Float[ArrayLike, " n"],
    upper_values: Float[ArrayLike, " n"],
    *,
    fairness_weight: float = 1e-3,
    own_values: Float[ArrayLike, " n"] | None = None,
    throw: bool = True,
    solver: Solver = "cvxpy",
) -> RewardScheme:
    r"""Reward values that are fair, within reach, and worth taking part for.

    .. math:: \max_{v^*, \rho}\ \log v^* + \varepsilon \rho \quad \text{subject to}
              \quad \ell_i \le \alpha_i^\rho v^* \le u_i,\quad 0 \le \rho \le 1

    With lower values v_c({i}) this keeps the promises R1 to R5, and with the v_c(C_i)
    of `stability_lower_values` also R6, stability (Proposition 3, if v is monotone).

    Args:
        shapley_values: φ, shape ``(n,)``. Parties with φ_i <= 0 are left out of the
            program: their reward value is max{v_c({i}), 0}.
        lower_values: what each party must get at least, shape ``(n,)``.
        upper_values: what each party can get at most, v(D_i ∪ G), shape ``(n,)``.
        fairness_weight: ε, between 1e-6 and 1e6 so that the solver sees both terms.
        own_values: v_c({i}), below which no reward value falls (Eq. 6), shape ``(n,)``.
            The ``lower_values`` if left out; pass them where those are v_c(C_i).
        throw: whether to raise if there is no optimum, instead of returning a scheme
            full of NaN whose ``status`` says why.
        solver: "cvxpy" for the linear program as it is written; "closed form" finds the
            same corner in O(n²), which is worth it for hundreds of schemes.

    Returns:
        The reward values together with all that they depend on. A value within 1e-9 of
        a bound (relative) is exactly the bound.

    Raises:
        InfeasibleError: if the bounds of two parties exclude each other, and ``throw``.
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
    """
    phi, lower, upper, own = _checked(
        shapley_values=shapley_values,
        lower_values=lower_values,
        upper_values=upper_values,
        own_values=lower_values if own_values is None else own_values,
    )
    if not 1e-6 <= fairness_weight <= 1e6:
        raise ValueError(
            "Expected a fairness_weight between 1e-6 and 1e6, got "
            f"{fairness_weight}. The optimum is the same for all of them."
        )
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
        ),
        solver,
    )
    if throw and scheme.status is not RewardStatus.OPTIMAL:
        raise error_of(scheme)
    return scheme


def _solve(unsolved: RewardScheme, solver: Solver) -> RewardScheme:
    if not contributes(unsolved.shapley_values).any():
        return dataclasses.replace(unsolved, status=RewardStatus.NO_CONTRIBUTION)
    if np.isneginf(unsolved.region.log_upper).any():
        return dataclasses.replace(unsolved, status=RewardStatus.INFEASIBLE)
    if solver == "cvxpy":
        return _solve_program(unsolved)
    optimum = unsolved.region.optimum()
    if optimum is None:
        return dataclasses.replace(unsolved, status=RewardStatus.INFEASIBLE)
    rho, log_value = optimum
    return _with_rewards(unsolved, log_value, rho)


def _solve_program(unsolved: RewardScheme) -> RewardScheme:
    import cvxpy as cp

    region = unsolved.region
    log_value, rho = cp.Variable(), cp.Variable()
    log_shares = log_value - rho * region.slopes
    bounds = [region.log_lower <= log_shares, log_shares <= region.log_upper]
    program = cp.Problem(
        cp.Maximize(log_value + unsolved.fairness_weight * rho),
        [*bounds, rho >= 0, rho <= 1],
    )
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
        return unsolved
    if log_value.value is None or rho.value is None:
        # "infeasible or unbounded" is infeasible: upper values bound the program.
        is_infeasible = "infeasible" in program.status
        status = RewardStatus.INFEASIBLE if is_infeasible else RewardStatus.FAILED
        return dataclasses.replace(unsolved, status=status)
    return _with_rewards(unsolved, float(log_value.value), float(rho.value))


def _with_rewards(unsolved: RewardScheme, log_value: float, rho: float) -> RewardScheme:
    optimum = dataclasses.replace(
        unsolved,
        max_reward_value=math.exp(log_value),
        rho=min(max(rho, 0.0), 1.0),
        status=RewardStatus.OPTIMAL,
    )
    shares = optimum.fair_shares
    for bound in (optimum.lower_values, optimum.upper_values):
        shares = np.where(np.abs(shares - bound) <= SLACK * bound, bound, shares)
    return dataclasses.replace(
        optimum,
        max_reward_value=float(shares[np.argmax(optimum.shapley_values)]),
        reward_values=np.maximum(np.maximum(shares, optimum.own_values), 0),
    )


def _checked(**vectors: ArrayLike) -> list[Float[np.ndarray, " n"]]:
    arrays = {name: np.array(values, float) for name, values in vectors.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    first = next(iter(shapes.values()))
    if len(first) != 1 or first[0] < 1 or set(shapes.values()) != {first}:
        raise ValueError(f"Expected one number a party in each of these, got {shapes}.")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"Expected finite {name}, got {array}.")
    return list(arrays.values())
