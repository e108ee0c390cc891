"""The tree of a mixture of products: information, shared nodes, and the tree itself."""

from itertools import combinations

import numpy as np
import pytest

from cgm_jax.generators.product_tree import (
    mutual_information,
    shared_nodes,
    spanning_tree,
    trees,
)


def test_columns_join_the_precise_one_that_they_say_most_of():
    information = np.zeros((6, 6))
    pairs = {
        (0, 1): 1.5,
        (2, 0): 0.5,
        (2, 1): 0.4,
        (3, 2): 0.6,
        (3, 1): 0.1,
        (4, 1): 0.3,
    }
    for (i, j), nats in pairs.items():
        information[i, j] = information[j, i] = nats
    # The third and the fifth join; the fourth says more of the third, the last nothing.
    np.testing.assert_array_equal(shared_nodes(information), [0, 1, 0, 3, 1, 5])
    information[0, 1] = information[1, 0] = 0.9
    np.testing.assert_array_equal(shared_nodes(information), range(6))


def test_a_tree_of_shared_nodes_is_tried_where_there_is_one():
    rng = np.random.default_rng(4)
    first = rng.integers(20, size=4_000)
    second = (first + rng.integers(3, size=4_000)) % 20
    third = np.where(rng.random(4_000) < 0.5, first // 10, rng.integers(2, size=4_000))
    states = np.column_stack([first, third, second])
    alone, shared = trees(states, np.array([20, 2, 20]))
    assert len(alone.parents) == 3 and sorted(alone.nodes.tolist()) == [0, 1, 2]
    assert len(shared.parents) == 2
    assert shared.nodes[1] in (shared.nodes[0], shared.nodes[2])
    assert shared.nodes[0] != shared.nodes[2]
    for tree in (alone, shared):
        assert (tree.parents[1:] < np.arange(1, len(tree.parents))).all()


def test_the_tree_is_the_one_of_most_information():
    rng = np.random.default_rng(3)
    first = rng.integers(4, size=4_000)
    second = np.where(rng.random(4_000) < 0.8, first, rng.integers(4, size=4_000))
    third = np.where(rng.random(4_000) < 0.8, second, rng.integers(4, size=4_000))
    states = np.column_stack([first, third, second, rng.integers(3, size=4_000)])
    weights = mutual_information(states, np.array([4, 4, 4, 3]))
    joint = np.bincount(4 * first + second, minlength=16).reshape(4, 4) / 4_000
    product_of = joint.sum(axis=1)[:, None] * joint.sum(axis=0)[None]
    expected = (joint * np.log(joint / product_of)).sum() - 9 / 2 / 4_000
    np.testing.assert_allclose(weights[0, 2], expected, atol=1e-5)
    best = max(
        sum(weights[i, j] for i, j in edges)
        for edges in combinations(list(combinations(range(4), 2)), 3)
        if len({i for edge in edges for i in edge}) == 4
    )
    order, parents = spanning_tree(weights)
    assert sorted(order.tolist()) == [0, 1, 2, 3] and order[0] == parents[0] == 2
    assert sum(weights[order[1:], parents[1:]]) == pytest.approx(best)
