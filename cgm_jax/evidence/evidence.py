"""All that the rows of the parties say of how they were made, for the mediator."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.results import Result

from .near_duplicates import NearDuplicates, near_duplicates
from .noise_rows import NoiseRows, noise_rows
from .resamples import Resamples, resamples

__all__ = ["Evidence", "find_evidence"]


@dataclass(frozen=True, eq=False, repr=False)
class Evidence(Result):
    """What was found; nothing of it is proof.

    Attributes:
        near: rows that parties share, exactly or nearly.
        noise: rows that look like noise.
        resamples: parties whose data are more alike than independent samples.
    """

    near: NearDuplicates
    noise: NoiseRows
    resamples: Resamples


def find_evidence(
    key: Key[Array, ""],
    parties: Sequence[Float[ArrayLike, "_ d"]],
    *,
    groups: Int[ArrayLike, " d"] | None = None,
) -> Evidence:
    """Look for shared rows, noise, and data that are too much alike.

    Args:
        key: a typed key, for noise and the forest.
        parties: the parties' points, arrays of shape ``(n_i, d)``.
        groups: which coordinates belong together, as in `noise_rows`.

    Returns:
        What `near_duplicates`, `noise_rows` and `resamples` find.

    Raises:
        ValueError: for shapes that do not fit or entries that are not finite.

    Example:
        >>> import jax, numpy as np
        >>> rng = np.random.default_rng(0)
        >>> found = find_evidence(jax.random.key(0), list(rng.normal(size=(3, 40, 2))))
        >>> bool(found.near.is_beyond_chance.any()), found.noise.is_beyond_chance
        (False, array([False, False, False]))
    """
    return Evidence(
        near_duplicates(parties),
        noise_rows(key, parties, groups=groups),
        resamples(parties),
    )
