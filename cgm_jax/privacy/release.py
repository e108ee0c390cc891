r"""One noisy sum of features a party: all that it ever has to hand out.

With features of norm c, the sum of a party's features is S = Σ φ(x) over its n rows. It
hands out S̃ = S + N(0, σ² I), once. What others compute of S̃ is post-processing, and
is as private as S̃ is. σ is the noise multiplier m(ε, δ) of the Gaussian mechanism
(Balle and Wang 2018, from ``dp-accounting``) times the sensitivity, the largest
‖S − S'‖ for two neighbouring tables:

- "replace one": one row is another one. ‖φ(x) − φ(x')‖ <= 2c, and n is the same: it is
  no secret, and is handed out as it is. The mean S/n has a sensitivity of 2c/n.
- "add or remove one": a row is there or not. Then n tells, too, and is handed out with
  noise: the vector (S, w n), w = c/2, moves by √(c² + w²) <= 1.12 c, the mechanism adds
  noise to it as a whole, and w is taken out of the count again, which is off by about
  2 m 1.12 rows. There is no way of keeping n public here: it alone would tell the
  neighbours apart.

For one ε, "replace one" is the stronger promise: it takes two steps of the other.

What is not covered: the noise is a float64 normal number, whose lowest digits may tell
more than the theory of real numbers says (Mironov 2012), and how long a release took.
The features must not depend on the rows: their key, kernel and range are agreed on.

References: B. Balle and Y.-X. Wang, *Improving the Gaussian Mechanism for Differential
Privacy*, 2018; F. Harder, K. Adamczewski and M. Park, *DP-MERF*, 2021; M. Balog, I.
Tolstikhin and B. Schölkopf, *Differentially Private Database Release via Kernel Mean
Embeddings*, 2018.
"""

import math
from dataclasses import dataclass
from typing import Literal

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from cgm_jax._shared.arrays import as_points
from cgm_jax._shared.checks import as_key, as_real
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax._shared.precision import at_once, on_numbers
from cgm_jax._shared.results import Result
from cgm_jax.embeddings import FeatureMap
from cgm_jax.gram.feature_sums import check_features, embeddings
from cgm_jax.gram.gram_sums import default_tile_size

__all__ = ["Neighbours", "Release", "features_digest", "noise_multiplier", "release"]

Neighbours = Literal["replace one", "add or remove one"]
_NEIGHBOURS = ("replace one", "add or remove one")
_COUNT_WEIGHT = 0.5  # w over c


@dataclass(frozen=True, eq=False, repr=False)
class Release(Result):
    """What a party hands out: a noisy sum of features, and what the noise is."""

    total: Float[np.ndarray, " features"]
    """S̃, shape ``(D,)``, float64."""

    size: float
    """n, or with noise where neighbours differ in it."""

    noise_scale: float
    """σ, the standard deviation of the noise of each coordinate of S̃."""

    epsilon: float
    """ε."""

    delta: float
    """δ."""

    neighbours: Neighbours
    """Which tables the release does not tell apart."""

    features: str
    """A digest of the features, by which others see that theirs are the same."""

    @property
    def mean(self) -> Float[np.ndarray, " features"]:
        """The noisy mean embedding S̃ / n, shape ``(D,)``."""
        return self.total / self.size


@on_numbers()
def release(
    key: Key[Array, ""],
    features: FeatureMap,
    points: Float[ArrayLike, "n d"],
    *,
    epsilon: float,
    delta: float,
    neighbours: Neighbours = "replace one",
) -> Release:
    r"""The sum of a party's features with noise: (ε, δ)-differentially private.

    .. math:: \tilde S = \sum_{x} \phi(x) + \mathcal{N}(0, \sigma^2 I), \qquad
              \sigma = m(\varepsilon, \delta)\, \Delta

    A party that hands out two releases of the same rows has spent both budgets.

    Args:
        key: a typed key that nobody else can know or guess: whoever has it takes the
            noise off. A small seed, as of ``jax.random.key(0)``, is guessed at once;
            ``jax.random.wrap_key_data`` makes a key of two numbers of
            ``numpy.random.SeedSequence().generate_state(2)``.
        features: features that all parties agreed on, chosen without looking at rows.
        points: the party's points, shape ``(n, d)``.
        epsilon: ε > 0.
        delta: δ in (0, 1), well below 1/n.
        neighbours: which tables are not to be told apart; "replace one" hands out n.

    Returns:
        The release.

    Raises:
        ValueError: if ε or δ is out of range, points are none or do not fit, or noise
            leaves no positive size.
        ImportError: without ``dp-accounting``, of the extra "private".

    Example:
        >>> from cgm_jax.embeddings import hermite_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(0.3)
        >>> features = hermite_features(kernel, np.zeros(1), np.ones(1))
        >>> secret = np.random.SeedSequence().generate_state(2)
        >>> points = np.full((1000, 1), 0.5)
        >>> made = release(  # doctest: +SKIP
        ...     jax.random.wrap_key_data(secret), features, points,
        ...     epsilon=1.0, delta=1e-5,
        ... )
        >>> made.noise_scale  # doctest: +SKIP
        7.46

    Reference:
        Balle and Wang 2018; Harder, Adamczewski and Park 2021.
    """
    if neighbours not in _NEIGHBOURS:
        raise ValueError(
            f"Expected neighbours among {', '.join(_NEIGHBOURS)}, got {neighbours!r}."
        )
    multiplier = noise_multiplier(epsilon, delta)
    rows = as_points(points, "points")
    if len(rows) == 0:
        raise ValueError("Expected points, got none: there is nothing to release.")
    check_features(features, features.kernel, rows)
    with at_once(features, rows):
        # Not moved to the origin: where that is would depend on the rows.
        [total] = embeddings(features, [rows], default_tile_size(), move=False)
    norm = float(features.norm)
    scale = multiplier * norm
    scale *= 2 if neighbours == "replace one" else math.hypot(1, _COUNT_WEIGHT)
    with at_once(x64=True):
        noise = np.asarray(jax.random.normal(as_key(key), (len(total) + 1,), float))
    size = float(len(rows))
    if neighbours == "add or remove one":
        size += noise[-1] * scale / (_COUNT_WEIGHT * norm)
        if size < 1:
            raise ValueError(
                f"Expected more rows for epsilon {epsilon}: noise leaves no positive "
                "size."
            )
    return Release(
        total + scale * noise[:-1],
        size,
        scale,
        float(epsilon),
        float(delta),
        neighbours,
        features_digest(features),
    )


def noise_multiplier(epsilon: float, delta: float) -> float:
    """The standard deviation that makes a sum of sensitivity 1 (ε, δ)-private."""
    epsilon = as_real(epsilon, "epsilon", smallest=0)
    if not (epsilon > 0 and math.isfinite(epsilon) and 0 < delta < 1):
        raise ValueError(
            f"Expected epsilon > 0 and delta in (0, 1), got {epsilon} and {delta}."
        )
    try:
        from dp_accounting.gaussian_mechanism import get_sigma_gaussian
    except ImportError as error:
        raise ImportError(
            "Expected dp-accounting, which computes the noise: pip install "
            "'cgm-jax[private]'."
        ) from error
    return float(get_sigma_gaussian(epsilon, delta))


def features_digest(features: FeatureMap) -> str:
    """A digest of features: equal for those that parties and mediator agreed on."""
    leaves, structure = jax.tree.flatten(features)
    arrays = {str(i): np.asarray(leaf) for i, leaf in enumerate(leaves)}
    return digest_of_arrays(arrays, text=str(structure))
