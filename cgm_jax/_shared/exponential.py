"""The exponential function of numbers that are not positive, fast on a CPU.

Kernels and weights spend most of their time in it, and XLA's own float32 `exp` on a
CPU takes about half as long again. With x = n ln 2 + r and |r| ≤ ln 2 / 2,

    e^x = 2^n e^r,

e^r is 1 + r + r² q(r) with a polynomial q of degree 4 (relative error below 1e-8),
and 2^n is added to the exponent bits. Elsewhere, and in float64, it is `jax.numpy.exp`.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

__all__ = ["exp_nonpositive"]

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
# Adding it leaves an integer in the lowest bits of the mantissa.
TO_INTEGER = np.float32(1.5 * 2**23)
MANTISSA_BITS = 23
SMALLEST = np.float32(-87.3)  # the exponential of less is subnormal: 0 here


@jax.custom_jvp
def exp_nonpositive(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """e^x for x <= 0, to about 1e-7 relative in float32."""
    if x.dtype != jnp.float32:
        return jnp.exp(x)
    return lax.platform_dependent(x, cpu=_exp, default=jnp.exp)


@exp_nonpositive.defjvp
def _derivative(primals, tangents):
    y = exp_nonpositive(*primals)
    return y, y * tangents[0]


def _exp(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    n = jnp.round(x * np.float32(1 / LN2))
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    power = jnp.full_like(r, POLYNOMIAL[-1])
    for coefficient in POLYNOMIAL[-2::-1]:
        power = power * r + coefficient
    exponent = lax.bitcast_convert_type(n + TO_INTEGER, jnp.int32) << MANTISSA_BITS
    bits = lax.bitcast_convert_type(power, jnp.int32) + exponent
    return jnp.where(x < SMALLEST, 0, lax.bitcast_convert_type(bits, jnp.float32))
