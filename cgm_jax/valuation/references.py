"""Values of distributions under several references side by side.

Where parties agree on no reference, what a mediator can say is which party is better
under all of those that are proposed, and on which comparisons they disagree.

Reference: X. Lin et al., *Distributionally Robust Data Valuation*, ICML 2024, on
valuation without an agreed validation set.
"""

from collections.abc import Sequence

from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, array_module
from cgm_jax._shared.checks import as_list
from cgm_jax.gram import GramSums

from .distribution import NAMES, Reference, distribution_values

__all__ = ["values_under_references"]


def values_under_references(
    sums: GramSums, references: Sequence[Reference] = NAMES
) -> Float[AnyArray, "references n"]:
    """`distribution_values` under each reference, one row a reference.

    Args:
        sums: as in `distribution_values`.
        references: names and weights, as `distribution_values` takes them; by default
            all that have a name.

    Returns:
        −MMD of every party to every reference, shape ``(references, n)``, float64 (or
        as in `distribution_values`).

    Raises:
        ValueError: as `distribution_values`, or if there is no reference.

    Example:
        >>> import numpy as np
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[1.0]]), np.full((2, 1), 3.0)]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[3.0]]))
        >>> first_two = np.array([0.5, 0.5, 0.0])
        >>> values_under_references(sums, ["pool", "candidates", first_two]).round(2)
        array([[-0.82, -0.74, -0.64],
               [-1.41, -1.32,  0.  ],
               [-0.44, -0.44, -1.29]])

    Reference:
        Lin et al. 2024; Xu et al. 2024.
    """
    given = as_list(references, "references")
    rows = [distribution_values(sums, one).values for one in given]
    if not rows:
        raise ValueError("Expected at least one reference, got none.")
    return array_module(rows).stack(rows)
