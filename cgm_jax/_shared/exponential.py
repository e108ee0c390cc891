"""One-sided exponential and logarithm of float32 numbers, fast on a CPU.

Kernels and weights spend most of their time in them, and XLA's own take half as long
again (`exp`) or three times as long (`log1p`). With x = n ln 2 + r, |r| ≤ ln 2 / 2,

    e^x = 2^n e^r,                      e^r = 1 + r + r² q(r),

and with 1 + x = 2^n (1 + f), √½ ≤ 1 + f < √2,

    log(1 + x) = n ln 2 + log(1 + f),   log(1 + f) = f − f²/2 + f³ p(f),

where f = x if n = 0, so that no digit of a small x is lost. q is a polynomial of degree
4, p of degree 7 (relative errors below 3e-8), and n is read from or added to the bits
of the exponent. Elsewhere, and in float64, it is `jax.numpy`'s function.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from .platforms import PLATFORMS

__all__ = ["exp_nonpositive", "log1p_nonnegative"]

LN2 = np.log(2.0)
# A product with the few leading bits of ln 2 is exact; the rest corrects it.
LN2_HIGH = np.float32(round(LN2 * 2**9) / 2**9)
LN2_LOW = np.float32(LN2 - LN2_HIGH)
Q = np.polynomial.Chebyshev.interpolate(
    np.polynomial.Polynomial([1 / math.factorial(k + 2) for k in range(15)]),
    4,
    domain=[-LN2 / 2, LN2 / 2],
).convert(kind=np.polynomial.Polynomial)
POLYNOMIAL = np.array([1, 1, *Q.coef], np.float32)
P = np.polynomial.Chebyshev.interpolate(
    np.polynomial.Polynomial([(-1) ** k / (k + 3) for k in range(60)]),
    7,
    domain=[np.sqrt(0.5) - 1, np.sqrt(2) - 1],
).convert(kind=np.polynomial.Polynomial)
LOGARITHM = np.array([0, 1, -0.5, *P.coef], np.float32)
# Adding it leaves an integer in the lowest bits of the mantissa.
TO_INTEGER = np.float32(1.5 * 2**23)
MANTISSA_BITS = 23
ROOT_HALF = np.float32(np.sqrt(0.5)).view(np.int32)
SMALLEST = np.float32(-87.3)  # the exponential of less is subnormal: 0 here


@jax.custom_jvp
def exp_nonpositive(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """e^x for x <= 0, to about 1e-7 relative in float32."""
    if x.dtype != jnp.float32:
        return jnp.exp(x)
    return _where_faster(_exp, jnp.exp, x)


@exp_nonpositive.defjvp
def _derivative(primals, tangents):
    y = exp_nonpositive(*primals)
    return y, y * tangents[0]


def _exp(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    n = jnp.round(x * np.float32(1 / LN2))
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    power = _horner(POLYNOMIAL, r)
    exponent = lax.bitcast_convert_type(n + TO_INTEGER, jnp.int32) << MANTISSA_BITS
    bits = lax.bitcast_convert_type(power, jnp.int32) + exponent
    return jnp.where(x < SMALLEST, 0, lax.bitcast_convert_type(bits, jnp.float32))


@jax.custom_jvp
def log1p_nonnegative(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log(1 + x) for x >= 0, to about 2e-7 relative in float32."""
    if x.dtype != jnp.float32:
        return jnp.log1p(x)
    return _where_faster(_log1p, jnp.log1p, x)


@log1p_nonnegative.defjvp
def _derivative_of_log1p(primals, tangents):
    return log1p_nonnegative(*primals), tangents[0] / (1 + primals[0])


def _log1p(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    bits = lax.bitcast_convert_type(1 + x, jnp.int32)
    n = (bits - ROOT_HALF) >> MANTISSA_BITS
    mantissa = lax.bitcast_convert_type(bits - (n << MANTISSA_BITS), jnp.float32)
    f = jnp.where(n == 0, x, mantissa - 1)
    logarithm = n.astype(jnp.float32) * np.float32(LN2) + _horner(LOGARITHM, f)
    return jnp.where(x < jnp.inf, logarithm, x)  # infinity and NaN as they are


def _where_faster(
    ours: Callable[[Array], Array],
    theirs: Callable[[Array], Array],
    x: Float[Array, "*shape"],
) -> Float[Array, "*shape"]:
    """The platform that a program is compiled for decides, not the one traced on."""
    names = [
        name
        for platform, settings in PLATFORMS.items()
        if settings.own_exponential
        for name in (("cuda", "rocm") if platform == "gpu" else (platform,))
    ]
    return lax.platform_dependent(x, default=theirs, **dict.fromkeys(names, ours))


def _horner(
    coefficients: Float[np.ndarray, " k"], x: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value
