"""Games whose Shapley values are known: the table of values, and the Shapley values."""

import numpy as np

from cgm_jax.valuation.coalitions import membership


def airport_game(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A coalition costs as much as its dearest party (Littlechild and Owen 1973).

    The parties share each increase of the sorted costs with all dearer ones.
    """
    values = np.zeros(1)
    for c in cost:
        values = np.concatenate([values, np.maximum(values, c)])
    order = np.argsort(cost)
    steps = np.diff(cost[order], prepend=0) / np.arange(len(cost), 0, -1)
    shapley = np.zeros(len(cost))
    shapley[order] = np.cumsum(steps)
    return values, shapley


def unanimity_game(n: int, carrier: int) -> tuple[np.ndarray, np.ndarray]:
    """Worth 1 as soon as all parties of the carrier are there, who share it equally."""
    coalitions = np.arange(2**n)
    values = (coalitions & carrier == carrier).astype(float)
    needed = carrier >> np.arange(n) & 1
    return values, needed / needed.sum()


def glove_game() -> tuple[np.ndarray, np.ndarray]:
    """Party 0 has a left glove, 1 and 2 a right one; a pair is worth 1."""
    return np.array([0.0, 0, 0, 1, 0, 1, 0, 1]), np.array([4, 1, 1]) / 6


def security_council() -> tuple[np.ndarray, np.ndarray]:
    """Nine votes of 15 pass, if all of the five with a veto are among them."""
    permanent = np.arange(2**15) & 0b11111 == 0b11111
    votes = np.bitwise_count(np.arange(2**15))
    shapley = np.repeat([421, 4], [5, 10]) / 2145
    return (permanent & (votes >= 9)).astype(float), shapley


def weighted_voting_game() -> tuple[np.ndarray, np.ndarray]:
    """Four shareholders with 40, 30, 20 and 10 of 100 votes; more than 50 decide."""
    votes = np.array([[40, 30, 20, 10]])
    values = (membership(4) * votes).sum(1) > 50
    return values.astype(float), np.array([5, 3, 3, 1]) / 12


def additive_game(worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return membership(len(worth)) @ worth, worth


RNG = np.random.default_rng(5)
KNOWN = {
    "airport": airport_game(RNG.uniform(size=15)),
    "unanimity": unanimity_game(10, 0b1001100011),
    "unanimity of one": unanimity_game(4, 0b0100),
    "unanimity of all": unanimity_game(7, 0b1111111),
    "glove": glove_game(),
    "security council": security_council(),
    "weighted voting": weighted_voting_game(),
    "additive": additive_game(RNG.normal(size=12)),
    "one party": (np.array([0.25, 2.0]), np.array([1.75])),
}
