"""The kernels whose tests are compared: learned from pairs of samples, or by a rule.

A network overfits small samples. What helps is a start at a good
length scale, points that are moved a little at every step, and few steps where points
are few: the 1,000 that many points allow undo more than the start has won. The numbers
here (1 %, 58,000, the noise of `PowerOptions.jitter`) were found on blobs.

Reference: Liu et al. 2020, Algorithm 1.
"""

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax.gram import quantile_length_scale
from cgm_jax.kernels import Kernel, SquaredExponential
from cgm_jax.learning import fit_kernels, starting_deep_kernel
from cgm_jax.two_sample import estimate_power

__all__ = [
    "NEAR",
    "Pair",
    "deep_kernels",
    "kernels_at_quantile",
    "kernels_of_learned_scale",
    "num_steps_for",
]

Pair = tuple[Float[Array, "n d"], Float[Array, "n d"]]

NEAR = 0.01
"""The share of all pairs of points that are within the near length scale."""

_QUANTILES = 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002  # where a search starts
_TRIPLES_A_STEP = 58_000
_MAX_STEPS = 1_000


def num_steps_for(num_points: int) -> int:
    """Steps that a deep kernel is learned for from samples of so many points.

    Args:
        num_points: of each sample.

    Returns:
        (number of points)³ / 58,000, at least 1 and at most 1,000.

    Example:
        >>> [num_steps_for(n) for n in (2, 90, 180, 360, 630)]
        [1, 12, 100, 804, 1000]
    """
    return min(max(num_points**3 // _TRIPLES_A_STEP, 1), _MAX_STEPS)


def deep_kernels(
    key: Key[Array, ""],
    pairs: Sequence[Pair],
    *,
    network_sizes: tuple[int, ...],
    num_steps: int | None,
    learning_rate: float,
    batch_size: int,
    jitter: float,
) -> list[Kernel]:
    """Deep kernels learned for J, each from a pair of samples, from the near scale.

    Args:
        key: typed random key: initial weights, batches and noise.
        pairs: two samples of one size for every kernel.
        network_sizes: columns, hidden units, features.
        num_steps: of Adam; None for `num_steps_for`.
        learning_rate: of Adam.
        batch_size: most points of each sample that a step looks at.
        jitter: root mean square of the distance that points are moved, in near length
            scales.

    Returns:
        One kernel a pair.
    """
    from flax import nnx

    from cgm_jax.kernels import FeatureNetwork

    num_points, num_columns = pairs[0][0].shape
    pooled = [np.concatenate(pair) for pair in pairs]
    scales = [quantile_length_scale(points, NEAR) for points in pooled]
    kernels = [
        starting_deep_kernel(
            FeatureNetwork(
                network_sizes, rngs=nnx.Rngs(jax.random.fold_in(key, len(pairs) + i))
            ),
            points,
            scale,
        )
        for i, (points, scale) in enumerate(zip(pooled, scales, strict=True))
    ]
    if num_steps is None:
        num_steps = num_steps_for(num_points)
    fits = fit_kernels(
        _keys(key, len(pairs)),
        kernels,
        pairs,
        share=1.0,  # they are tested on fresh points
        num_steps=num_steps,
        evaluate_every=num_steps,
        learning_rate=learning_rate,
        batch_size=batch_size,
        jitter=jitter * float(np.mean(scales)) / math.sqrt(num_columns),
    )
    return [fitted.kernel for fitted in fits]


def kernels_of_learned_scale(
    key: Key[Array, ""], pairs: Sequence[Pair]
) -> list[Kernel]:
    """Squared exponentials, from the best of some length scales upwards in J.

    Args:
        key: typed random key, of batches.
        pairs: two samples for every kernel.

    Returns:
        One kernel a pair.
    """

    def best(pair: Pair) -> Kernel:
        points = np.concatenate(pair)
        kernels = [
            SquaredExponential(quantile_length_scale(points, quantile))
            for quantile in _QUANTILES
        ]
        return max(kernels, key=lambda kernel: estimate_power(kernel, *pair).criterion)

    fits = fit_kernels(
        _keys(key, len(pairs)),
        [best(pair) for pair in pairs],
        pairs,
        share=1.0,
        num_steps=200,
        evaluate_every=200,
        learning_rate=0.02,
        batch_size=1_000,
    )
    return [fitted.kernel for fitted in fits]


def kernels_at_quantile(quantile: float, pairs: Sequence[Pair]) -> list[Kernel]:
    """Squared exponentials at a distance that a share of all pairs of points is within.

    Args:
        quantile: the share.
        pairs: two samples for every kernel.

    Returns:
        One kernel a pair of samples.
    """
    return [
        SquaredExponential(quantile_length_scale(np.concatenate(pair), quantile))
        for pair in pairs
    ]


def _keys(key: Key[Array, ""], num: int) -> Key[Array, " num"]:
    return jax.vmap(partial(jax.random.fold_in, key))(jnp.arange(num))
