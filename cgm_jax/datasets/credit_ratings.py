"""The paper's simulated credit ratings (CR), draw for draw (App. I.1).

The printed tables can be reproduced to their digits because the stream of
``RandomState`` never changes: the order of the draws is part of the data.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .splits import Split, paper_proportions

__all__ = ["CreditRatings", "credit_ratings"]

_SEED = 2
_NUM_CLASSES = 5
_PARTY_SIZE = 1_000  # also the number of points drawn from each class
_STANDARD_DEVIATION = math.sqrt(1 / 200)


@dataclass(frozen=True, eq=False)
class CreditRatings:
    """Five banks' data, the synthetic points to hand out, and what made them.

    Attributes:
        parties: five float32 arrays, shape ``(1000, 2)``.
        labels: five int64 arrays, shape ``(1000,)``: the class of every point.
        candidates: synthetic points G, float32.
        candidate_labels: the class that every candidate was drawn from.
        means: the classes' means, float32; every covariance is I/200.
    """

    parties: list[np.ndarray]
    labels: list[np.ndarray]
    candidates: Float[np.ndarray, "g 2"]
    candidate_labels: Int[np.ndarray, " g"]
    means: Float[np.ndarray, "classes 2"]


def credit_ratings(split: Split, *, num_candidates: int = 100_000) -> CreditRatings:
    r"""The simulated credit ratings behind Tables 5, 6, 9 and 10.

    .. math:: x \mid c \sim \mathcal{N}(\mu_c, I / 200), \quad \mu_c \sim U[0, 1]^2,
              \quad c = 0, \ldots, 4

    The numbers are drawn in float64 and handed out in float32, with which all printed
    digits are the same.

    Args:
        split: "equal-disjoint" (Table 1) or "unequal" (Table 2).
        num_candidates: size of G, at least 1. Fewer candidates are a prefix of more.

    Returns:
        The data; classes and candidates do not depend on the split.

    Raises:
        ValueError: for an unknown split or no candidates.

    Example:
        >>> data = credit_ratings("equal-disjoint", num_candidates=10)
        >>> len(data.parties), data.parties[0].shape, data.candidates.shape
        (5, (1000, 2), (10, 2))

    Reference: Tay et al. 2022, Sec. 6, App. I.1 and Tables 1-2.
    """
    if num_candidates < 1:
        raise ValueError(
            f"Expected num_candidates of at least 1, got {num_candidates}."
        )
    # 1000 p is whole for every p of Tables 1 and 2; rounding only removes float noise.
    shares = paper_proportions(split, num_classes=_NUM_CLASSES)
    counts = np.rint(_PARTY_SIZE * shares).astype(np.int64)

    random = np.random.RandomState(_SEED)
    means = random.uniform(size=(_NUM_CLASSES, 2))
    # ``multivariate_normal`` with covariance I/200 is this, bit for bit, but decomposes
    # the covariance at every call: 8 s instead of 0.3 s for the candidates.
    pools = [
        mean + _STANDARD_DEVIATION * random.standard_normal((_PARTY_SIZE, 2))
        for mean in means
    ]
    parties, labels = [], []
    for end, count in zip(np.cumsum(counts, axis=0), counts, strict=True):
        takes = zip(pools, end, count, strict=True)
        points = np.concatenate([pool[e - m : e] for pool, e, m in takes])
        order = random.permutation(len(points))
        parties.append(points[order].astype(np.float32))
        labels.append(np.repeat(np.arange(_NUM_CLASSES), count)[order])

    candidate_labels = np.empty(num_candidates, np.int64)
    normals = np.empty((num_candidates, 2))
    for j in range(num_candidates):  # one at a time: both draws share one stream
        candidate_labels[j] = random.randint(_NUM_CLASSES)
        normals[j] = random.standard_normal(2)
    candidates = means[candidate_labels] + _STANDARD_DEVIATION * normals
    return CreditRatings(
        parties,
        labels,
        candidates.astype(np.float32),
        candidate_labels,
        means.astype(np.float32),
    )
