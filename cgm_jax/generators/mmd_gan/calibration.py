r"""Which generated points to keep, so that those kept are like the training points.

A generator draws some regions too often, and others too seldom. With p the training
points, q the generator and r = p/q, a point of q that is kept with probability r/C is a
point of p, if r <= C. The ratio is fitted as

.. math:: r(x) = C \, \sigma(f(x)), \quad f(x) = b + \sum_l \alpha_l k(x, c_l),

between 0 and C by itself, with k the sum of the two kernels that samples are judged by
(squared exponentials at ℓ and at ℓ/4) and with generated points as landmarks c: no
training point is remembered. α and b minimise the convex

.. math:: C \, E_q[\log(1 + e^{f(x)})] - E_p[f(x)]
          + \tfrac{\lambda}{2} \alpha^\top K \alpha .

Where its slope is 0, one point in C is kept on average, and the mean features of those
kept are those of the training points up to λf: the MMD between them is λ‖f‖ (on the
span of the landmarks). λ = 1/n, since more would be to learn the noise of n points.

The held-out points have no part in it, and what the generator never draws stays absent.

The states of a table's columns need no rejection: `state_shifts` moves their logits so
that every category is drawn as often as training rows have it.

Reference: J.-C. Deville and C.-E. Särndal, *Calibration estimators in survey sampling*,
1992 (the bounded "logit" weights); J. Huang et al., *Correcting sample selection bias
by unlabeled data*, 2007 (matching kernel means); S. Azadi et al., *Discriminator
rejection sampling*, 2019 (the use on GANs).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import ArrayLike

MAX_RATIO = 3.0  # C; more would reject more, for the few points beyond
NUM_LANDMARKS = 256
LEAST_EIGENVALUE = 1e-6  # of the landmarks' features, to the largest
LEAST_GAIN = 1e-9  # of a step, in the function that is minimised
MAX_STEPS = 50
MAX_SCALINGS = 100
LEAST_SHARE = 1e-6  # of a state: rarer ones are not told apart from none


@dataclass(frozen=True, eq=False)
class Calibration:
    """How likely a generated point is to be kept; points in the networks' units."""

    landmarks: Float[np.ndarray, "l d"]
    coefficients: Float[np.ndarray, " l"]
    intercept: Float[np.ndarray, ""]
    length_scale: Float[np.ndarray, ""]

    def acceptance(self, points: Float[ArrayLike, "n d"]) -> Float[np.ndarray, " n"]:
        """The probability of keeping each point, r(x)/C, in float64."""
        from scipy.special import expit

        features = _features(points, self.landmarks, float(self.length_scale))
        return expit(features @ self.coefficients + self.intercept)


def fit_calibration(
    training: Float[ArrayLike, "n d"],
    generated: Float[ArrayLike, "m d"],
    *,
    length_scale: float,
) -> Calibration:
    """Learn which generated points to keep; ``length_scale`` is ℓ.

    Best with many more generated than training points: the noise of both is fitted.
    """
    from scipy.special import expit

    training, generated = np.asarray(training, float), np.asarray(generated, float)
    landmarks = generated[:NUM_LANDMARKS]
    # Features of unit penalty: the Gram matrix of the landmarks becomes the identity.
    gram = _features(landmarks, landmarks, length_scale)
    eigenvalues, vectors = np.linalg.eigh(gram)
    used = eigenvalues > LEAST_EIGENVALUE * eigenvalues[-1]
    whiten = vectors[:, used] / np.sqrt(eigenvalues[used])[None]

    def features(points: np.ndarray) -> Float[np.ndarray, "_ f"]:
        block = _features(points, landmarks, length_scale) @ whiten
        return np.concatenate([block, np.ones((len(block), 1))], axis=1)

    drawn, mean = features(generated), features(training).mean(axis=0)
    penalty = np.append(np.full(used.sum(), 1 / len(training)), 0.0)

    def loss(a: Float[np.ndarray, " f"]) -> float:
        spread = MAX_RATIO * np.logaddexp(0, drawn @ a).mean()
        return float(spread - mean @ a + penalty @ a**2 / 2)

    a = np.zeros(len(mean))
    a[-1] = -np.log(MAX_RATIO - 1)  # r = 1 everywhere
    for _ in range(MAX_STEPS):  # of Newton
        kept = MAX_RATIO * expit(drawn @ a) / len(drawn)
        slope = kept @ drawn - mean + penalty * a
        weights = kept * (1 - expit(drawn @ a))
        curvature = (drawn * weights[:, None]).T @ drawn + np.diag(penalty)
        step = np.linalg.solve(curvature, -slope)
        gain, before = -slope @ step, loss(a)
        if gain < LEAST_GAIN:
            break
        while loss(a + step) > before - gain / 10:
            step, gain = step / 2, gain / 2
        a = a + step
    return Calibration(
        landmarks, whiten @ a[:-1], np.asarray(a[-1]), np.asarray(length_scale)
    )


def state_shifts(
    logits: Float[np.ndarray, "n s"],
    columns: Sequence[slice],
    shares: Float[np.ndarray, " s"],
) -> Float[np.ndarray, " s"]:
    """What to add to logits so that the mean softmax of each column is its shares.

    By iterative scaling: the mean of log(sum of e^(logits + shift)) − shift · shares,
    convex in the shift, falls with every step.
    """
    from scipy.special import softmax

    shift = np.zeros(logits.shape[1])
    for _ in range(MAX_SCALINGS):
        means = np.concatenate(
            [
                softmax(logits[:, one] + shift[one], axis=1).mean(axis=0)
                for one in columns
            ]
        )
        if np.abs(means - shares).max() < LEAST_SHARE:
            break
        shift += np.log(np.maximum(shares, LEAST_SHARE))
        shift -= np.log(np.maximum(means, LEAST_SHARE))
    return shift


def _features(
    points: Float[ArrayLike, "n d"],
    landmarks: Float[np.ndarray, "l d"],
    length_scale: float,
) -> Float[np.ndarray, "n l"]:
    """k of points and landmarks; float64, since large coefficients cancel."""
    points = np.asarray(points, float)
    # By one matrix product; its rounding is far below what the exponentials resolve.
    squares = (points**2).sum(1)[:, None] + (landmarks**2).sum(1)[None]
    halves = (points @ landmarks.T - squares / 2) / length_scale**2
    return np.exp(halves) + np.exp(16 * halves)
