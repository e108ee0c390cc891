"""Fair reward values as one formula of the values, for `jit`, `vmap` and `grad`.

The linear programme of `solve_reward_scheme` has two unknowns, and its optimum is a
corner that can be written down: ρ is the least of the crossings of a lower line with a
less steep upper line (or 1), and log v* the lowest upper line there.
"""

from typing import Any, NamedTuple

from jaxtyping import Float

from cgm_jax._shared.arrays import (
    AnyArray,
    ArrayLike,
    Scalar,
    array_module,
    is_traced,
    to_host,
)
from cgm_jax._shared.checks import as_vectors
from cgm_jax.valuation.shapley import contributes

from .feasible_region import best_corner
from .scheme import floor_of

__all__ = ["FairRewards", "fair_reward_values"]

FAR = 1e30  # a line that binds nowhere; with infinity, ∞ − ∞ would be NaN


class FairRewards(NamedTuple):
    """Reward values, and the largest value and the exponent that they are made of."""

    reward_values: Float[AnyArray, " n"]
    max_reward_value: Scalar
    rho: Scalar


def fair_reward_values(
    shapley_values: Float[ArrayLike, " n"],
    lower_values: Float[ArrayLike, " n"],
    upper_values: Float[ArrayLike, " n"],
    *,
    own_values: Float[ArrayLike, " n"] | None = None,
) -> FairRewards:
    r"""The reward values of `solve_reward_scheme`, as a pure function of arrays.

    .. math:: r_i = \max\{v_c(\{i\}),\ \alpha_i^\rho v^*\}

    with the largest v* and ρ that keep all bounds. Differentiable wherever no two
    bounds bind at once.

    Args:
        shapley_values: φ, shape ``(n,)``.
        lower_values: what each party must get at least, shape ``(n,)``.
        upper_values: v(D_i ∪ G), what each party can get at most, shape ``(n,)``.
        own_values: v_c({i}), shape ``(n,)``; the ``lower_values`` if left out.

    Returns:
        r of shape ``(n,)``, v* and ρ: NumPy float64, or inside the user's own
        transformation in the dtype of the arguments. All are NaN where no v* and ρ keep
        the bounds, or nobody contributes: nothing can be raised inside ``jit``.

    Example:
        >>> import jax, jax.numpy as jnp, numpy as np
        >>> bounds = np.array([0.3, 0.4]), np.array([0.8, 0.9])
        >>> fair = fair_reward_values(np.array([0.1, 0.2]), *bounds)
        >>> fair.reward_values, float(fair.rho)
        (array([0.45, 0.9 ]), 1.0)

        How the rewards change with the Shapley value of the first party:

        >>> gradient = jax.jacobian(lambda phi: fair_reward_values(
        ...     phi, jnp.array([0.3, 0.4]), jnp.array([0.8, 0.9])).reward_values)
        >>> float(gradient(jnp.array([0.1, 0.2]))[0, 0])
        4.5

    Reference:
        Tay et al. 2022, Eq. 6 and Sec. 4.1.
    """
    own = lower_values if own_values is None else own_values
    vectors = shapley_values, lower_values, upper_values, own
    if not is_traced(vectors):
        names = "shapley_values", "lower_values", "upper_values", "own_values"
        as_vectors(**dict(zip(names, vectors, strict=True)))
    return FairRewards(*_fair_rewards(*map(to_host, vectors)))


def _fair_rewards(phi: Any, lower: Any, upper: Any, own: Any) -> tuple[Any, ...]:
    xp = array_module(phi, lower, upper, own)
    phi, lower, upper, own = map(xp.asarray, (phi, lower, upper, own))
    is_in = contributes(phi)
    # Parties without a contribution have no lines. Their numbers are replaced before
    # any logarithm, too: a gradient of what is not chosen may be NaN.
    alpha = xp.where(is_in, phi, 1) / xp.where(is_in.any(), phi.max(), 1)
    slopes = xp.where(is_in, -xp.log(xp.where(is_in, alpha, 1)), 0)
    log_lower = xp.log(xp.maximum(lower, floor_of(upper)))
    can_get = upper > 0
    log_upper = xp.where(can_get, xp.log(xp.where(can_get, upper, 1)), -FAR)
    rho, log_value, is_empty = best_corner(
        slopes, xp.where(is_in, log_lower, -FAR), xp.where(is_in, log_upper, FAR)
    )
    has_none = is_empty | ~is_in.any() | (is_in & ~can_get).any()
    log_value = xp.where(has_none, xp.nan, log_value)
    shares = xp.where(is_in | has_none, xp.exp(log_value - rho * slopes), 0)
    rewards = xp.maximum(xp.maximum(shares, own), 0)
    return rewards, xp.exp(log_value), xp.where(has_none, xp.nan, rho)
