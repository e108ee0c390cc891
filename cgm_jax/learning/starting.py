r"""A deep kernel to start learning from, at a length scale that suits the points.

Of near points, a deep kernel with squared exponentials of the features f and of the
points themselves is

    k(x, x') ≈ 1 − |f(x) − f(x')|² / 2ℓ_κ² − |x − x'|² / 2ℓ_q².

If features of near points are r times as far apart as the points, ℓ_κ = √2 r ℓ and
ℓ_q = √2 ℓ make k nearly a squared exponential of the length scale ℓ, to which features
and points contribute alike. Where points are few, a network that starts at a poor scale
overfits them before it finds a better one.
"""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike, as_points
from cgm_jax._shared.checks import as_number
from cgm_jax.gram.length_scale import evenly_spaced
from cgm_jax.kernels.deep import DeepKernel, Network
from cgm_jax.kernels.stationary import SquaredExponential

__all__ = ["starting_deep_kernel"]

_NEAR = 2.0  # length scales: pairs farther apart have a kernel of hardly anything


def starting_deep_kernel(
    network: Network,
    points: Float[ArrayLike, "n d"],
    length_scale: float,
    *,
    epsilon: float = 0.01,
) -> DeepKernel:
    r"""A deep kernel that compares near points as a squared exponential does.

    .. math:: k(x, x') = [(1 - \varepsilon)\, \kappa(f(x), f(x')) + \varepsilon]\,
              q(x, x') \approx \exp(-\lVert x - x' \rVert^2 / 2 \ell^2)

    with squared exponentials κ and q, whose length scales follow from ℓ and from how
    far apart the network brings near points.

    Args:
        network: f, as for `DeepKernel`.
        points: shape ``(n, d)``, n >= 2, of which 2,000 at most are looked at.
        length_scale: ℓ > 0, in the units of the points, as of `quantile_length_scale`.
        epsilon: ε in (0, 1).

    Raises:
        ValueError: for fewer than two points, none nearer than 2ℓ, a length scale that
            is not positive, or the same features of all near points.

    Example:
        >>> points = np.linspace(0.0, 1.0, 50)[:, None]
        >>> kernel = starting_deep_kernel(jnp.sin, points, 0.1)
        >>> x, y = jnp.array([[0.5]]), jnp.array([[0.55]])
        >>> [round(float(k(x, y)[0, 0]), 2) for k in (kernel, SquaredExponential(0.1))]
        [0.88, 0.88]
    """
    from scipy.spatial.distance import pdist  # slow to import

    array = evenly_spaced(np.asarray(as_points(points, "points")))
    if len(array) < 2:
        raise ValueError(f"Expected at least two points, got {len(array)}.")
    length_scale = as_number(length_scale, "length_scale")
    if not 0 < length_scale < np.inf:
        raise ValueError(f"Expected a length scale > 0, got {length_scale}.")
    kernel = DeepKernel(
        network, SquaredExponential(1.0), SquaredExponential(1.0), epsilon
    )
    features = np.asarray(kernel.features(jnp.asarray(array)), np.float64)
    between_points, between_features = (
        pdist(x, "sqeuclidean") for x in (array.astype(np.float64), features)
    )
    near = between_points < (_NEAR * length_scale) ** 2
    stretch = np.sqrt(between_features[near].sum() / (between_points[near].sum() or 1))
    if not 0 < stretch < np.inf:
        raise ValueError(
            f"Expected points nearer to each other than {_NEAR:g} length scales of "
            f"{length_scale:g}, whose features differ; found {int(near.sum())} such "
            f"pairs, stretched by {stretch:g}. Choose a larger length scale or another "
            "network."
        )
    half = np.sqrt(2) * length_scale
    return replace(
        kernel,
        base=SquaredExponential(float(stretch * half)),
        points_kernel=SquaredExponential(float(half)),
    )
