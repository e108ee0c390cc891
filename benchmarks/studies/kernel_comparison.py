r"""The same parties valued by two kernels: of UMAP features, and learned from pixels.

The parties own images. As in the paper, their eight UMAP features are compared by a
squared exponential; beside it a deep kernel compares the pixels. It is learned to tell
each party from all others together, without labels, on half of every party's rows. Both
kernels then value the other half, and hand out the same candidates.

Which party covers more of the classes is known from the labels, so it can be asked
whether the contributions α say so. The answer depends on which classes the parties have
in common: where the same points are shared with the classes assigned otherwise, both
kernels value the parties again, the deep one learned anew.

Reference: Tay et al. 2022, Sec. 6 and 7; Liu et al. 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.progress import Progress, silent, within
from cgm_jax.experiments.data import ExperimentData
from cgm_jax.experiments.run import BETAS, Experiment, run_experiment
from cgm_jax.gram import gram_sums, median_length_scale, project_kernel
from cgm_jax.kernels import DeepKernel, Kernel, SquaredExponential
from cgm_jax.learning import FittedKernel, fit_kernel
from cgm_jax.valuation import coalition_values, shapley_values

from .class_assignments import reassign_classes
from .coverage import Sharpness, class_coverage, sharpness

__all__ = [
    "COMPARED",
    "KernelComparison",
    "compare_kernels",
    "fit_to_images",
]

COMPARED = "UMAP", "deep"
"""Names of the two kernels."""

NUM_STEPS = 100
NUM_ASSIGNMENTS = 8
_HIDDEN, _NUM_FEATURES = (128, 64), 16
_BATCH_SIZE, _JITTER = 1_000, 0.1


@dataclass(frozen=True, eq=False)
class KernelComparison:
    """What each kernel made of the same parties."""

    fitted: FittedKernel
    """The deep kernel as it was learned, and which rows it has seen."""

    experiments: dict[str, Experiment]
    """By `COMPARED`: values and draws of the rows held out, and metrics of both in the
    coordinates of the UMAP features (MMD²_u in each kernel's own)."""

    assigned_coverage: Float[np.ndarray, "assignments n"]
    """Coverage of the classes by all rows of every party: in the first row that of the
    experiments, then with random permutations of the classes."""

    assigned_alpha: dict[str, Float[np.ndarray, "assignments n"]]
    """α there, by `COMPARED`."""

    @property
    def coverage(self) -> Float[np.ndarray, " n"]:
        """Coverage of the classes by every party's rows, in the experiments."""
        return self.assigned_coverage[0]

    def sharpness(self, name: str) -> Sharpness:
        """How sharply α follows the coverage with one of the kernels."""
        return sharpness(self.assigned_alpha[name][0], self.coverage)

    def assigned_sharpness(self, name: str) -> Float[np.ndarray, "assignments 3"]:
        """The same with every assignment of the classes, a row each."""
        both = zip(self.assigned_alpha[name], self.assigned_coverage, strict=True)
        return np.array([sharpness(alpha, coverage) for alpha, coverage in both])

    def negative_shares(self, name: str) -> dict[float, float]:
        """The share of all picks with Δ < 0, by β."""
        found = {}
        for beta, draw in self.experiments[name].draws.items():
            picks = sum(len(reward.indices) for reward in draw.rewards)
            negative = sum(reward.num_negative_steps for reward in draw.rewards)
            found[beta] = negative / picks if picks else float("nan")
        return found


def fit_to_images(
    key: Key[Array, ""],
    images: Sequence[np.ndarray],
    *,
    num_steps: int = NUM_STEPS,
    progress: Progress = silent,
) -> FittedKernel:
    """Learn a deep kernel that tells each party's images from all others', on half.

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
        between="pool",
        num_steps=num_steps,
        batch_size=_BATCH_SIZE,
        jitter=_JITTER,
        evaluate_every=50,
        progress=lambda now: (
            progress and progress("learning the kernel", now.step / now.num_steps)
        ),
    )


def compare_kernels(
    key: Key[Array, ""],
    data: ExperimentData,
    *,
    inverse_temperatures: Sequence[int | float] = BETAS,
    num_steps: int = NUM_STEPS,
    num_assignments: int = NUM_ASSIGNMENTS,
    progress: Progress = silent,
) -> KernelComparison:
    """Learn a kernel of the images, and value what it has not seen with both.

    Args:
        key: a typed key, of learning, assignments and draws.
        data: parties and candidates as features, with their images.
        inverse_temperatures: at least one, all different.
        num_steps: of learning the deep kernel.
        num_assignments: of classes to parties, for which both kernels value the
            parties: that of the data and others at random. Rewards are drawn for the
            first alone. Where all parties cover the same there is none but the first.
        progress: called with the stage and the share of it that is done.

    Returns:
        Both experiments, on the same rows, and α with every assignment.

    Raises:
        ValueError: if the data have no images, or ``num_assignments < 1``.
        RewardSchemeError: if the promises cannot be kept with these candidates.

    Example:
        >>> from cgm_jax.experiments import credit_ratings_data
        >>> (data,) = credit_ratings_data(["unequal"], num_candidates=10)
        >>> compare_kernels(jax.random.key(0), data)
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
    if num_assignments < 1:
        raise ValueError(f"Expected num_assignments >= 1, got {num_assignments}.")
    fit_key, draw_key, assignment_key = jax.random.split(key, 3)
    images, _ = data.images
    fitted = fit_to_images(fit_key, images, num_steps=num_steps, progress=progress)
    features, pixels = _held_out(data, fitted)
    measured = features.parties, features.candidates
    experiments = {}
    pairs = zip((features, pixels), (None, fitted.kernel), strict=True)
    for i, (points, kernel) in enumerate(pairs):
        name = COMPARED[i]
        experiments[name] = run_experiment(
            jax.random.fold_in(draw_key, i),
            points,
            inverse_temperatures=inverse_temperatures,
            kernel=kernel,
            measured=measured,
            progress=within(progress, name),
        )
    coverage = [class_coverage(data.labels, data.num_classes)]
    alpha = {
        name: [experiment.promises.scheme.normalized_shapley]
        for name, experiment in experiments.items()
    }
    if np.isnan(sharpness(alpha[COMPARED[0]][0], coverage[0]).tau):
        num_assignments = 1
    for i in range(1, num_assignments):
        now_covered, now_alpha = _reassigned(
            jax.random.fold_in(assignment_key, i),
            data,
            num_steps,
            within(progress, f"assignment {i + 1} of {num_assignments}"),
        )
        coverage.append(now_covered)
        for name in COMPARED:
            alpha[name].append(now_alpha[name])
    return KernelComparison(
        fitted=fitted,
        experiments=experiments,
        assigned_coverage=np.array(coverage),
        assigned_alpha={name: np.array(rows) for name, rows in alpha.items()},
    )


def _reassigned(
    key: Key[Array, ""], data: ExperimentData, num_steps: int, tell: Progress
) -> tuple[Float[np.ndarray, " n"], dict[str, Float[np.ndarray, " n"]]]:
    """Coverage, and α by both kernels, with the classes assigned otherwise."""
    share_key, fit_key = jax.random.split(key)
    again = reassign_classes(share_key, data)
    assert again.images is not None  # as those of the data
    images, _ = again.images
    fitted = fit_to_images(fit_key, images, num_steps=num_steps, progress=tell)
    features, pixels = _held_out(again, fitted)
    alpha = {}
    for name, of, kernel in zip(
        COMPARED,
        (features, pixels),
        (SquaredExponential(1.0), fitted.kernel),
        strict=True,
    ):
        tell(f"{name}: values", 0.0)
        alpha[name] = _contributions(kernel, of)
    return class_coverage(again.labels, data.num_classes), alpha


def _held_out(
    data: ExperimentData, fitted: FittedKernel
) -> tuple[ExperimentData, ExperimentData]:
    """The rows that the kernel has not seen, in features and in pixels."""
    assert data.images is not None
    images, candidate_images = data.images

    def rest(points: Sequence[np.ndarray]) -> list[np.ndarray]:
        both = zip(points, fitted.held_out_rows, strict=True)
        return [own[rows] for own, rows in both]

    features = replace(
        data,
        parties=rest(data.parties),
        labels=rest(data.labels),
        places=None,
        images=(rest(images), candidate_images),
    )
    pixels = replace(
        features,
        parties=rest(images),
        candidates=candidate_images,
        columns=tuple(f"pixel {i + 1}" for i in range(candidate_images.shape[1])),
        images=None,
    )
    return features, pixels


def _contributions(kernel: Kernel, data: ExperimentData) -> Float[np.ndarray, " n"]:
    """α by a kernel in its valid range, as `collaborate` finds it, without a draw."""
    kernel = project_kernel(kernel, data.parties, data.candidates)
    sums = gram_sums(kernel, data.parties, data.candidates)
    shapley = np.asarray(shapley_values(coalition_values(sums)))
    return shapley / shapley.max()
