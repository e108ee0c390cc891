"""The unrectified ρ-Shapley fair reward values of Sim et al., for comparison.

    r_i = α_i^ρ v_c(N),     α_i = φ_i / max φ,     0 ≤ ρ ≤ 1              (Theorem 2)

A party may get less than the value of its own data: then individual rationality (R4)
fails, unless ρ is small.

Reference: Sim, Zhang, Chan, Low: Collaborative Machine Learning with Incentive-Aware
Model Rewards, ICML 2020; Tay et al. 2022, App. D.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, ArrayLike, is_traced, to_host
from cgm_jax._shared.checks import as_number, as_vectors
from cgm_jax._shared.precision import in_float64

from .infeasible import NoContributionError

__all__ = ["largest_rho", "shapley_fair_rewards"]


def shapley_fair_rewards(
    shapley_values: Float[ArrayLike, " n"],
    grand_value: Float[ArrayLike, ""],
    *,
    rho: Float[ArrayLike, ""],
) -> Float[AnyArray, " n"]:
    r"""Reward values between Shapley's shares (ρ = 1) and equal ones (ρ = 0).

    .. math:: r_i = (\varphi_i / \varphi^*)^\rho\, v_c(N)

    Args:
        shapley_values: φ, shape ``(n,)``, with a positive largest value φ*.
        grand_value: v_c(N), the value of all parties' data together.
        rho: ρ, between 0 and 1.

    Returns:
        Reward values, shape ``(n,)``, in the units of ``grand_value``. A party
        with φ_i <= 0 gets 0, at ρ = 0 too (F1, uselessness).

    Raises:
        NoContributionError: if φ* <= 0.

    Example:
        >>> shapley_fair_rewards(np.array([1.0, 4.0]), 8.0, rho=0.5)
        array([4., 8.])

    Reference:
        Sim et al. 2020; Tay et al. 2022, Theorem 2.
    """
    _check(shapley_values, grand_value=grand_value, rho=rho)
    return in_float64(_shapley_fair_rewards, shapley_values, grand_value, rho)


def largest_rho(
    shapley_values: Float[ArrayLike, " n"],
    lower_values: Float[ArrayLike, " n"],
    grand_value: Float[ArrayLike, ""],
) -> Float[AnyArray, ""]:
    r"""The largest ρ at which no party gets less than its lower value.

    .. math:: \rho = \min\left\{1,\ \min_i
              \frac{\log(\ell_i / v_c(N))}{\log(\varphi_i / \varphi^*)}\right\}

    Args:
        shapley_values: φ, shape ``(n,)``, with a positive largest value φ*.
        lower_values: v_c({i}) for individual rationality (R4, Theorem 2b), or v_c(C_i)
            of `stability_lower_values` for stability (R6, Theorem 2c), shape ``(n,)``.
        grand_value: v_c(N), positive.

    Returns:
        ρ, at most 1; −inf if no ρ >= 0 will do.

    Raises:
        NoContributionError: if φ* <= 0.

    Example:
        >>> float(largest_rho(np.array([1.0, 4.0]), np.array([4.0, 2.0]), 8.0))
        0.5

    Reference:
        Sim et al. 2020; Tay et al. 2022, Theorem 2.
    """
    _check(shapley_values, grand_value=grand_value)
    if not is_traced(shapley_values, lower_values):
        as_vectors(shapley_values=shapley_values, lower_values=lower_values)
    return in_float64(_largest_rho, shapley_values, lower_values, grand_value)


def _shapley_fair_rewards(
    phi: Float[AnyArray, " n"],
    grand_value: Float[AnyArray, ""],
    rho: Float[AnyArray, ""],
) -> Float[AnyArray, " n"]:
    share = _shares(phi)
    # The gradient of 0^ρ is infinite: `where` on the base keeps it out.
    power = jnp.where(share > 0, share, 1) ** rho
    return jnp.where(share <= 0, 0, power) * grand_value


def _largest_rho(
    phi: Float[AnyArray, " n"],
    lower_values: Float[AnyArray, " n"],
    grand_value: Float[AnyArray, ""],
) -> Float[AnyArray, ""]:
    share = _shares(phi)
    depends_on_rho = (share > 0) & (share < 1) & (lower_values > 0)
    log_share = jnp.log(jnp.where(depends_on_rho, share, 0.5))
    log_lower = jnp.log(jnp.where(depends_on_rho, lower_values, 1) / grand_value)
    rho = jnp.clip(jnp.where(depends_on_rho, log_lower / log_share, 1).min(), 0, 1)
    # At ρ = 0 a party gets as much as it ever can: v_c(N), or 0 where α <= 0. Equal
    # values of coalitions differ by rounding.
    most = jnp.where(share > 0, grand_value, 0) * (1 + 8 * jnp.finfo(share.dtype).eps)
    return jnp.where(jnp.any(lower_values > most), -jnp.inf, rho)


def _shares(phi: Float[AnyArray, " n"]) -> Float[AnyArray, " n"]:
    return phi / phi.max()


def _check(phi: Float[ArrayLike, " n"], **numbers: Float[ArrayLike, ""]) -> None:
    for name, number in numbers.items():
        if not is_traced(number):
            as_number(number, name)
    if is_traced(phi):
        return
    if not np.max(to_host(phi), initial=-np.inf) > 0:
        raise NoContributionError(
            f"Expected at least one positive Shapley value, got {phi}: there is "
            "nothing to share in proportion to."
        )
    as_vectors(shapley_values=phi)
