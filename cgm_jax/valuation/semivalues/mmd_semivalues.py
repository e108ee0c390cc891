"""Shapley values and semivalues of parties from the sums of one Gram pass.

How they are computed is in `block_semivalues`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Float

from cgm_jax._shared.arrays import AnyArray, Scalar, is_traced
from cgm_jax._shared.results import Result
from cgm_jax.valuation.coalitions import checked_sums, value_from_sums

from .block_semivalues import TOLERANCE, block_semivalues
from .weighting import SHAPLEY, Weighting

if TYPE_CHECKING:
    from cgm_jax.gram.gram_sums import GramSums

__all__ = ["ExactShapleyValues", "blocks_of", "mmd_semivalues", "mmd_shapley_values"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False, repr=False)
class ExactShapleyValues(Result):
    """Shapley values, and how far they are from sharing out v(N)."""

    shapley_values: Float[AnyArray, " n"]
    """φ, shape ``(n,)``, in the units of the kernel."""

    efficiency_gap: Scalar
    """Σ φ_i − v(N): zero up to the tolerance, or something went wrong."""


def mmd_shapley_values(
    sums: "GramSums", *, tolerance: float = TOLERANCE
) -> ExactShapleyValues:
    r"""Shapley value of every party, for any number of parties of any sizes.

    .. math:: \phi_i = \int_0^1 \mathbb{E}_q[v(C \cup i) - v(C)]\,dq, \qquad
              \text{every } j \ne i \text{ is in } C \text{ with probability } q

    Args:
        sums: sums between the n parties and the candidates; its sizes must not be
            traced.
        tolerance: error relative to the largest value, 1e-12 to 0.01, which decides the
            number of nodes; parties of one size need none.

    Returns:
        The Shapley values, float64, and their efficiency gap. Inside the user's own
        transformation, where ``between`` may be mapped over and differentiated, its
        dtype decides.

    Raises:
        ValueError: if ``between`` and ``sizes`` do not fit, a sum is not finite, or the
            tolerance is out of range.
        TypeError: if the sizes are traced.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[0.0], [1.0]]), np.array([[3.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[1.0]]))
        >>> found = mmd_shapley_values(sums)
        >>> found.shapley_values.round(4)
        array([ 0.2432,  0.4291, -0.1096])
        >>> abs(found.efficiency_gap) < 1e-10
        np.True_

    Reference:
        Derived in `block_semivalues`; Owen 1972; Tay et al. 2022, Eq. 2 and 5.
    """
    values = mmd_semivalues(sums, SHAPLEY, tolerance=tolerance)
    between, sizes = sums.between[:-1], sums.sizes
    size, total = float(sizes[:-1].sum()), float(sizes.sum())
    of_all = value_from_sums(between.sum(), between[:, :-1].sum(), size, total)
    return ExactShapleyValues(values, values.sum() - of_all)


def mmd_semivalues(
    sums: "GramSums", weighting: Weighting, *, tolerance: float = TOLERANCE
) -> Float[AnyArray, " n"]:
    r"""Another mean of marginal contributions than Shapley's, for every party.

    .. math:: \psi_i = \sum_{C \subseteq N \setminus i} p_{|C|}\,[v(C \cup i) - v(C)]

    Semivalues do not sum to v(N): what matters is how they compare.

    Args:
        sums: as in `mmd_shapley_values`.
        weighting: ``"banzhaf"``, all coalitions alike; ``"leave-one-out"``, only all
            others, v(N) − v(N∖i); or ``BetaShapley(alpha, beta)``, more weight on small
            coalitions the larger α is, on large ones the larger β is.
        tolerance: as in `mmd_shapley_values`.

    Returns:
        Semivalues, shape ``(n,)``, as in `mmd_shapley_values`.

    Raises:
        ValueError: as `mmd_shapley_values`, or if there is no such weighting.
        TypeError: if the sizes are traced.

    Example:
        >>> from cgm_jax.gram import gram_sums
        >>> from cgm_jax.kernels import SquaredExponential
        >>> parties = [np.array([[0.0]]), np.array([[0.0], [1.0]]), np.array([[3.0]])]
        >>> sums = gram_sums(SquaredExponential(1.0), parties, np.array([[1.0]]))
        >>> mmd_semivalues(sums, "leave-one-out").round(4)
        array([0.0146, 0.1648, 0.0815])
        >>> mmd_semivalues(sums, "banzhaf").round(4)
        array([ 0.2887,  0.4746, -0.0641])

    Reference:
        Dubey, Neyman, Weber 1981; Banzhaf 1965; Kwon and Zou 2022.
    """
    return block_semivalues(*blocks_of(sums), weighting=weighting, tolerance=tolerance)


def blocks_of(
    sums: "GramSums",
) -> tuple[
    Float[AnyArray, "n n"], Float[AnyArray, " n"], Float[np.ndarray, " n"], float
]:
    """What `block_semivalues` needs of sums: B, b, sizes and t."""
    if is_traced(sums) and is_traced(sums.sizes):
        raise TypeError(
            "Expected sizes that are plain numbers, got traced ones: they decide where "
            "the nodes of the quadrature are. Pass `between` to your function, and "
            "build the sums inside it."
        )
    between, sizes = checked_sums(sums)
    across = between[:-1].sum(1)
    return between[:-1, :-1], across, np.asarray(sizes[:-1]), float(sizes.sum())
