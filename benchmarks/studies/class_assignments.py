"""The same points shared anew, with a random permutation of the classes.

The paper's tables say how much of which column of classes a party has. Which class
stands in which column follows from the numbers that the classes happen to have, so what
is found with one assignment, as which features tell the parties apart, is one draw of a
random number.
"""

from dataclasses import replace

import jax
import numpy as np
from jaxtyping import Array, Key

from cgm_jax.datasets import split_by_proportions
from cgm_jax.experiments.data import ExperimentData

__all__ = ["reassign_classes"]


def reassign_classes(key: Key[Array, ""], data: ExperimentData) -> ExperimentData:
    """Share the parties' points anew, with the classes in a random order.

    Args:
        key: typed random key.
        data: parties of one size, as those of `prepare_experiments`.

    Returns:
        The same with other parties: each has as much of class π(c) as it had of c,
        with one random order π for all, and the same size up to what the rounding of
        shares and the number of points of every class allow. Labels and candidates are
        as before; there are no places for pictures.

    Example:
        >>> from cgm_jax.experiments import credit_ratings_data
        >>> (data,) = credit_ratings_data(["equal-disjoint"], num_candidates=10)
        >>> again = reassign_classes(jax.random.key(1), data)
        >>> before, now = (np.bincount(of.labels[0]) for of in (data, again))
        >>> int(before.argmax()), int(now.argmax())
        (0, 4)

    Reference:
        Tay et al. 2022, App. I.6.
    """
    order_key, split_key = jax.random.split(key)
    labels = np.concatenate(data.labels)
    classes = np.unique(labels)
    counts = np.array([(y[:, None] == classes).sum(0) for y in data.labels])
    order = np.asarray(jax.random.permutation(order_key, len(classes)))
    rows = split_by_proportions(
        split_key,
        labels[:, None],
        labels,
        counts[:, order] / counts.sum(1, keepdims=True),
        max_party_size=int(counts.sum(1).min()),
    ).rows

    def shared(points: list[np.ndarray]) -> list[np.ndarray]:
        pool = np.concatenate(points)
        return [pool[own] for own in rows]

    return replace(
        data,
        parties=shared(data.parties),
        labels=[labels[own] for own in rows],
        places=None,
        images=data.images and (shared(data.images[0]), data.images[1]),
    )
