r"""The same parties valued by two kernels: of UMAP features, and learned from pixels.

The parties own images. As in the paper, their eight UMAP features are compared by a
squared exponential; beside it a deep kernel compares the pixels. It is learned to tell
the parties apart, without labels, on half of every party's rows. Both kernels then
value the other half, and hand out the same candidates.

Which party covers more of the classes is known from the labels, so it can be asked
whether the contributions α say so. With p_ic the share of class c among the rows of
party i and q_c that in the pool,

    coverage_i = Σ_c min(p_ic, q_c).

Reference: Tay et al. 2022, Sec. 6 and 7; Liu et al. 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key

from cgm_jax.collaboration import Progress
from cgm_jax.kernels import (
    DeepKernel,
    FittedKernel,
    SquaredExponential,
    fit_kernel,
    median_length_scale,
)

from .data import ExperimentData
from .run import BETAS, Experiment, run_experiment

__all__ = [
    "COMPARED",
    "KernelComparison",
    "Sharpness",
    "class_coverage",
    "compare_kernels",
    "fit_to_images",
    "sharpness",
]

COMPARED = "UMAP", "deep"
"""Names of the two kernels."""

NUM_STEPS = 300
_HIDDEN, _NUM_FEATURES = (128, 64), 16
_BATCH_SIZE, _JITTER = 256, 0.1
_TIE = 0.02  # coverages that differ by less are the same up to the number of rows
# A child of the seed's key that no draw uses.
_FIT = 1_000_003


class Sharpness(NamedTuple):
    """How sharply contributions follow the coverage of the classes."""

    tau: float
    """Kendall's rank correlation τ_b; below 1 if coverages are tied and α is not."""

    correlation: float
    """Pearson's."""

    gap: float
    """Smallest α of the parties with the largest coverage, less the largest of all
    others; negative where the order is wrong."""


@dataclass(frozen=True, eq=False)
class KernelComparison:
    """What each kernel made of the same parties."""

    fitted: FittedKernel
    """The deep kernel as it was learned, and which rows it has seen."""

    coverage: Float[np.ndarray, " n"]
    """Of the classes by every party's rows, all of them."""

    experiments: dict[str, Experiment]
    """By `COMPARED`: values and draws of the rows held out, and metrics of both in the
    coordinates of the UMAP features (MMD²_u in each kernel's own)."""

    def sharpness(self, name: str) -> Sharpness:
        """How sharply α follows the coverage with one of the kernels."""
        alpha = self.experiments[name].promised.normalized_shapley
        return sharpness(alpha, self.coverage)

    def negative_shares(self, name: str) -> dict[float, float]:
        """The share of all picks with Δ < 0, by β."""
        found = {}
        for beta, drawn in self.experiments[name].collaborations.items():
            picks = sum(len(reward.indices) for reward in drawn.rewards)
            negative = sum(reward.num_negative_steps for reward in drawn.rewards)
            found[beta] = negative / picks if picks else float("nan")
        return found


def class_coverage(
    labels: Sequence[Int[ArrayLike, " _"]], num_classes: int
) -> Float[np.ndarray, " n"]:
    r"""How much of the pool's classes each party has.

    .. math:: \sum_c \min(p_{ic}, q_c) \in [0, 1]

    Args:
        labels: the class of every point of every party, from 0.
        num_classes: counting those without a point.

    Returns:
        One number a party: 1 for a party with the pool's own shares of the classes.

    Example:
        >>> class_coverage([np.array([0, 1]), np.array([0, 0])], 2)
        array([0.75, 0.75])
    """
    counts = np.array([np.bincount(y, minlength=num_classes) for y in labels], float)
    pool = counts.sum(0) / counts.sum()
    return np.minimum(counts / counts.sum(1, keepdims=True), pool[None]).sum(1)


def sharpness(
    alpha: Float[ArrayLike, " n"], coverage: Float[ArrayLike, " n"]
) -> Sharpness:
    """How sharply contributions follow the coverage of the classes.

    Args:
        alpha: normalised Shapley values.
        coverage: of the parties; those within 0.02 of the next are tied.

    Returns:
        Kendall's τ, Pearson's correlation and the gap; NaN where all are tied.

    Example:
        >>> alpha, coverage = np.array([[1.0, 0.9, 0.4], [0.99, 1.0, 0.5]])
        >>> found = sharpness(alpha, coverage)
        >>> round(found.gap, 3), round(found.tau, 3)
        (0.5, 0.816)
    """
    from scipy.stats import kendalltau

    alpha, coverage = np.asarray(alpha, float), np.asarray(coverage, float)
    order = np.argsort(coverage)
    steps = np.diff(coverage[order], prepend=coverage[order[0]]) >= _TIE
    rank = np.empty(len(coverage), int)
    rank[order] = np.cumsum(steps)
    is_best = rank == rank.max()
    if is_best.all():
        return Sharpness(np.nan, np.nan, np.nan)
    gap = float(alpha[is_best].min() - alpha[~is_best].max())
    tau = float(kendalltau(alpha, rank).statistic)
    return Sharpness(tau, float(np.corrcoef(alpha, coverage)[0, 1]), gap)


def fit_to_images(
    key: Key[Array, ""],
    images: Sequence[np.ndarray],
    *,
    num_steps: int = NUM_STEPS,
    progress: Progress | None = None,
) -> FittedKernel:
    """Learn a deep kernel that tells the parties' images apart, on half of the rows.

    Only where it starts follows from all rows: the length scale is the median distance
    between features of the untrained network.

    Args:
        key: typed random key.
        images: every party's, rows of pixels between 0 and 1.
        num_steps: of Adam.
        progress: called with "learning the kernel" and the share that is done.

    Returns:
        The kernel, and which rows it has seen.

    Raises:
        ValueError: if a party has fewer than four rows.
    """
    from flax import nnx

    from cgm_jax.kernels import FeatureNetwork

    network_key, fit_key = jax.random.split(key)
    sizes = images[0].shape[1], *_HIDDEN, _NUM_FEATURES
    network = FeatureNetwork(sizes, rngs=nnx.Rngs(network_key))
    kernel = DeepKernel(network, SquaredExponential(1.0))
    features = kernel.features(jnp.asarray(np.concatenate(images)))
    return fit_kernel(
        fit_key,
        kernel.with_length_scale(median_length_scale(features)),
        images,
        num_steps=num_steps,
        batch_size=_BATCH_SIZE,
        jitter=_JITTER,
        evaluate_every=50,
        progress=lambda now: (
            progress and progress("learning the kernel", now.step / now.num_steps)
        ),
    )


def compare_kernels(
    data: ExperimentData,
    *,
    betas: Sequence[int | float] = BETAS,
    num_steps: int = NUM_STEPS,
    seed: int = 0,
    progress: Progress | None = None,
) -> KernelComparison:
    """Learn a kernel of the images, and value what it has not seen with both.

    Args:
        data: parties and candidates as features, with their images.
        betas: inverse temperatures, at least one, all different.
        num_steps: of learning the deep kernel.
        seed: of learning and draws.
        progress: called with the stage and the share of it that is done.

    Returns:
        Both experiments, on the same rows.

    Raises:
        ValueError: if the data have no images.
        RewardSchemeError: if the promises cannot be kept with these candidates.

    Example:
        >>> from cgm_jax.experiments import credit_ratings_data
        >>> (data,) = credit_ratings_data(["unequal"], num_candidates=10)
        >>> compare_kernels(data)
        Traceback (most recent call last):
        ValueError: Expected parties and candidates in pixels, got features alone: ...

    Reference:
        Tay et al. 2022, Sec. 6 and 7.
    """
    if data.images is None:
        raise ValueError(
            "Expected parties and candidates in pixels, got features alone: take a "
            "generator of images, mmd-gan, or candidates from a file."
        )
    images, candidate_images = data.images
    key = jax.random.fold_in(jax.random.key(seed), _FIT)
    fitted = fit_to_images(key, images, num_steps=num_steps, progress=progress)
    rest = fitted.held_out_rows

    def held_out(points: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [own[rows] for own, rows in zip(points, rest, strict=True)]

    features = replace(
        data,
        parties=held_out(data.parties),
        labels=held_out(data.labels),
        places=None,
        images=(held_out(images), candidate_images),
    )
    pixels = replace(
        features,
        parties=held_out(images),
        candidates=candidate_images,
        columns=tuple(f"pixel {i + 1}" for i in range(candidate_images.shape[1])),
        images=None,
    )
    measured = features.parties, features.candidates
    experiments = {}
    for name, of, kernel in zip(
        COMPARED, (features, pixels), (None, fitted.kernel), strict=True
    ):

        def tell(stage: str, share: float, name: str = name) -> None:
            if progress is not None:
                progress(f"{name}: {stage}", share)

        experiments[name] = run_experiment(
            of, betas=betas, seed=seed, kernel=kernel, measured=measured, progress=tell
        )
    coverage = class_coverage(data.labels, data.num_classes)
    return KernelComparison(fitted, coverage, experiments)
