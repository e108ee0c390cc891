r"""Which columns a mixture of products ties together: a tree of mutual information.

Hidden states form the tree whose edges have the largest sum of mutual information
between columns, in nats,

.. math:: I_{ij} = \sum_{xy} p_{ij}(x, y) \log \frac{p_{ij}(x, y)}{p_i(x) p_j(y)},

of states that are put together to at most 24, less what chance adds. Each column has a
node of its own, or columns share nodes: those that are worth more than a nat to another
column keep their own, such as the balances of six months, and the others join the node
of the one that they say most of, such as the month's payment. Then a path through the
tree carries all that belongs together. Which of the two is better, rows say that were
not learned.

Reference: C. Chow and C. Liu, *Approximating discrete probability distributions with
dependence trees*, 1968.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.arrays import AnyArray

MOST_STATES = 24
PRECISE = 1.0  # nats: more than one hidden state can carry beside other columns
MUCH = 1 / 3  # of what a column says of the one that it says most of


class Tree(NamedTuple):
    """Nodes in an order in which parents come first, and each column's node."""

    parents: Int[AnyArray, " m"]  # of the root 0
    nodes: Int[AnyArray, " c"]


def trees(
    states: Int[np.ndarray, "n c"], num_states: Int[np.ndarray, " c"]
) -> list[Tree]:
    """The tree with a node for each column, and one of shared nodes if there is one."""
    information = mutual_information(states, num_states)
    alone = np.arange(len(information))
    shared = shared_nodes(information)
    groups = [alone] if len(set(shared)) in (1, len(alone)) else [alone, shared]
    return [_tree(information, group) for group in groups]


def shared_nodes(information: Float[np.ndarray, "c c"]) -> Int[np.ndarray, " c"]:
    """The column at whose node each is: itself, or the one that it says most of."""
    most = information.max(axis=1)
    is_precise = most > PRECISE
    nodes = np.arange(len(most))
    if not is_precise.any():
        return nodes
    to_precise = np.where(is_precise[None], information, -np.inf)
    joins = ~is_precise & (to_precise.max(axis=1) > MUCH * most)
    return np.where(joins, to_precise.argmax(axis=1), nodes)


def _tree(information: Float[np.ndarray, "c c"], groups: Int[np.ndarray, " c"]) -> Tree:
    """The tree of groups, which are as near as the two nearest of their columns."""
    _, groups = np.unique(groups, return_inverse=True)
    m = groups.max() + 1
    weights = np.full((m, m), -np.inf)
    np.maximum.at(weights, (groups[:, None], groups[None]), information)
    np.fill_diagonal(weights, 0)
    order, parents = spanning_tree(weights)
    place = np.argsort(order)
    return Tree(place[parents].astype(np.int32), place[groups].astype(np.int32))


def mutual_information(
    states: Int[np.ndarray, "n c"], num_states: Int[np.ndarray, " c"]
) -> Float[np.ndarray, "c c"]:
    """Mutual information of each pair of columns, in nats; 0 on the diagonal."""
    num, c = states.shape
    coarse = [_coarse(states[:, i], size) for i, size in enumerate(num_states.tolist())]
    sizes = np.array([x.max() + 1 for x in coarse])
    one_hot = np.concatenate(
        [np.eye(k, dtype=np.float32)[x] for k, x in zip(sizes, coarse, strict=True)],
        axis=1,
    )
    starts = np.append(0, np.cumsum(sizes))[:-1]
    result = np.zeros((c, c))
    for i, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        joint = one_hot[:, start : start + size].T @ one_hot / np.float32(num)
        share = joint[:, start : start + size].sum(axis=1)
        expected = share[:, None] * joint.sum(axis=0)[None]
        ratio = np.where(joint > 0, joint / np.where(expected > 0, expected, 1), 1)
        parts = (joint * np.log(ratio)).sum(axis=0)
        result[i] = np.add.reduceat(parts, starts) - (size - 1) * (sizes - 1) / 2 / num
    np.fill_diagonal(result, 0)
    return (result + result.T) / 2


def spanning_tree(
    weights: Float[np.ndarray, "c c"],
) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " c"]]:
    """Places in the order in which they join the tree, and the parent of each of them.

    The tree has the largest sum of weights; its root, whose parent it is itself, the
    largest of all weights.
    """
    root = int(weights.sum(axis=0).argmax())
    order, parents = [root], [root]
    best, parent = weights[root].copy(), np.full(len(weights), root)
    for _ in range(len(weights) - 1):
        best[order[-1]] = -np.inf
        joined = int(best.argmax())
        order.append(joined)
        parents.append(int(parent[joined]))
        is_nearer = (weights[joined] > best) & np.isfinite(best)
        best = np.where(is_nearer, weights[joined], best)
        parent = np.where(is_nearer, joined, parent)
    return np.array(order), np.array(parents)


def _coarse(states: Int[np.ndarray, " n"], size: int) -> Int[np.ndarray, " n"]:
    """Neighbouring states put together, so that few are left, all of which occur."""
    if size > MOST_STATES:
        counts = np.bincount(states, minlength=size)
        before = np.cumsum(counts) - counts
        states = (before * MOST_STATES // len(states))[states]
    return np.unique(states, return_inverse=True)[1]
