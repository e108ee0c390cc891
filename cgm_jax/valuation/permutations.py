r"""Shapley values by Monte Carlo, and how many random orders are enough for them.

In the order π, party i adds v(those before i, and i) − v(those before i), and φ_i is
the mean of it over all n! orders. Orders are drawn in antithetic pairs, one and its
reverse: who comes early in one comes late in the other, and where v flattens as
coalitions grow, the errors of the two cancel. A pair's mean is one draw; pairs are
independent, so the spread of their means gives the standard error.

For the values of pooled data nothing is looked up: with a = Bz the sums between those
before and every party, party i joins at O(n) cost,

    z·b += b_i,    zᵀBz += 2 a_i + B_ii,    z·s += s_i,    a += B_i

Before any order is drawn: if what a party adds never leaves an interval of length r, or
if its variance is at most σ², then the mean of m draws is off by ε or more with

    P(|φ̂_i − φ_i| ≥ ε) ≤ 2 exp(−2 m ε² / r²)     (Hoeffding)
    P(|φ̂_i − φ_i| ≥ ε) ≤ σ² / (m ε²)             (Chebyshev)

and each is solved for m. A pair's mean stays within the same range, and its variance is
no larger.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Key

from cgm_jax._shared.arrays import AnyArray, ArrayLike, is_traced
from cgm_jax._shared.checks import as_key, as_number, as_real, as_whole, told
from cgm_jax._shared.precision import at_once, compiled
from cgm_jax._shared.results import Result
from cgm_jax.gram import GramSums

from .coalitions import as_table, num_parties, value_from_sums

__all__ = [
    "Game",
    "ShapleyEstimate",
    "permutation_sample_size",
    "permutation_shapley_values",
]

_REAL = "bool", "integral", "real floating"  # kinds of numbers

Game = (
    Float[ArrayLike, " coalitions"]
    | GramSums
    | Callable[[Bool[Array, " n"]], Float[Array, ""]]
)
"""A table of 2^n values by bitmask, the sums of parties' data, or a function."""

StoppedBy = Literal["standard_error", "max_permutations", "max_seconds"]

# A standard error from fewer draws is itself too uncertain to stop by.
_LEAST_PAIRS = 32


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["values", "standard_errors"],
    meta_fields=["num_permutations", "stop_reason"],
)
@dataclass(frozen=True, eq=False, repr=False)
class ShapleyEstimate(Result):
    """Shapley values estimated from random orders, and how far off they may be."""

    values: Float[AnyArray, " n"]
    """The estimates, shape ``(n,)``, float64; they sum to v(N) − v(∅)."""

    standard_errors: Float[AnyArray, " n"]
    """The standard error of each, shape ``(n,)``."""

    num_permutations: int
    """Number of orders, twice that of the pairs."""

    stop_reason: StoppedBy
    """Which limit ended the draw."""

    def interval(
        self, level: float = 0.95
    ) -> tuple[Float[AnyArray, " n"], Float[AnyArray, " n"]]:
        """Lower and upper ends of Student's confidence intervals, one per party."""
        from scipy.stats import t

        half = t.ppf((1 + level) / 2, self.num_permutations // 2 - 1)
        half = half * self.standard_errors
        return self.values - half, self.values + half


def permutation_shapley_values(
    key: Key[Array, ""],
    game: Game,
    n: int,
    *,
    max_permutations: int = 10_000,
    standard_error: float | None = None,
    max_seconds: float | None = None,
    batch_size: int = 64,
) -> ShapleyEstimate:
    r"""Estimate the Shapley value of every party of any game.

    .. math:: \hat\phi_i = \frac{1}{m} \sum_{\pi}
              [v(P_i^\pi \cup i) - v(P_i^\pi)], \qquad
              P_i^\pi = \{j : j \text{ comes before } i \text{ in } \pi\}

    Args:
        key: a typed key. A larger budget only adds orders: pair p is drawn with
            ``fold_in(key, p)``.
        game: a table of the values of all coalitions by bitmask, shape ``(2**n,)``; or
            sums from `gram_sums`; or a function that JAX can trace, from the membership
            of a coalition, ``(n,)`` booleans, to its value.
        n: number of parties, n >= 1; n <= 24 for a table.
        max_permutations: the budget of orders, at least 4; of an odd one, one is left.
        standard_error: stop once no party's is larger, in the units of the game; looked
            at after every batch of pairs, and at least 32 pairs.
        max_seconds: stop after the batch in which this time has passed.
        batch_size: pairs at a time: the same estimates, and memory for twice as many
            orders.

    Returns:
        Estimates and standard errors, float64, in the units of the game. Inside the
        user's transformation (of a table or of sums) all orders of the budget are
        drawn, in the dtype of the game.

    Raises:
        ValueError: if the game does not have n parties, a value is not finite or a
            limit is out of range.

    Example:
        Party 0 has a left glove, parties 1 and 2 a right one; a pair is worth 1.

        >>> pair = lambda member: member[0] & (member[1] | member[2])
        >>> estimate = permutation_shapley_values(jax.random.key(0), pair, 3)
        >>> low, high = estimate.interval()
        >>> exact = np.array([4, 1, 1]) / 6
        >>> bool(np.all((low <= exact) & (exact <= high)))
        True

    Reference:
        Castro, Gómez, Tejada 2009; Mitchell et al. 2022 (antithetic orders); Tay et al.
        2022, App. H.
    """
    as_key(key)
    n = as_whole(n, "number n of parties", smallest=1)
    max_permutations = as_whole(max_permutations, "max_permutations", smallest=1)
    batch_size = as_whole(batch_size, "batch_size", smallest=1)
    if max_permutations < 4:
        raise ValueError(
            f"Expected max_permutations >= 4, got {max_permutations}: a standard error "
            "needs two pairs."
        )
    limits = {"standard_error": standard_error, "max_seconds": max_seconds}
    for name, limit in limits.items():
        if limit is not None:
            as_real(limit, name, smallest=0.0)
    if is_traced(key, game):
        if standard_error is not None or max_seconds is not None:
            raise TypeError(
                "Expected no standard_error and no max_seconds to stop at inside of "
                "`jit`: they decide on numbers. Give max_permutations."
            )
        return _estimate(key, game, n, max_permutations // 2, batch_size)
    enough = -math.inf if standard_error is None else standard_error
    deadline = time.monotonic() + (math.inf if max_seconds is None else max_seconds)
    count, budget = 0, max_permutations // 2
    mean, squares = np.zeros(n), np.zeros(n)
    with at_once():
        marginals, data, function = _prepared(game, n)
        while True:
            pairs = np.arange(count, count + batch_size)
            batch = _pair_means(marginals, function, key, pairs, n, data)
            drawn = np.asarray(batch, np.float64)[: budget - count]
            if not np.isfinite(drawn).all():
                raise ValueError(
                    "Expected finite values of coalitions, got NaN or infinity: look "
                    "for them in the game."
                )
            # The moments of two samples put together (Chan et al. 1983).
            shift = drawn.mean(0) - mean
            weight = len(drawn) / (count + len(drawn))
            squares += len(drawn) * drawn.var(0) + count * weight * shift**2
            mean += weight * shift
            count += len(drawn)
            errors = np.sqrt(squares / count / max(count - 1, 1))
            reason: StoppedBy
            if count >= _LEAST_PAIRS and errors.max() <= enough:
                reason = "standard_error"
            elif count == budget:
                reason = "max_permutations"
            elif count > 1 and time.monotonic() > deadline:
                reason = "max_seconds"
            else:
                continue
            return ShapleyEstimate(mean, errors, 2 * count, reason)


def _estimate(
    key: Key[Array, ""], game: Game, n: int, num_pairs: int, batch_size: int
) -> ShapleyEstimate:
    """The estimate from a number of pairs, inside the user's transformation."""
    marginals, data, function = _prepared(game, n)
    means = lax.map(
        lambda pair: _pair_means(marginals, function, key, pair[None], n, data)[0],
        jnp.arange(num_pairs),
        batch_size=batch_size,
    )
    errors = jnp.std(means, axis=0, ddof=1) / math.sqrt(num_pairs)
    return ShapleyEstimate(means.mean(0), errors, 2 * num_pairs, "max_permutations")


def permutation_sample_size(
    error: float,
    *,
    failure_probability: float = 0.05,
    marginal_range: float | None = None,
    marginal_variance: float | None = None,
    num_parties: int = 1,
) -> int:
    r"""Orders after which an error is exceeded only with a small probability.

    .. math:: m = 2 \left\lceil \min\left\{ \frac{r^2}{2 \varepsilon^2}
              \ln\frac{2n}{\delta},\ \frac{n \sigma^2}{\delta \varepsilon^2}
              \right\} \right\rceil

    Args:
        error: ε > 0, in the units of the game.
        failure_probability: δ, between 0 and 1.
        marginal_range: r, the largest less the smallest that a party adds to any
            coalition.
        marginal_variance: σ², the variance of what a party adds in a random order.
        num_parties: n, how many parties are all to be within ε at once.

    Returns:
        ``max_permutations``: twice the pairs that the smaller of the bounds given asks
        for. Of independent orders, half as many do.

    Raises:
        ValueError: if neither the range nor the variance is given, or a number is out
            of range.

    Example:
        >>> permutation_sample_size(0.01, marginal_range=1.0)
        36890
        >>> permutation_sample_size(0.01, marginal_variance=0.01)
        4000

    Reference:
        Maleki et al. 2013; Tay et al. 2022, App. H.
    """
    if not 0 < as_number(error, "as the error") < math.inf:
        raise ValueError(f"Expected an error above 0, got {error}.")
    if not 0 < as_number(failure_probability, "as the failure_probability") < 1:
        raise ValueError(
            "Expected a failure_probability between 0 and 1, got "
            f"{failure_probability}."
        )
    num_parties = as_whole(num_parties, "num_parties", smallest=1)
    given = [x for x in (marginal_range, marginal_variance) if x is not None]
    numbers = [as_number(x, "as a range or a variance of marginals") for x in given]
    if not given or not all(0 <= x < math.inf for x in numbers):
        raise ValueError(
            "Expected a marginal_range or a marginal_variance, finite and >= 0, got "
            f"{marginal_range} and {marginal_variance}."
        )
    share = failure_probability / num_parties
    bounds = []
    if marginal_range is not None:
        bounds.append((marginal_range / error) ** 2 * math.log(2 / share) / 2)
    if marginal_variance is not None:
        bounds.append(marginal_variance / error**2 / share)
    # A rounding error above a whole number is not one draw more.
    pairs = math.ceil(min(bounds) * (1 - 1e-12))
    return 2 * max(pairs, 2)


def _prepared(game: Game, n: int) -> tuple[Callable, Any, Callable | None]:
    """What computes marginal contributions along an order, and from what."""
    if callable(game):
        return _from_function, None, game
    if isinstance(game, GramSums):
        parties = game.num_parties
        between, sizes = game.between, game.sizes
        marginals = _from_sums
        data = (between[:n, :n], between[:n].sum(1), sizes[:n], sizes.sum())
    else:
        table = as_table(game)
        parties = num_parties(len(table))
        marginals, data = _from_table, table
    if parties != n:
        raise ValueError(f"Expected a game of n = {n} parties, got one of {parties}.")
    return marginals, jax.tree.map(jnp.asarray, data), None


@compiled(static_argnames=("marginals", "function", "n"))
def _pair_means(
    marginals: Callable,
    function: Callable | None,
    key: Key[Array, ""],
    pairs: Int[AnyArray, " batch"],
    n: int,
    data: Any,
) -> Float[Array, "batch n"]:
    """What each party adds, on average over an order and its reverse."""

    def mean_of(pair: Int[Array, ""]) -> Float[Array, " n"]:
        order = jax.random.permutation(jax.random.fold_in(key, pair), n)
        both = jnp.stack([order, order[::-1]])
        steps = jax.vmap(lambda o: marginals(o, data, function))(both)
        # Back from places in the order to parties.
        return jnp.zeros(n).at[both].add(steps / 2)

    return jax.vmap(mean_of)(jnp.asarray(pairs))


def _from_table(
    order: Int[Array, " n"], table: Float[Array, " coalitions"], _: None
) -> Float[Array, " n"]:
    coalitions = jnp.cumulative_sum(1 << order, include_initial=True)
    return jnp.diff(table[coalitions])


def _from_function(
    order: Int[Array, " n"], _: None, function: Callable
) -> Float[Array, " n"]:
    def value(member: Bool[Array, " n"]) -> Float[Array, ""]:
        value = function(member)
        array = value if is_traced(value) else np.asarray(value)
        if array.shape != () or not jnp.isdtype(array.dtype, _REAL):
            found = f"an array of shape {array.shape}" if array.shape else told(value)
            raise ValueError(
                "Expected a function from a membership vector to one number, got "
                f"{found}."
            )
        return jnp.asarray(array, float)

    place = jnp.argsort(order)
    return jnp.diff(jax.vmap(value)(place[None] < np.arange(len(order) + 1)[:, None]))


def _from_sums(order: Int[Array, " n"], data: tuple, _: None) -> Float[Array, " n"]:
    gram, b, sizes, total = data

    def join(state: tuple, i: Int[Array, ""]) -> tuple[tuple, Float[Array, ""]]:
        across, within, size, with_before, before = state
        across += b[i]
        within += 2 * with_before[i] + gram[i, i]
        size += sizes[i]
        value = value_from_sums(across, within, size, total)
        return (across, within, size, with_before + gram[i], value), value - before

    zero = jnp.zeros(())
    return lax.scan(join, (zero, zero, zero, jnp.zeros_like(b), zero), order)[1]
