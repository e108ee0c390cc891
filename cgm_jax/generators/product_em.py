r"""Mixtures of products fitted by expectation and maximisation.

With the features φ(x) of a point (``product_columns``) a component's log-density is
φ(x)·θ_c. Both steps are therefore products of matrices: with responsibilities
:math:`r_{ic} \propto w_c e^{φ(x_i)·θ_c}`, the sums :math:`T = Φ^T r` give the
parameters. So that no component rests on single rows, each counts α rows that are as
the pool is: :math:`T + α \bar φ` instead of T. Every step raises

.. math:: \sum_i \log \sum_c w_c e^{φ(x_i)·θ_c} + α \sum_c \bar φ·θ_c .

Variances are at least α / (n_c + α) of the pool's, and 0.001 of it. Components whose
responsibilities sum to less than ``min_rows`` are dropped.

Reference: Dempster, Laird and Rubin 1977; McLachlan and Peel, *Finite Mixture Models*,
2000; for the starting rows Arthur and Vassilvitskii 2007.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Bool, Float, Int, Key

from cgm_jax._shared.arrays import AnyArray
from cgm_jax._shared.precision import compiled, matmul

CHUNK_SIZE = 4_096  # rows whose responsibilities are held at once
SMALLEST_VARIANCE = 1e-3  # of the pool's
WARM_UP = 5  # steps before the first component may be dropped
TOLERANCE = 3e-4  # gain a row, in nats, of the last step
MOST_START_ROWS = 8_192  # rows that the starting ones are drawn from


class Parameters(NamedTuple):
    """The parameters of k components; means and variances are in standardised units."""

    log_weights: Float[AnyArray, " k"]
    log_probabilities: Float[AnyArray, "s k"]  # of the states
    means: Float[AnyArray, "g k"]
    variances: Float[AnyArray, "g k"]


class Rows(NamedTuple):
    """Features in chunks, which rows are padding, and the pool's mean features."""

    chunks: Float[AnyArray, "b c f"]
    is_row: Bool[AnyArray, "b c"]
    pool: Float[AnyArray, " f"]


def coefficients(parameters: Parameters) -> Float[AnyArray, "f k"]:
    """θ: what the features are multiplied by."""
    _, log_probabilities, means, variances = parameters
    xp: Any = np if isinstance(means, np.ndarray) else jnp
    at_zero = -(xp.log(2 * np.pi * variances) + means**2 / variances) / 2
    parts = log_probabilities, at_zero, means / variances, -1 / (2 * variances)
    return xp.concatenate(parts)


def maximized(
    sums: Float[Array, "f k"],
    counts: Float[Array, " k"],
    rows: Rows,
    num_numbers: int,
    *,
    smoothing: Float[AnyArray, ""],
) -> Parameters:
    """The parameters of sums of features over ``counts`` rows, and α of the pool's."""
    sums = sums + smoothing * rows.pool[:, None]
    ends = np.cumsum([len(sums) - 3 * num_numbers, num_numbers, num_numbers])
    states, present, first, second = jnp.split(sums, ends)
    probabilities = states / (counts + smoothing)[None]
    means = first / present
    variances = jnp.maximum(second / present - means**2, SMALLEST_VARIANCE)
    log_weights = jnp.log(counts / counts.sum())
    return Parameters(log_weights, jnp.log(probabilities), means, variances)


@compiled()
def step(
    parameters: Parameters,
    rows: Rows,
    *,
    smoothing: Float[AnyArray, ""],
    min_rows: Float[AnyArray, ""],
) -> tuple[Parameters, Float[Array, " b"], Any, Float[Array, " k"]]:
    """One step; and of the old parameters log-likelihood, penalty and rows each has."""
    theta = coefficients(parameters)

    def of_chunk(carry, chunk):
        sums, counts = carry
        x, is_row = chunk
        joint = matmul(x, theta) + parameters.log_weights[None]
        log_density = logsumexp(joint, axis=1)
        shares = jnp.exp(joint - log_density[:, None]) * is_row[:, None]
        carry = sums + matmul(x.T, shares), counts + shares.sum(axis=0)
        return carry, jnp.sum(log_density * is_row)

    start = jnp.zeros_like(theta), jnp.zeros_like(parameters.log_weights)
    (sums, counts), totals = jax.lax.scan(of_chunk, start, (rows.chunks, rows.is_row))
    is_kept = jnp.isfinite(parameters.log_weights)
    penalty = smoothing * jnp.sum(jnp.where(is_kept, matmul(rows.pool, theta), 0))
    kept = jnp.where(counts >= min_rows, counts, 0)
    num_numbers = len(parameters.means)
    new = maximized(sums, kept, rows, num_numbers, smoothing=smoothing)
    return new, totals, penalty, counts


def as_rows(features: Float[np.ndarray, "n f"], num_numbers: int, slices: list) -> Rows:
    """Features in float32 and chunks, and their mean, in which no state is absent."""
    n, f = features.shape
    size = min(CHUNK_SIZE, n)
    num = -(-n // size)
    padded = np.zeros((num * size, f), np.float32)
    padded[:n] = features
    pool = features.mean(axis=0)
    for states in slices:  # one row more, in which all states are equally likely
        num_states = states.stop - states.start
        pool[states] = (n * pool[states] + 1 / num_states) / (n + 1)
    if num_numbers:
        present = pool[-3 * num_numbers : -2 * num_numbers]
        present[:] = pool[-num_numbers:] = np.maximum(present, 1 / n)
        pool[-2 * num_numbers : -num_numbers] = 0  # of standardised numbers
    return Rows(
        jnp.asarray(padded.reshape(num, size, f)),
        jnp.asarray((np.arange(num * size) < n).reshape(num, size)),
        jnp.asarray(pool, jnp.float32),
    )


def started(
    features: Float[np.ndarray, "k f"], rows: Rows, num_numbers: int
) -> Parameters:
    """One component a row: what that row and one of the pool's would give."""
    first = jnp.asarray(features.T, jnp.float32)
    counts = jnp.ones(len(features), jnp.float32)
    return maximized(first, counts, rows, num_numbers, smoothing=jnp.float32(1))


def fit(
    parameters: Parameters,
    rows: Rows,
    *,
    smoothing: int | float,
    min_rows: int,
    max_steps: int,
) -> tuple[Parameters, Float[np.ndarray, " steps"]]:
    """Steps until they gain nothing, and what each of them started from raised.

    Every component that is returned has at least ``min_rows`` rows.
    """
    history: list[float] = []
    num_rows = int(rows.is_row.sum())
    while True:
        smallest = min_rows if len(history) >= WARM_UP else 0
        new, totals, penalty, counts = step(
            parameters,
            rows,
            smoothing=jnp.float32(smoothing),
            min_rows=jnp.float32(smallest),
        )
        counts = np.asarray(counts)
        is_kept = np.isfinite(np.asarray(parameters.log_weights))
        history.append(float(np.asarray(totals, np.float64).sum()) + float(penalty))
        gain = (history[-1] - history[-2]) / num_rows if len(history) > 1 else np.inf
        is_done = len(history) > max_steps or abs(gain) < TOLERANCE
        if is_done and len(history) > WARM_UP and (counts[is_kept] >= min_rows).all():
            kept = [np.asarray(a)[..., is_kept] for a in parameters]
            return Parameters(*kept), np.array(history)
        parameters = new


@compiled(static_argnames="num")
def spread_rows(
    key: Key[Array, ""], x: Float[Array, "n f"], num: int
) -> Int[Array, " num"]:
    """Rows drawn one after the other, likelier the farther from those before."""

    def draw(nearest: Float[Array, " n"], key: Key[Array, ""]):
        row = jax.random.categorical(key, jnp.log(nearest))
        distances = jnp.sum((x - x[row][None]) ** 2, axis=1)
        return jnp.minimum(nearest, distances + 1e-6), row

    far = jnp.full(len(x), 1e6, x.dtype)  # the first is drawn evenly
    return jax.lax.scan(draw, far, jax.random.split(key, num))[1]


def start_rows(
    key: Key[Array, ""], features: Float[np.ndarray, "n f"], num_numbers: int, num: int
) -> Int[np.ndarray, " num"]:
    """Which rows the components start from; more rows start with fewer."""
    subset_key, draw_key = jax.random.split(key)
    subset = np.asarray(jax.random.permutation(subset_key, len(features)))
    subset = subset[:MOST_START_ROWS]
    x = features[subset, : features.shape[1] - num_numbers].astype(np.float32)
    if num_numbers:
        x[:, -num_numbers:] = np.clip(x[:, -num_numbers:], -3, 3)  # no lone outliers
    return subset[np.asarray(spread_rows(draw_key, jnp.asarray(x), num))]
