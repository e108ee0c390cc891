"""An attack: rows of the other parties, read off one party's reward alone.

Noise around copies of a row averages out. The attacker, a party with its own rows and
its reward file, leaves out reward rows near its own rows, and puts every other one at
the mean of the reward rows within a radius, once and again (mean shift), for radii
taken from the distances to the first and the fifth neighbours; the rows as they are
count as well. A real row is recovered if some guess is within 0.05 standard deviations
of it in every number, and equal in every category.

How many rows are recovered means nothing alone: a dense reward is near everything. So
the attack is made on rows that the generator was made of and on rows that it never saw;
where none are known, on points half-way between real rows, which nobody has. Fisher's
exact test compares the two shares, for the worst of the guesses. Beside them is what
rows that were never seen would give if they were the reward.

Clusters by their density (DBSCAN at several radii), each averaged, recover no more: on
rewards of a density estimate of wine, breast cancer and diabetes the mean shift finds
all that they find (``tests/test_mediation_read_off.py``).

References: K. Fukunaga and L. Hostetler, *The estimation of the gradient of a density
function*, 1975 (mean shift); N. Carlini et al., *Extracting training data from
diffusion models*, 2023.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from cgm_jax._shared.arrays import ArrayLike, as_point_sets
from cgm_jax._shared.results import Result
from cgm_jax._shared.some_rows import some_rows

__all__ = ["Control", "ReadOff", "Reidentification", "reidentify"]

TOLERANCE = 0.05  # standard deviations of a column
MAX_ROWS = 30_000  # of a reward; of more, so many are drawn
_LEVEL = 1e-3  # of the test, over all guesses together
_NUM_NEIGHBORS = 32  # averaged at most: noise is then a sixth of what it was
_QUANTILES = (0.1, 0.5, 0.9)  # of the distances to the fifth neighbours
_WIDER = 1.5  # radii than these distances


class ReadOff(enum.StrEnum):
    """What the attack found."""

    READABLE = "readable"  # far more of the rows that were seen than of the others
    NO_SIGN = "no sign"
    NOT_MEASURABLE = "not measurable"  # even all rows would not be significantly more


class Control(NamedTuple):
    """Synthetic rows, real rows that they were made of, and real rows never seen."""

    rows: Float[ArrayLike, "k d"]
    seen: Float[ArrayLike, "s d"]
    unseen: Float[ArrayLike, "u d"]


@dataclass(frozen=True, eq=False, repr=False)
class Reidentification(Result):
    """How many rows of the other parties the attack recovered, and of the control.

    Attributes:
        num_recovered: rows of others that some guess is within the tolerance of.
        num_others: rows of others that are not near a row of the party's own.
        seen_recovered: rows of the control that were seen and recovered.
        num_seen: rows of the control that were seen.
        unseen_recovered: rows of the control that were never seen and yet recovered.
        num_unseen: rows of the control that were never seen.
        fresh_recovered: rows of the control that were seen and are near to one that was
            not: what so many fresh real rows would give in place of the reward. None
            where it is not known which rows the generator never saw.
        radius: within which rows were averaged, in standard deviations; 0 where the
            rows as they are recover the most.
        is_between: whether the unseen rows are points between real ones, since it is
            not known which rows the generator never saw.
        p_value: of Fisher's exact test, times the number of guesses, at most 1.
        least_p_value: what it were if all rows that were seen had been recovered.
    """

    num_recovered: int
    num_others: int
    seen_recovered: int
    num_seen: int
    unseen_recovered: int
    num_unseen: int
    fresh_recovered: int | None
    radius: float
    is_between: bool
    p_value: int | float
    least_p_value: int | float

    @property
    def verdict(self) -> ReadOff:
        """Readable below p = 0.001; not measurable where no result could be."""
        if self.p_value < _LEVEL:
            return ReadOff.READABLE
        measurable = self.least_p_value < _LEVEL
        return ReadOff.NO_SIGN if measurable else ReadOff.NOT_MEASURABLE


def reidentify(
    key: Key[Array, ""],
    reward: Float[ArrayLike, "m d"],
    own: Float[ArrayLike, "n d"],
    others: Float[ArrayLike, "o d"],
    control: Control | None = None,
    *,
    is_category: Bool[ArrayLike, " d"] | None = None,
) -> Reidentification:
    """Attack one party's reward, and compare with rows that were never seen.

    Args:
        key: a typed key, for the rows that are used of a reward of more than 30,000.
        reward: the party's synthetic rows, shape ``(m, d)``.
        own: its own rows, shape ``(n, d)``.
        others: rows of the other parties.
        control: what to compare with: the reward, rows of `others` that the generator
            saw, and those that were held out; or draws of a generator of the same
            kind that was made of some rows of the other parties, these, and the rest.
            By default the reward, `others`, and points between them.
        is_category: which coordinates stand for a category or a missing cell and take
            two values; by default none.

    Raises:
        ValueError: for shapes that do not fit or entries that are not finite.
        ModuleNotFoundError: if scikit-learn is not installed.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> own, others, unseen = rng.normal(size=(3, 50, 8))
        >>> reward = np.repeat(others, 20, axis=0) + 0.05 * rng.normal(size=(1000, 8))
        >>> control = Control(reward, others, unseen)
        >>> found = reidentify(jax.random.key(0), reward, own, others, control)
        >>> found.num_recovered, found.unseen_recovered, str(found.verdict)
        (50, 0, 'readable')
    """
    reward_key, control_key = jax.random.split(key)
    is_between = control is None
    if control is None:
        control = Control(reward, others, np.asarray(others)[:0])
    names = ("reward", "own", "others", "control rows", "seen", "unseen")
    given = dict(zip(names, (reward, own, others, *control), strict=True))
    points = [np.asarray(x, np.float64) for x in as_point_sets(**given)]
    is_number = np.ones(points[0].shape[1], bool)
    if is_category is not None:
        is_number = ~np.asarray(is_category, bool)
    # One scale: standard deviations of numbers, and as they are coded of categories.
    real = np.concatenate([points[1], points[2]])
    spread = real.std(axis=0)
    scale = np.where(is_number & (spread > 0), spread, 1)
    mine, own, others, drawn, seen, unseen = (x / scale for x in points)
    height = np.ptp(real, axis=0)
    limit = np.where(is_number, TOLERANCE, np.where(height > 0, 0.49 * height, 0.25))
    if is_between:
        seen, unseen = _between(seen, is_number, limit)
    others, seen, unseen = (x[~is_near(x, own, limit)] for x in (others, seen, unseen))
    num = len(others), len(seen), len(unseen)
    fresh = None if is_between else int(is_near(seen, unseen, limit).sum())
    if not min(len(mine), len(drawn), *num):
        return Reidentification(
            num_recovered=0,
            num_others=num[0],
            seen_recovered=0,
            num_seen=num[1],
            unseen_recovered=0,
            num_unseen=num[2],
            fresh_recovered=fresh,
            radius=0.0,
            is_between=is_between,
            p_value=1,
            least_p_value=1,
        )
    is_same = drawn.shape == mine.shape and np.array_equal(drawn, mine)
    mine = mine[some_rows(reward_key, len(mine), MAX_ROWS)]
    drawn = drawn[some_rows(control_key, len(drawn), MAX_ROWS)]
    guesses = list(_guesses(mine, own))
    of_control = guesses if is_same else _guesses(drawn, own)
    attempts = []
    for (radius, at), (_, control_at) in zip(guesses, of_control, strict=True):
        count, old, new = (
            int(is_near(rows, points, limit).sum())
            for rows, points in ((others, at), (seen, control_at), (unseen, control_at))
        )
        p, least = (
            min(1.0, len(guesses) * _p_value(some, new, num[1], num[2]))
            for some in (old, num[1])
        )
        attempts.append((p, -old, -count, new, radius, least))
    p_value, old, count, new, radius, _ = min(attempts)
    return Reidentification(
        num_recovered=-count,
        num_others=num[0],
        seen_recovered=-old,
        num_seen=num[1],
        unseen_recovered=new,
        num_unseen=num[2],
        fresh_recovered=fresh,
        radius=radius,
        is_between=is_between,
        p_value=p_value,
        least_p_value=min(least for *_, least in attempts),
    )


def _guesses(
    rows: Float[np.ndarray, "m d"], own: Float[np.ndarray, "n d"]
) -> Iterator[tuple[float, Float[np.ndarray, "k d"]]]:
    """Radii, and where the attacker thinks that real rows are."""
    from scipy.sparse import csr_array
    from sklearn.neighbors import NearestNeighbors

    num = min(_NUM_NEIGHBORS, len(rows))
    # Each row is a neighbour of its own: the sixth is the fifth of the others.
    distances, neighbors = NearestNeighbors(n_neighbors=num).fit(rows).kneighbors(rows)
    to_own = np.full(len(rows), np.inf)
    if len(own):
        to_own = NearestNeighbors(n_neighbors=1).fit(own).kneighbors(rows)[0][:, 0]
    yield 0.0, rows[to_own > 0]
    first, fifth = distances[:, min(1, num - 1)], distances[:, min(5, num - 1)]
    # Where few rows are of one origin, the fifth is of another.
    for radius in _WIDER * np.append(np.quantile(fifth, _QUANTILES), np.median(first)):
        is_kept = to_own > radius
        is_within = (distances <= radius) & is_kept[neighbors] & is_kept[:, None]
        start, place = np.nonzero(is_within)
        entries = np.ones(len(start)), (start, neighbors[start, place])
        sums = csr_array(entries, shape=(len(rows), len(rows)))
        counts = np.maximum(is_within.sum(axis=1), 1)[:, None]
        once = sums @ rows / counts
        yield float(radius), once[is_kept]
        yield float(radius), (sums @ once / counts)[is_kept]


def _between(
    rows: Float[np.ndarray, "s d"],
    is_number: Bool[np.ndarray, " d"],
    limit: Float[np.ndarray, " d"],
) -> tuple[Float[np.ndarray, "u d"], Float[np.ndarray, "u d"]]:
    """Rows, and points half-way to their neighbours, with numbers that rows have.

    Where that point is near a real row, both are left out; if more than half are, all.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(rows) < 2:
        return rows[:0], rows[:0]
    neighbors = NearestNeighbors(n_neighbors=1).fit(rows).kneighbors()[1][:, 0]
    points = rows.copy()
    for column in np.flatnonzero(is_number):
        values = np.unique(rows[:, column])
        middle = (rows[:, column] + rows[neighbors, column]) / 2
        above = np.clip(np.searchsorted(values, middle), 0, len(values) - 1)
        below = np.maximum(above - 1, 0)
        is_below = middle - values[below] < values[above] - middle
        points[:, column] = values[np.where(is_below, below, above)]
    is_kept = ~is_near(points, rows, limit)
    is_kept &= 2 * is_kept.sum() >= len(rows)
    return rows[is_kept], points[is_kept]


def is_near(
    rows: Float[np.ndarray, "n d"],
    points: Float[np.ndarray, "m d"],
    limit: Float[np.ndarray, " d"],
) -> Bool[np.ndarray, " n"]:
    """Whether some point is within the limit of a row in every coordinate."""
    from scipy.spatial import KDTree

    if not len(rows) or not len(points):
        return np.zeros(len(rows), bool)
    tree = KDTree(points / limit)
    return tree.query(rows / limit, p=np.inf, distance_upper_bound=1)[0] < np.inf


def _p_value(count: int, by_chance: int, num: int, num_control: int) -> float:
    """The chance of as many or more, were rows recovered as often as the control's."""
    from scipy.stats import hypergeom

    total = count + by_chance
    return float(hypergeom.sf(count - 1, num + num_control, total, num))
