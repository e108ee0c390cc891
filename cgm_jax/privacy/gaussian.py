"""The Gaussian mechanism on (S, n), and how much noise (ε, δ) needs.

The folder's docstring has the reasons.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import jax
from jaxtyping import Array, ArrayLike, Float, Key

from cgm_jax._shared.checks import as_real, check_choice

__all__ = ["Neighbours", "noise_multiplier", "noise_of_sums", "with_noise"]

Neighbours = Literal["replace one", "add or remove one"]

# How far (S, n) moves between neighbours; under "replace one" n does not.
SENSITIVITY: dict[Neighbours, float] = {
    "replace one": 2.0,
    "add or remove one": math.sqrt(2.0),
}
ROUNDED_UP = 1 + 1e-9  # the accountant's root is exact to 1e-12 on either side


def noise_multiplier(epsilon: int | float, delta: float) -> float:
    r"""The noise's standard deviation for a sensitivity of 1, by ``dp-accounting``.

    Args:
        epsilon: ε > 0; infinity means no noise and no privacy.
        delta: δ in (0, 1), much less than one over the number of rows.

    Returns:
        m: noise :math:`N(0, (mΔ)^2 I)` makes what moves by Δ (ε, δ)-private.

    Raises:
        ValueError: if ε or δ is out of range.
        ModuleNotFoundError: without ``dp-accounting``, of ``cgm-jax[private]``.

    Example:
        >>> round(noise_multiplier(1.0, 1e-5), 2)
        3.73
        >>> noise_multiplier(math.inf, 1e-5)
        0.0

    Reference:
        Balle & Wang 2018, Theorem 8.
    """
    epsilon = as_real(epsilon, "epsilon", smallest=0.0)
    delta = as_real(delta, "delta", smallest=0.0)
    if epsilon == 0:
        raise ValueError("Expected epsilon > 0, got 0: it would need infinite noise.")
    if not 0 < delta < 1:
        raise ValueError(
            f"Expected delta in (0, 1), got {delta:g}: Gaussian noise needs some, much "
            "less than one over the number of rows, such as 1e-5."
        )
    if epsilon == math.inf:
        return 0.0
    try:
        from dp_accounting import get_sigma_gaussian
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Noise for (ε, δ) comes from dp-accounting, which is not installed: "
            "pip install 'cgm-jax[private]'.",
            name=error.name,
        ) from error
    return _root(get_sigma_gaussian, epsilon, delta) * ROUNDED_UP


@lru_cache
def _root(
    accountant: Callable[[float, float], float], epsilon: float, delta: float
) -> float:
    """It takes milliseconds, and many releases have the same ε and δ."""
    return float(accountant(epsilon, delta))


def noise_of_sums(epsilon: int | float, delta: float, neighbours: Neighbours) -> float:
    """The standard deviation of the noise on S, and on n where it has any."""
    check_choice(neighbours, SENSITIVITY, "neighbours")
    return noise_multiplier(epsilon, delta) * SENSITIVITY[neighbours]


def with_noise(
    key: Key[Array, ""],
    total: Float[Array, " D"],
    size: Float[Array, ""],
    noise: Float[ArrayLike, ""],
    *,
    neighbours: Neighbours,
) -> tuple[Float[Array, " D"], Float[Array, ""]]:
    """S + noise, and n, with noise where it is not public."""
    sum_key, size_key = jax.random.split(key)
    total = total + noise * jax.random.normal(sum_key, total.shape, total.dtype)
    if neighbours == "add or remove one":
        size = size + noise * jax.random.normal(size_key, (), total.dtype)
    return total, size
