r"""Hidden trees fitted by expectation and maximisation.

A node i has one of H hidden states :math:`z_i`; of the root it has probability
:math:`w(z)`, of others :math:`T_i(z_{p(i)}, z_i)` given the parent's. A column j at
node i has the state x with probability :math:`E_j(x, z_i)`. The sums over hidden states
are products of matrices: messages go up the tree, and shares of the rows go down.

With expected counts N of a column's states, the probabilities E come from one decision
after the other: states are halved as long as there are several, and of each half

.. math:: P(\text{half} \mid z) = (N_\text{half} + α q) / (N_\text{both} + α),

with q the half's share in the pool: α rows as the pool is at each decision. So states
that few rows tell apart have the proportions of the pool. Of T and w each row counts α
rows more, spread evenly. Every full step raises

.. math:: \sum_i \log p(x_i) + α \sum q \log P + \frac{α}{H} \sum (\log T + \log w).

Hidden states whose rows are fewer than ``min_rows`` are dropped.

Reference: Dempster, Laird and Rubin 1977; O. Cappé and E. Moulines, *On-line
expectation-maximization algorithm for latent data models*, 2009, for steps on parts of
the rows; M. Lavine, *Some aspects of Polya tree distributions*, 1992.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from cgm_jax._shared.arrays import AnyArray
from cgm_jax._shared.precision import compiled, matmul

from .product_tree import Tree

LEAST_ROWS, MOST_ROWS = 256, 2_048  # in one step
LEAST_STEPS = 8  # in a pass over more rows
DECAY = 0.7  # of how much a step counts
SAME = 0.9  # of the rows of a hidden state have it at the next node, at the start
# Steps on all rows at the end, times hidden states: a small mixture settles, at little
# cost; with each step of a large one, rows that are not learned get less likely.
FULL_STEPS, LEAST_FULL_STEPS, MOST_FULL_STEPS = 1_024, 16, 128
MOST_NUMBERS = 2**25  # in the messages of a step
_SMALLEST = 1e-30  # of a message that is divided by


class Parameters(NamedTuple):
    """The probabilities of h hidden states at m nodes and of s states of c columns."""

    weights: Float[AnyArray, " h"]
    transitions: Float[AnyArray, "e h h"]  # from the parent, of the m - 1 other nodes
    emissions: Float[AnyArray, "c s h"]


class Counts(NamedTuple):
    """Rows that are expected in hidden states, pairs of them, and columns' states."""

    hidden: Float[AnyArray, "m h"]
    pairs: Float[AnyArray, "e h h"]
    states: Float[AnyArray, "c s h"]


@compiled()
def messages(
    parameters: Parameters, tree: Tree, states: Int[AnyArray, "n k"]
) -> tuple[Float[Array, " n"], Float[Array, "m n h"], Float[Array, "e n h"]]:
    """Log-likelihood; what the columns below a node say of it, and of its parent.

    The states are those of the columns that ``tree.nodes`` and the emissions have.
    """
    weights, transitions, emissions = parameters
    num, (parents, nodes) = len(states), tree
    m, h = len(transitions) + 1, len(weights)

    def times(below: Array, log_sum: Array, node: Array, factor: Array):
        product = below[node] * factor
        largest = product.max(axis=1)
        below = below.at[node].set(product / largest[:, None])
        return below, log_sum + jnp.log(largest)

    def of_column(carry: tuple[Array, Array], column: Array):
        factor = emissions[column][states[:, column]]
        return times(*carry, nodes[column], factor), None

    def of_node(carry: tuple[Array, Array], node: Array):
        message = matmul(carry[0][node], transitions[node - 1].T)
        return times(*carry, parents[node], message), message

    up = jnp.zeros((0, num, h), weights.dtype)  # of one node alone
    carry = jnp.ones((m, num, h), weights.dtype), jnp.zeros(num, weights.dtype)
    carry, _ = jax.lax.scan(of_column, carry, jnp.arange(len(nodes)))
    if m > 1:
        carry, up = jax.lax.scan(of_node, carry, jnp.arange(1, m), reverse=True)
    below, log_sum = carry
    return log_sum + jnp.log(matmul(below[0], weights)), below, up


@compiled()
def expected(
    parameters: Parameters,
    tree: Tree,
    states: Int[AnyArray, "n c"],
    is_row: Bool[AnyArray, " n"],
) -> tuple[Float[Array, ""], Counts]:
    """The log-likelihood of the rows, and the counts that are expected of them."""
    weights, transitions, emissions = parameters
    log_likelihood, below, up = messages(parameters, tree, states)
    parents, nodes = tree
    root = below[0] * weights[None]
    root = root * (is_row / root.sum(axis=1))[:, None]

    def of_node(shares, node):
        rest = shares[parents[node]] / jnp.maximum(up[node - 1], _SMALLEST)
        transition, message = transitions[node - 1], below[node]
        share = message * matmul(rest, transition)
        pairs = transition * matmul(rest.T, message)
        return shares.at[node].set(share), pairs

    shares = jnp.zeros_like(below).at[0].set(root)
    pairs = jnp.asarray(transitions)  # of one node alone: none
    if len(below) > 1:
        shares, pairs = jax.lax.scan(of_node, shares, jnp.arange(1, len(below)))

    def of_column(_, column):
        start = jnp.zeros(emissions.shape[1:], root.dtype)
        return None, start.at[states[:, column]].add(shares[nodes[column]])

    _, counts = jax.lax.scan(of_column, None, jnp.arange(len(nodes)))
    total = jnp.sum(jnp.where(is_row, log_likelihood, 0))
    return total, Counts(shares.sum(axis=1), pairs, counts)


@compiled()
def maximized(
    counts: Counts,
    pool: Float[AnyArray, "c s"],
    *,
    smoothing: Float[AnyArray, ""],
    min_rows: Float[AnyArray, ""],
) -> Parameters:
    """The parameters of expected counts; of hidden states with enough rows."""
    is_kept = counts.hidden >= min_rows
    even = smoothing * is_kept / is_kept.sum(axis=1, keepdims=True)
    weights = jnp.where(is_kept[0], counts.hidden[0], 0) + even[0]
    transitions = jnp.where(is_kept[1:, None], counts.pairs, 0) + even[1:, None]
    return Parameters(
        weights / weights.sum(),
        transitions / transitions.sum(axis=2, keepdims=True),
        jnp.exp(_log_emissions(counts.states, pool, smoothing)),
    )


def _log_emissions(counts: Any, pool: Any, smoothing: Any) -> Array:
    """One decision after the other, from the last to the first."""
    result, shares = jnp.zeros_like(counts), pool[:, :, None]
    (c, s, h), size = counts.shape, 1
    while size < s:
        halves, pooled = (a.reshape(c, -1, 2, a.shape[-1]) for a in (counts, shares))
        both, all_pooled = (a.sum(axis=2, keepdims=True) for a in (halves, pooled))
        part = pooled / jnp.where(all_pooled > 0, all_pooled, 1)
        log_part = jnp.log((halves + smoothing * part) / (both + smoothing))
        result = result + jnp.repeat(log_part.reshape(c, -1, h), size, axis=1)
        counts, shares, size = both[:, :, 0], all_pooled[:, :, 0], 2 * size
    return result


@compiled()
def penalty(
    parameters: Parameters,
    pool: Float[AnyArray, "c s"],
    *,
    smoothing: Float[AnyArray, ""],
) -> Any:
    """What is added to the log-likelihood; of hidden states that were not dropped."""
    weights, transitions, emissions = map(jnp.asarray, parameters)
    h = len(weights)

    def log(x: Array) -> Array:
        return jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1)), 0)

    total: Any = (log(weights).sum() + log(transitions).sum()) / h
    shares, states = jnp.asarray(pool)[:, :, None], emissions
    while states.shape[1] > 1:
        both = shares.reshape(len(shares), -1, 2, 1).sum(axis=2)
        of_both = states.reshape(len(states), -1, 2, h).sum(axis=2)
        part = shares / jnp.repeat(jnp.where(both > 0, both, 1), 2, axis=1)
        log_part = log(states) - jnp.repeat(log(of_both), 2, axis=1)
        total = total + (part * log_part).sum()
        shares, states = both, of_both
    return smoothing * total


def pool_shares(
    states: Int[np.ndarray, "n c"], num_states: Int[np.ndarray, " c"]
) -> Float[np.ndarray, "c s"]:
    """Shares of the states, of a power of two; with one row that has all equally."""
    size = 1 << int(num_states.max() - 1).bit_length()
    result = np.zeros((len(num_states), size), np.float32)
    for column, num in enumerate(num_states.tolist()):
        counts = np.bincount(states[:, column], minlength=num)
        result[column, :num] = (counts + 1 / num) / (len(states) + 1)
    return result


def started(
    states: Int[np.ndarray, "h c"], pool: Float[AnyArray, "c s"], num_nodes: int
) -> Parameters:
    """One hidden state a row: it and one of the pool's at every decision.

    Most of its rows have the same hidden state at all nodes.
    """
    h, c = states.shape
    counts = np.zeros((c, pool.shape[1], h), np.float32)
    counts[np.arange(c)[:, None], states.T, np.arange(h)[None]] = 1
    transition = SAME * np.eye(h, dtype=np.float32) + np.float32((1 - SAME) / h)
    return Parameters(
        np.full(h, 1 / h, np.float32),
        np.tile(transition, (num_nodes - 1, 1, 1)),
        _start_emissions(counts, pool),
    )


@compiled()
def _start_emissions(
    counts: Float[AnyArray, "c s h"], pool: Float[AnyArray, "c s"]
) -> Float[Array, "c s h"]:
    return jnp.exp(_log_emissions(jnp.asarray(counts), jnp.asarray(pool), 1))


def chunk_size(num_rows: int, num_nodes: int, num_hidden: int) -> int:
    """Rows of a step: some steps a pass, whose messages fit into memory."""
    wanted = min(num_rows, max(LEAST_ROWS, num_rows // LEAST_STEPS), MOST_ROWS)
    return max(1, min(wanted, MOST_NUMBERS // (num_nodes * num_hidden)))


@compiled()
def step(
    parameters: Parameters,
    counts: Counts,
    tree: Tree,
    states: Int[AnyArray, "n c"],
    pool: Float[AnyArray, "c s"],
    *,
    part: Float[AnyArray, ""],
    num_rows: Float[AnyArray, ""],
    smoothing: Float[AnyArray, ""],
    min_rows: Float[AnyArray, ""],
) -> tuple[Parameters, Counts]:
    """A step on a part of the rows, which replace a part of what was counted before."""
    _, new = expected(parameters, tree, states, jnp.ones(len(states), bool))
    scale = num_rows / len(states)
    counts = jax.tree.map(
        lambda old, one: (1 - part) * old + part * scale * one, counts, new
    )
    return maximized(counts, pool, smoothing=smoothing, min_rows=min_rows), counts


def one_pass(
    key: Key[Array, ""],
    parameters: Parameters,
    counts: Counts,
    tree: Tree,
    states: Int[np.ndarray, "n c"],
    pool: Float[AnyArray, "c s"],
    *,
    num_before: int,
    smoothing: int | float,
    min_rows: int,
) -> tuple[Parameters, Counts]:
    """Steps on all rows, in random order; the first of all forgets the counts."""
    num = len(states)
    size = chunk_size(num, len(tree.parents), len(parameters.weights))
    order = np.asarray(jax.random.permutation(key, num))
    for i in range(num // size):
        part = max((i + 1 + num_before * (num // size)) ** -DECAY, size / num)
        parameters, counts = step(
            parameters,
            counts,
            tree,
            states[order[i * size : (i + 1) * size]],
            pool,
            part=np.asarray(part, np.float32),
            num_rows=np.asarray(num, np.float32),
            smoothing=np.asarray(smoothing, np.float32),
            min_rows=np.asarray(min_rows, np.float32),
        )
    return parameters, counts


def no_counts(parameters: Parameters) -> Counts:
    """What has been counted before the first step."""
    weights, transitions, emissions = parameters
    shapes = (len(transitions) + 1, len(weights)), transitions.shape, emissions.shape
    return Counts(*(np.zeros(shape, weights.dtype) for shape in shapes))


def settled(
    parameters: Parameters,
    tree: Tree,
    states: Int[np.ndarray, "n c"],
    pool: Float[AnyArray, "c s"],
    *,
    smoothing: int | float,
    min_rows: int,
) -> Parameters:
    """Full steps, until every hidden state that is left has enough rows.

    Those with less than twice as many are dropped, so that it takes few steps; at each
    node one is kept.
    """
    wanted = min(FULL_STEPS // len(parameters.weights), MOST_FULL_STEPS)
    num_steps, least_steps = 0, max(wanted, LEAST_FULL_STEPS)
    while True:
        _, counts = full_counts(parameters, tree, states)
        enough = np.asarray(counts.hidden) >= min_rows
        if num_steps >= least_steps and (enough | ~kept(parameters)).all():
            return parameters
        least = min(2 * min_rows, float(np.asarray(counts.hidden).max(axis=1).min()))
        parameters = maximized(
            counts,
            pool,
            smoothing=np.asarray(smoothing, np.float32),
            min_rows=np.asarray(least, np.float32),
        )
        num_steps += 1


def kept(parameters: Parameters) -> Bool[np.ndarray, "m h"]:
    """Which hidden states of each node were not dropped."""
    weights, transitions = (np.asarray(a) for a in parameters[:2])
    return np.concatenate([weights[None] > 0, (transitions > 0).any(axis=1)])


def full_counts(
    parameters: Parameters, tree: Tree, states: Int[np.ndarray, "n c"]
) -> tuple[float, Any]:
    """Mean log-likelihood of all rows, and their expected counts."""
    total, sums = 0.0, None
    for chunk in _chunks(parameters, tree, states):
        one, counts = expected(parameters, tree, *chunk)
        total += float(one)
        sums = counts if sums is None else jax.tree.map(jnp.add, sums, counts)
    return total / len(states), sums


def log_likelihoods(
    parameters: Parameters, tree: Tree, states: Int[np.ndarray, "n c"]
) -> Float[np.ndarray, " n"]:
    """Those of which `full_counts` has the mean, without the counts."""
    chunks = _chunks(parameters, tree, states)
    rows = [np.asarray(_log_likelihoods(parameters, tree, x)) for x, _ in chunks]
    return np.concatenate(rows)[: len(states)]


@compiled()
def _log_likelihoods(
    parameters: Parameters, tree: Tree, states: Int[AnyArray, "n c"]
) -> Float[Array, " n"]:
    return messages(parameters, tree, states)[0]


def _chunks(
    parameters: Parameters, tree: Tree, states: Int[np.ndarray, "n c"]
) -> Iterator[tuple[Int[np.ndarray, "m c"], Bool[np.ndarray, " m"]]]:
    """All rows, as many at a time as a compiled step takes, and which there are."""
    size = chunk_size(len(states), len(tree.parents), len(parameters.weights))
    for start in range(0, len(states), size):
        yield padded(states[start : start + size], size)


def padded(
    chunk: Int[np.ndarray, "k c"], size: int
) -> tuple[Int[np.ndarray, "n c"], Bool[np.ndarray, " n"]]:
    """As many rows as a compiled step takes, and which of them there are."""
    rows = np.zeros((size, chunk.shape[1]), np.int32)
    rows[: len(chunk)] = chunk
    return rows, np.arange(size) < len(chunk)
