r"""The last step of a generator of tables: rows whose categories are categories.

A network gives each column of numbers a value, and each state of a column a logit:
each of its categories, or of a number "any value" and "missing". States are drawn with
the probabilities of the softmax, by adding Gumbel noise to the logits and taking the
largest. The noise is a part of z, so that a row is a function of z alone.

Mass points are no states here. To a smooth critic they are as the values beside them:
it does not see how many there are. `TableGenerator` makes them of near values.

Forward, a row has one state in every column, as real rows do. Backward, it is the
softmax of logits and noise, by whose slope the logits learn ("straight through").

Reference: Jang, Gu and Poole, *Categorical reparameterization with Gumbel-softmax*,
2017; Bengio, Léonard and Courville, *Estimating or propagating gradients through
stochastic neurons*, 2013.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgm_jax.generators.product_columns import Columns, state_slices

TEMPERATURE = 0.5  # of the slope; drawn is with that of 1
FARTHEST = 10.0  # of means and deviations, and of 1 / deviation, that stay as they are


def num_states(columns: Columns) -> int:
    """States of all columns together."""
    return sum(column.num_states for column in columns)


def num_numbers(columns: Columns) -> int:
    """How many columns are numbers."""
    return sum(not column.is_category for column in columns)


def network_units(
    columns: Columns, points: Float[np.ndarray, "n d"]
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    """Shift and scale: none, but of numbers of another size than a network's.

    These (heavy tails, a scale of the mediator's own) are standardised. All others are
    compared by the distances by which points are valued.
    """
    shift, scale = np.zeros(points.shape[1]), np.ones(points.shape[1])
    for place in _places_of_numbers(columns):
        mean, deviation = points[:, place].mean(), points[:, place].std()
        if deviation > 0 and not max(abs(mean), deviation, 1 / deviation) < FARTHEST:
            shift[place], scale[place] = mean, deviation
    return shift, scale


def columns_in_units(
    columns: Columns, shift: Float[np.ndarray, " d"], scale: Float[np.ndarray, " d"]
) -> Columns:
    """The columns with their medians in the units of the networks."""
    numbers = iter(_places_of_numbers(columns))
    result = []
    for column in columns:
        if not column.is_category:
            place = next(numbers)
            median = float((column.median - shift[place]) / scale[place])
            column = replace(column, median=median)
        result.append(column)
    return tuple(result)


def points_of(
    columns: Columns, values: Float[Array, "n g"], scores: Float[Array, "n s"]
) -> Float[Array, "n d"]:
    """Points whose columns are in the states of the largest scores."""
    states = one_state_a_column(columns, scores)
    # Of zeros and a 1 for each column: exact, if no factor is rounded.
    exact = jax.lax.Precision.HIGHEST
    points = jnp.dot(states, _coordinates(columns), precision=exact)
    any_value = [
        places.start
        for column, places in zip(columns, state_slices(columns), strict=True)
        if not column.is_category
    ]
    if not any_value:
        return points
    has_value = states[:, np.array(any_value)]
    return points.at[:, _places_of_numbers(columns)].add(has_value * values)


def one_state_a_column(
    columns: Columns, scores: Float[Array, "n s"]
) -> Float[Array, "n s"]:
    """1 at the largest score of each column and 0 elsewhere; the softmax's slope."""
    states = [np.r_[places] for places in state_slices(columns)]
    parts, order = [], []
    for size in sorted({len(one) for one in states}):  # as many states: at once
        places = np.stack([one for one in states if len(one) == size])
        shares = jax.nn.softmax(scores[:, places] / TEMPERATURE, axis=-1)
        largest = jax.nn.one_hot(shares.argmax(axis=-1), size, dtype=scores.dtype)
        part = largest + (shares - jax.lax.stop_gradient(shares))  # + 0
        parts.append(part.reshape(len(scores), -1))
        order.append(places.ravel())
    return jnp.concatenate(parts, axis=1)[:, np.argsort(np.concatenate(order))]


def _places_of_numbers(columns: Columns) -> Int[np.ndarray, " g"]:
    """The coordinates that are values of numbers."""
    starts = np.cumsum([0, *(column.size for column in columns[:-1])])
    return starts[[not column.is_category for column in columns]]


def _coordinates(columns: Columns) -> Float[np.ndarray, "s d"]:
    """The coordinates of each state; of "any value" 0."""
    size = sum(column.size for column in columns)
    result, start = np.zeros((num_states(columns), size), np.float32), 0
    for column, places in zip(columns, state_slices(columns), strict=True):
        states = np.arange(column.num_states)
        values = None if column.is_category else np.zeros(len(states))
        end = start + column.size
        result[places, start:end] = column.block(states, values)
        start = end
    return result
