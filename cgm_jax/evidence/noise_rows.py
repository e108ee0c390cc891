r"""Rows that are noise, by a held-out density ratio: a forest that has not seen them.

Half as many rows as the pool has are drawn uniformly between its extremes, and as many
from a Gaussian with its mean and covariance; then each coordinate is moved to the
nearest value that occurs (coordinates of one column of a table together), so that
whole numbers and categories do not give noise away. A random forest learns to tell them
from the parties' rows. The trees that have not seen a row vote on it: their share p for
noise estimates q / (q + f), where q is the density of noise and f that of the pool. A
row looks like noise if p > 1/2, that is, q > f. Of f, a party with a share s of all
rows brings s times its own density; so a party smaller than the average of n is judged
as if it were of average size, q > f / (n s), or p > 1 / (1 + n s): few rows of a kind
that nobody else has are no noise for being few. Rows of a class that one party alone
has are dense among themselves; noise that a party hands in is sparse even among its
like.

Honest rows at the edge look like noise, too, and in few dimensions noise falls among
honest rows. With φ_i the share of i's rows that look like noise, a_i the median of that
of the other parties and b_i that of the drawn noise, were it i's,

.. math:: w_i = (\varphi_i - a_i) / (b_i - a_i)

is about what share of i's rows is noise. Honest parties of credit ratings, digits and
three tables differ by about 0.2 at most; so the p-value is of w_i ≤ 0.2. A party that
covers alone the space between the others' rows, in two or three columns, may be as thin
as the drawn noise: it looks like noise, and is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from cgm_jax._shared.arrays import ArrayLike, as_parties, with_common_dtype
from cgm_jax._shared.checks import as_key
from cgm_jax._shared.results import Result

from .pool_neighbors import in_one_scale

__all__ = ["NoiseRows", "noise_rows"]

TOLERATED = 0.2  # share of noise that honest parties may seem to have
LEVEL = 0.01  # of all parties together
_NUM_TREES = 50
_LEAST_IN_LEAF = 5
_ROWS_OF_A_TREE = 2_000
_MOST_DRAWN = 20_000  # rows of noise


@dataclass(frozen=True, eq=False, repr=False)
class NoiseRows(Result):
    """Which rows of each party look like noise.

    Attributes:
        votes: share of the vote for noise, of every row of each party, in [0, 1].
        noise_shares: about what share of each party's rows is noise, beyond what the
            other parties seem to have; in [0, 1].
        least_votes: above which a row of each party looks like noise, in (0, 1).
        among_noise: share of drawn noise that would look like it among each party's
            rows: hardly more can be found.
        p_values: of each party, were at most 20 % of its rows noise; 1 of one alone.
    """

    votes: tuple[Float[np.ndarray, " _"], ...]
    noise_shares: Float[np.ndarray, " n"]
    least_votes: Float[np.ndarray, " n"]
    among_noise: Float[np.ndarray, " n"]
    p_values: Float[np.ndarray, " n"]

    @property
    def is_beyond_chance(self) -> Bool[np.ndarray, " n"]:
        """Parties that hand in noise: p-value times number of parties at most 0.01."""
        return self.p_values * len(self.p_values) <= LEVEL

    @property
    def masks(self) -> list[Bool[np.ndarray, " _"]]:
        """The rows that look like noise, of the parties that hand in noise."""
        return [
            (vote > least) & is_noisy
            for vote, least, is_noisy in zip(
                self.votes, self.least_votes, self.is_beyond_chance, strict=True
            )
        ]


def noise_rows(
    key: Key[Array, ""],
    parties: Sequence[Float[ArrayLike, "_ d"]],
    *,
    groups: Int[ArrayLike, " d"] | None = None,
) -> NoiseRows:
    r"""Find the rows that look like noise rather than like any party's rows.

    .. math:: \Pr(\text{noise} \mid x) > 1 / (1 + \min(1, n s_i)), \quad
              w_i = (\varphi_i - a_i) / (b_i - a_i)

    Args:
        key: a typed key, for the noise and the forest.
        parties: the parties' points, arrays of shape ``(n_i, d)``. The units of columns
            do not matter.
        groups: coordinates with one number belong together, such as those of the
            categories of a column; by default each is by itself.

    Returns:
        The vote on every row, and what share of each party's rows is noise.

    Raises:
        ValueError: for shapes that do not fit or entries that are not finite.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> first, second = rng.normal(size=(2, 200, 4)) * 0.1 + np.eye(2, 4)[:, None]
        >>> noisy = np.concatenate([second, rng.uniform(-1, 2, size=(200, 4))])
        >>> found = noise_rows(jax.random.key(0), [first, noisy])
        >>> found.is_beyond_chance
        array([False,  True])

    Reference: L. Breiman, *Random Forests*, 2001 (votes out of the bag); T. Hastie,
    R. Tibshirani, J. Friedman, *The Elements of Statistical Learning*, 2009, Sec. 14.2
    (a density by telling data from noise).
    """
    as_key(key)
    parties = as_parties(parties)
    parties = with_common_dtype(*((f"parties[{i}]", x) for i, x in enumerate(parties)))
    num_columns = parties[0].shape[1]
    groups = np.arange(num_columns) if groups is None else np.asarray(groups)
    if groups.shape != (num_columns,):
        raise ValueError(
            f"Expected groups to be one number for each of {num_columns} columns, got "
            f"shape {groups.shape}."
        )
    pool = np.concatenate(in_one_scale(parties))
    seed = int(jax.random.bits(key)) // 2
    noise = _noise(np.random.default_rng(seed), pool, groups)
    of_rows, of_noise = _votes_for_noise(pool, noise, seed)
    votes = np.split(of_rows, np.cumsum([len(x) for x in parties])[:-1])
    n, sizes = len(votes), np.array([len(vote) for vote in votes])
    least_votes = 1 / (1 + np.minimum(1, n * sizes / len(pool)))
    shares = np.array(
        [np.mean(vote > least) for vote, least in zip(votes, least_votes, strict=True)]
    )
    among_noise = np.mean(of_noise[None] > least_votes[:, None], axis=1)
    noise_shares, p_values = np.zeros(n), np.ones(n)
    for i in range(n if n > 1 else 0):
        others = float(np.median(np.delete(shares, i)))
        span = float(among_noise[i]) - others
        if span > 0:
            noise_shares[i] = np.clip((shares[i] - others) / span, 0, 1)
            tolerated = others + TOLERATED * span
            p_values[i] = _p_value(shares[i], tolerated, int(sizes[i]), len(pool))
    return NoiseRows(tuple(votes), noise_shares, least_votes, among_noise, p_values)


def _p_value(share: float, tolerated: float, num: int, num_all: int) -> float:
    """That of num rows the share looks like noise, where up to so many may."""
    from scipy.stats import norm  # slow to import

    variance = tolerated * (1 - tolerated) * (1 / num + 1 / max(num_all - num, 1))
    # Half a row less: counts are whole.
    return float(norm.sf((share - 0.5 / num - tolerated) / np.sqrt(variance)))


def _noise(
    rng: np.random.Generator,
    pool: Float[np.ndarray, "m d"],
    groups: Int[np.ndarray, " d"],
) -> Float[np.ndarray, "noise d"]:
    """Uniform between the extremes and Gaussian with the covariance, half and half."""
    num = max(1, min(len(pool), _MOST_DRAWN) // 2)
    low, high = pool.min(axis=0)[None], pool.max(axis=0)[None]
    uniform = low + rng.random((num, pool.shape[1])) * (high - low)
    mean = pool.mean(axis=0)[None]
    # Random weights of the deviations have their covariance.
    root = np.linalg.qr(pool - mean, mode="r") / np.sqrt(len(pool))
    gaussian = mean + rng.normal(size=(num, len(root))) @ root
    noise = np.concatenate([uniform, gaussian])
    for group in np.unique(groups):
        columns = np.flatnonzero(groups == group)
        noise[:, columns] = _nearest_values(noise[:, columns], pool[:, columns])
    return noise


def _nearest_values(
    noise: Float[np.ndarray, "m c"], pool: Float[np.ndarray, "n c"]
) -> Float[np.ndarray, "m c"]:
    """The values nearest to noise among those that occur."""
    from scipy.spatial import KDTree  # slow to import

    values = np.unique(pool, axis=0)
    return values[KDTree(values).query(noise)[1]]


def _votes_for_noise(
    pool: Float[np.ndarray, "m d"], noise: Float[np.ndarray, "noise d"], seed: int
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " noise"]]:
    """The votes of the trees that have not seen a row: on the pool's, on the noise."""
    from sklearn.ensemble import RandomForestClassifier  # slow to import

    rows = np.concatenate([pool, noise])
    forest = RandomForestClassifier(
        _NUM_TREES,
        min_samples_leaf=_LEAST_IN_LEAF,
        max_samples=min(len(rows), _ROWS_OF_A_TREE),
        oob_score=True,
        class_weight="balanced",
        random_state=seed % 2**32,
    )
    forest.fit(rows, np.arange(len(rows)) >= len(pool))
    votes = forest.oob_decision_function_[:, 1]
    return votes[: len(pool)], votes[len(pool) :]
