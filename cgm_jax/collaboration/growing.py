"""Candidates that grow until the promises can be kept.

Reference: Tay et al. 2022, App. F.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Key

from cgm_jax._shared.arrays import Points, as_points
from cgm_jax.generators.base import Generator

__all__ = ["Growing", "candidate_sets"]


@dataclass(frozen=True)
class Growing:
    """A generator, and how many candidates it draws.

    Attributes:
        generator: is fitted to the pool.
        num: number of candidates that are drawn at first.
        at_most: the number is doubled up to this one, until the promises can be kept.
    """

    generator: Generator
    num: int = 10_000
    at_most: int = 160_000

    def __post_init__(self) -> None:
        if not 1 <= self.num <= self.at_most:
            raise ValueError(
                f"Expected 1 <= num <= at_most, got {self.num} and {self.at_most}."
            )


def candidate_sets(
    key: Key[Array, ""],
    parties: list[Points],
    candidates: Float[ArrayLike, "g d"] | Generator | Growing,
) -> Iterator[tuple[Points, bool]]:
    """Sets of candidates to try one after the other, and whether each is the last.

    A larger set begins with the smaller one.
    """
    if isinstance(candidates, Generator):
        candidates = Growing(candidates)
    if not isinstance(candidates, Growing):
        yield as_points(candidates, "candidates"), True
        return
    fit_key, sample_key = jax.random.split(key)
    model = candidates.generator.fit(fit_key, np.concatenate(parties))
    num = candidates.num
    while True:
        is_last = num == candidates.at_most
        yield candidates.generator.sample(sample_key, model, num), is_last
        num = min(2 * num, candidates.at_most)
