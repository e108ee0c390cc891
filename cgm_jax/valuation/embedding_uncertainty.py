r"""How far values from random features are from those of the kernel itself.

Values and Shapley values are linear in the sums B of the kernel (Eq. 2), and B of all
features is the mean of what G groups of them give by themselves. So are the values, and
with v_1, …, v_G those of the groups, which are drawn independently of each other,

    v = (1/G) Σ_g v_g,        SE(v)² = Σ_g (v_g − v)² / (G (G − 1)).

This is the error of the features alone, given the parties' points; what other points of
the same parties would change is `collaboration.estimate_uncertainty`.

Reference: A. Owen, *Monte Carlo theory, methods and examples*, 2013, Ch. 17, on the
same for randomised quasi-Monte Carlo.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.checks import check_kind
from cgm_jax._shared.precision import on_numbers
from cgm_jax._shared.results import Result
from cgm_jax.gram import PartyEmbeddings

from .coalitions import values_of_coalitions
from .semivalues.mmd_semivalues import mmd_shapley_values

__all__ = ["EmbeddingUncertainty", "embedding_uncertainty"]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class EmbeddingUncertainty(Result):
    """Values by every group of features alone."""

    own_values: Float[np.ndarray, "groups n"]
    """v_i by every group, shape ``(G, n)``; the mean over groups is v_i."""

    shapley_values: Float[np.ndarray, "groups n"]
    """φ by every group, shape ``(G, n)``; the mean over groups is φ."""

    @property
    def own_value_errors(self) -> Float[np.ndarray, " n"]:
        """Standard errors of v_i, shape ``(n,)``."""
        return _error_of_mean(self.own_values)

    @property
    def shapley_errors(self) -> Float[np.ndarray, " n"]:
        """Standard errors of φ_i, shape ``(n,)``."""
        return _error_of_mean(self.shapley_values)


@on_numbers()
def embedding_uncertainty(embeddings: PartyEmbeddings) -> EmbeddingUncertainty:
    r"""Standard errors of values and Shapley values that random features give.

    .. math:: \mathrm{SE}(\phi_i)^2 = \frac{1}{G (G - 1)} \sum_{g=1}^G
              (\phi_i^{(g)} - \bar\phi_i)^2

    Args:
        embeddings: sums of features in at least two groups, of `gram.party_embeddings`.
            The relative error of a standard error is about ``1 / sqrt(2 (G - 1))``.

    Returns:
        Values by each group, their means and standard errors.

    Raises:
        ValueError: if all features are one group, as those that are not random are:
            with an error of at most ε in the kernel (``features.max_error``), values
            are off by at most 3ε and Shapley values by 6ε.

    Example:
        >>> import jax
        >>> from cgm_jax.embeddings import random_fourier_features
        >>> from cgm_jax.gram import party_embeddings
        >>> from cgm_jax.kernels import SquaredExponential
        >>> kernel = SquaredExponential(1.0)
        >>> features = random_fourier_features(jax.random.key(0), kernel, 1, 2000)
        >>> points = np.random.default_rng(0).normal(size=(3, 50, 1))
        >>> made = party_embeddings(features, list(points[:2]), points[2])
        >>> errors = embedding_uncertainty(made)
        >>> bool((errors.shapley_errors < 0.02).all())
        True

    Reference:
        Owen 2013, Ch. 17.
    """
    check_kind(embeddings, PartyEmbeddings)
    if embeddings.num_groups < 2:
        raise ValueError(
            "Expected features in two groups at least, got one, which shows no spread: "
            "draw random features with num_groups; for others, features.max_error is "
            "the largest error of the kernel."
        )
    groups = embeddings.sums_of_groups
    each = np.eye(len(embeddings.sizes) - 1, dtype=bool)
    return EmbeddingUncertainty(
        np.stack([values_of_coalitions(sums, each) for sums in groups]),
        np.stack([mmd_shapley_values(sums).shapley_values for sums in groups]),
    )


def _error_of_mean(values: Float[np.ndarray, "groups n"]) -> Float[np.ndarray, " n"]:
    return values.std(axis=0, ddof=1) / np.sqrt(len(values))
