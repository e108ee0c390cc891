"""Points like the paper's credit ratings, in any number of dimensions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

__all__ = ["Problem", "clusters"]

_NUM_CLASSES = 5


@dataclass(frozen=True, eq=False)
class Problem:
    """Parties, candidates, and a length scale that suits them."""

    parties: list[np.ndarray]
    candidates: np.ndarray
    length_scale: float

    @property
    def reference(self) -> np.ndarray:
        """T, all points."""
        return np.concatenate([*self.parties, self.candidates])

    def astype(self, dtype: DTypeLike) -> "Problem":
        """The same numbers in another precision."""
        parties = [x.astype(dtype, copy=False) for x in self.parties]
        candidates = self.candidates.astype(dtype, copy=False)
        return Problem(parties, candidates, self.length_scale)


def clusters(
    num_dims: int, num_parties: int, party_size: int, num_candidates: int
) -> Problem:
    """Five Gaussian classes; a party owns one of them, the candidates are of all.

    Args:
        num_dims: d.
        num_parties: n.
        party_size: number of points of every party.
        num_candidates: number of candidates.

    Returns:
        The points, float32; always the same.
    """
    random = np.random.default_rng(0)
    means = random.uniform(size=(_NUM_CLASSES, num_dims))

    def draw(classes: np.ndarray) -> np.ndarray:
        noise = random.standard_normal((len(classes), num_dims)) / np.sqrt(200)
        return (means[classes] + noise).astype(np.float32)

    parties = [draw(np.full(party_size, i % _NUM_CLASSES)) for i in range(num_parties)]
    candidates = draw(random.integers(_NUM_CLASSES, size=num_candidates))
    # Distances grow with √d; at d = 2 this is the paper's ℓ.
    return Problem(parties, candidates, 0.2646 * float(np.sqrt(num_dims / 2)))
