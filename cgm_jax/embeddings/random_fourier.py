r"""Random Fourier features: frequencies drawn from a kernel's own measure.

With ω_j drawn from Λ / k(x, x) and weights k(x, x) / m, the mean of φ(x)·φ(x') over
draws is k(x, x'), and the variance of m independent ones that of cos(ω·(x − x')) over
m: for the squared exponential [1 − k²]² / 2m. The three kinds differ in how rows z of
standard normal numbers are drawn; in each, every single ω has the distribution Λ, so
that each is unbiased:

- "independent": by themselves (Rahimi and Recht 2007);
- "orthogonal": d rows at a time have orthogonal directions, those of a random rotation,
  and their lengths, of the χ distribution, are one from each of m parts of equal
  probability (Yu et al. 2016, who draw lengths independently);
- "quasi-random": rows are inverse normal distribution functions of a scrambled Sobol
  sequence (Avron et al. 2016). For few dimensions the error falls almost like 1/m.

Groups of frequencies are drawn independently of each other: the spread of what they
give, each by itself, is the standard error of any number that is linear in the kernel.
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key
from scipy.special import gammaincinv, ndtri

from cgm_jax._shared.arrays import AnyArray, array_module, is_traced
from cgm_jax._shared.checks import as_key, as_whole, check_choice
from cgm_jax._shared.precision import at_once
from cgm_jax.kernels import Kernel

from .fourier import FourierFeatures
from .spectra import NumberSource, drawn_frequencies, num_numbers

__all__ = ["FrequencyKind", "drawn_in_groups", "random_fourier_features"]

FrequencyKind = Literal["independent", "orthogonal", "quasi-random"]
_KINDS = ("independent", "orthogonal", "quasi-random")
_MOST_GROUPS = 10
_SMALLEST = 2.0**-33  # a Sobol sequence is made of multiples of 2^-30, 0 among them


def random_fourier_features(
    key: Key[Array, ""],
    kernel: Kernel,
    num_dimensions: int,
    num_features: int,
    *,
    kind: FrequencyKind = "orthogonal",
    num_groups: int | None = None,
) -> FourierFeatures:
    r"""Features of a stationary kernel, as random cosines and sines.

    .. math:: \phi(x) = \sqrt{k(0) / m}\,(\cos \omega_j \cdot x,
              \sin \omega_j \cdot x)_{j=1}^m, \qquad
              \mathbb{E}[\phi(x) \cdot \phi(x')] = k(x, x')

    Encoded rows of tables are points, too: with one-hot entries of height h, a category
    adds a random phase to every feature, and features estimate
    :math:`\exp(-h^2 / \ell^2)` for each category that differs.

    Args:
        key: a typed key; it must not be traced.
        kernel: a stationary kernel of the package, or sums, products and multiples of
            such; only length scales and the factor of the whole may be traced.
        num_dimensions: d, the number of columns of points.
        num_features: D, even.
        kind: how frequencies are drawn, "orthogonal", "quasi-random" (better for d up
            to about 5) or "independent".
        num_groups: groups of frequencies that are drawn independently of each other, a
            divisor of ``num_features / 2``; the more, the surer standard errors are;
            with "quasi-random" frequencies errors themselves are smallest with one. By
            default the largest divisor up to 10.

    Returns:
        The features; ‖φ(x)‖² = k(x, x) exactly.

    Raises:
        ValueError: if no features are known for the kernel, ``num_features`` is odd, or
            is not shared equally by the groups.
        TypeError: if the key, or a parameter that decides what is drawn, is traced.

    Example:
        >>> import jax.numpy as jnp
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(1.0)
        >>> features = random_fourier_features(jax.random.key(0), kernel, 2, 1000)
        >>> x, y = jnp.zeros((1, 2)), jnp.ones((1, 2))
        >>> float(kernel(x, y)[0, 0]), float((features(x) @ features(y).T)[0, 0])
        (0.368, 0.343)

    Reference:
        Rahimi and Recht 2007; F. Yu et al., *Orthogonal Random Features*, 2016; H.
        Avron et al., *Quasi-Monte Carlo Feature Maps for Shift-Invariant Kernels*,
        2016.
    """
    num_dimensions = as_whole(num_dimensions, "num_dimensions", smallest=1)
    count = num_numbers(kernel, num_dimensions)
    frequencies, height, groups = drawn_in_groups(
        key,
        lambda source: drawn_frequencies(kernel, num_dimensions, source),
        count,
        num_features,
        kind=kind,
        num_groups=num_groups,
    )
    m = len(frequencies)
    weights = array_module(height).broadcast_to(height / m, (m,))
    origin = np.zeros(num_dimensions)
    return FourierFeatures(kernel, frequencies, weights, origin, num_groups=groups)


def drawn_in_groups(
    key: Key[Array, ""],
    draw: Any,
    count: int,
    num_features: int,
    *,
    kind: FrequencyKind,
    num_groups: int | None,
) -> tuple[Float[AnyArray, "m d"], Any, int]:
    """Frequencies of all groups, k(x, x), and the number of groups.

    ``draw`` makes frequencies and k(x, x) of a source, of which it takes ``count``
    numbers per frequency.
    """
    check_choice(kind, _KINDS, "the kind")
    m, odd = divmod(as_whole(num_features, "num_features", smallest=2), 2)
    if odd:
        raise ValueError(
            f"Expected an even num_features, a cosine and a sine each, got {2 * m + 1}."
        )
    if num_groups is None:
        num_groups = max(g for g in range(1, _MOST_GROUPS + 1) if m % g == 0)
    groups = as_whole(num_groups, "num_groups", smallest=1)
    if m % groups:
        raise ValueError(
            f"Expected a num_groups that divides num_features / 2 = {m}, got {groups}."
        )
    if is_traced(key):
        raise TypeError(
            "Expected a key that is not traced: frequencies are drawn outside of "
            "`jit`, `grad` and `vmap`."
        )
    with at_once(x64=None):
        seeds = np.random.SeedSequence(np.asarray(_words(as_key(key))).tolist())
    drawn = []
    for seed in seeds.spawn(groups):
        rng = np.random.default_rng(seed)
        sources: dict[FrequencyKind, Any] = {
            "independent": lambda rng: _Independent(rng, m // groups),
            "orthogonal": lambda rng: _Orthogonal(rng, m // groups),
            "quasi-random": lambda rng: _QuasiRandom(rng, m // groups, count),
        }
        drawn.append(draw(sources[kind](rng)))
    frequencies = [part for part, _ in drawn]
    return array_module(frequencies).concatenate(frequencies), drawn[0][1], groups


def _words(key: Any) -> Any:
    is_typed = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(key) if is_typed else key


class _Independent(NumberSource):
    def __init__(self, rng: np.random.Generator, num: int):
        self._rng, self._num = rng, num

    def normals(self, num_dimensions: int) -> Float[np.ndarray, "m d"]:
        return self._rng.standard_normal((self._num, num_dimensions))

    def uniforms(self) -> Float[np.ndarray, " m"]:
        return np.maximum(self._rng.random(self._num), _SMALLEST)


class _Orthogonal(NumberSource):
    def __init__(self, rng: np.random.Generator, num: int):
        self._rng, self._num = rng, num

    def normals(self, num_dimensions: int) -> Float[np.ndarray, "m d"]:
        d = num_dimensions
        square = self._rng.standard_normal((-(-self._num // d), d, d))
        rotations, upper = np.linalg.qr(square)
        # Signs of the diagonal make it uniform over rotations (Mezzadri 2007).
        rotations *= np.sign(np.einsum("bii->bi", upper))[:, None]
        lengths = np.sqrt(2 * gammaincinv(d / 2, self.uniforms()))
        return lengths[:, None] * rotations.reshape(-1, d)[: self._num]

    def uniforms(self) -> Float[np.ndarray, " m"]:
        """One from each of m parts, in random order."""
        part = self._rng.permutation(self._num)
        within = np.maximum(self._rng.random(self._num), _SMALLEST)
        return (part + within) / self._num


class _QuasiRandom(NumberSource):
    def __init__(self, rng: np.random.Generator, num: int, count: int):
        from scipy.stats.qmc import Sobol  # slow to import

        sobol = Sobol(count, scramble=True, rng=rng)
        # A whole power of two, then as many as are needed, each of them uniform.
        points = sobol.random_base2((num - 1).bit_length())[:num]
        self._columns = iter(np.clip(points, _SMALLEST, 1 - _SMALLEST).T)

    def normals(self, num_dimensions: int) -> Float[np.ndarray, "m d"]:
        columns = [self.uniforms() for _ in range(num_dimensions)]
        return ndtri(np.stack(columns, axis=1))

    def uniforms(self) -> Float[np.ndarray, " m"]:
        return next(self._columns)
