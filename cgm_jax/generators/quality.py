r"""How good synthetic points are, and how close they come to the training points.

Two questions, each answered beside what real points would score:

- likeness: MMD²_u between synthetic and held-out real points, at the median length
  scale ℓ and at ℓ/4, where details count. Beside it: the training points, and a kernel
  density estimate with cross-validated bandwidth, the generator to beat;
- copying: the share of synthetic points that are nearer to the training points than to
  as many held-out ones. Points made of neither would have 0.5; that does not prove that
  nothing was memorised.
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.arrays import ArrayLike, as_point_sets
from cgm_jax.gram import median_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.metrics import nearest_distances
from cgm_jax.metrics.nearest_real import share_nearer
from cgm_jax.valuation import mmd2_unbiased

from .kernel_density import KernelDensity
from .three_sample import is_nearer

MAX_TESTED = 2_000  # points in the test of which generator is nearer
NUM_BANDWIDTHS, NUM_FOLDS = 20, 5
MAX_FITTED = 2_000  # points that the bandwidth is chosen on
MAX_COMPARED = 5_000  # synthetic points that are compared
MAX_SUBSETS = 10  # of the training points, each as large as the held-out part


@dataclass(frozen=True)
class SampleQuality:
    """Likeness and copying of synthetic points beside those of others.

    Pairs are MMD²_u to the held-out points at ℓ and at ℓ/4, signed.
    """

    length_scale: float  # ℓ, the median distance of training points
    num_held_out: int
    generated: tuple[float, float]
    real: tuple[float, float]  # of training points: a perfect generator's, up to chance
    kernel_density: tuple[float, float]
    bandwidth: float  # of the kernel density estimate
    nearest_share: float  # of synthetic points that are nearer to training points
    kernel_density_nearest_share: float
    is_worse_than_kernel_density: bool  # at ℓ or at ℓ/4, at 5 %


def sample_quality(
    key: Key[Array, ""],
    training: Float[ArrayLike, "n d"],
    held_out: Float[ArrayLike, "h d"],
    generated: Float[ArrayLike, "m d"],
) -> SampleQuality:
    """Compare synthetic points with real ones that were held out; columns of one scale.

    The key draws the density estimate's samples and the subsets.
    """
    training, held_out, generated = as_point_sets(
        training=training, held_out=held_out, generated=generated
    )
    generated = generated[:MAX_COMPARED]
    density_key, subset_key, order_key = jax.random.split(key, 3)
    training = np.asarray(training)
    training = training[np.asarray(jax.random.permutation(order_key, len(training)))]
    length_scale = float(median_length_scale(training))
    bandwidth = cross_validated_bandwidth(training, length_scale=length_scale)
    rival = KernelDensity(bandwidth).sample(density_key, training, len(generated))
    tested = [x[:MAX_TESTED] for x in (held_out, rival, generated)]
    return SampleQuality(
        length_scale,
        len(held_out),
        likeness(generated, held_out, length_scale=length_scale),
        likeness(training[: len(generated)], held_out, length_scale=length_scale),
        likeness(rival, held_out, length_scale=length_scale),
        bandwidth,
        nearest_share(subset_key, generated, training, held_out),
        nearest_share(subset_key, rival, training, held_out),
        any(
            is_nearer(SquaredExponential(scale), *tested)
            for scale in (length_scale, length_scale / 4)
        ),
    )


def likeness(
    points: Float[ArrayLike, "m d"],
    held_out: Float[ArrayLike, "h d"],
    *,
    length_scale: float,
) -> tuple[float, float]:
    """MMD²_u between two sets of points at a length scale and at a quarter of it."""
    whole, quarter = (
        float(mmd2_unbiased(SquaredExponential(scale), points, held_out))
        for scale in (length_scale, length_scale / 4)
    )
    return whole, quarter


def cross_validated_bandwidth(
    points: Float[np.ndarray, "n d"], *, length_scale: float
) -> float:
    """The bandwidth under which points left out are likeliest, from ℓ/100 to ℓ."""
    from scipy.special import logsumexp
    from sklearn.metrics import pairwise_distances
    from sklearn.model_selection import KFold

    points = np.asarray(points[:MAX_FITTED], np.float64)
    bandwidths = length_scale * np.geomspace(0.01, 1, NUM_BANDWIDTHS)
    # Once for all bandwidths: a tree of many dimensions takes minutes for each of them.
    exponents = pairwise_distances(points, metric="sqeuclidean") / -2
    scores = np.zeros(NUM_BANDWIDTHS)
    # Pools come party by party: without shuffling a fold would be one party.
    folds = KFold(NUM_FOLDS, shuffle=True, random_state=0)
    for fitted, left_out in folds.split(points):
        block = exponents[np.ix_(left_out, fitted)]
        for i, bandwidth in enumerate(bandwidths):
            density = logsumexp(block / bandwidth**2, axis=1) - np.log(len(fitted))
            scores[i] += np.sum(density - points.shape[1] * np.log(bandwidth))
    return float(bandwidths[scores.argmax()])


def nearest_share(
    key: Key[Array, ""],
    points: Float[ArrayLike, "m d"],
    training: Float[ArrayLike, "n d"],
    held_out: Float[ArrayLike, "h d"],
) -> float:
    """Share of points that are nearer to training points than to as many held-out ones.

    The mean over up to ten disjoint random subsets of the training points.
    """
    points, training, held_out = (
        np.asarray(a, np.float64) for a in (points, training, held_out)
    )
    size = min(len(training), len(held_out))
    order = np.asarray(jax.random.permutation(key, len(training)))
    to_held_out = np.asarray(
        nearest_distances(points, held_out[:size], num_neighbors=1)
    )
    shares = []
    for i in range(min(MAX_SUBSETS, len(training) // size)):
        subset = training[order[i * size : (i + 1) * size]]
        distances = np.asarray(nearest_distances(points, subset, num_neighbors=1))
        shares.append(share_nearer(distances, to_held_out))
    return float(np.mean(shares))
