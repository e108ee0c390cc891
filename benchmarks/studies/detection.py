"""How often copies, noise and moved rows are found, and how often wrongly.

A case is a data set cut into parties at random: in the paper's shares (once more with
many rows beside few), by random shares of the classes, or, Adult, by a column. The
honest hand in what they have. In a planted case one party adds rows to its own:
another's, rounded or moved by noise (of so many standard deviations of every number),
noise between the pool's extremes or of its covariance; or it hands in another's moved
rows instead of its own. What counts as found is a finding about the very pair of
parties, or the very party; what counts as a false alarm is any finding in an honest
case.

    python -m benchmarks.studies detection
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from benchmarks.peers.peer import read_table
from cgm_jax.datasets import credit_ratings, digits, split_by_proportions
from cgm_jax.evidence import near_duplicates, noise_rows, resamples
from cgm_jax.tables import TableCodec, as_text

__all__ = [
    "KINDS",
    "Case",
    "Rate",
    "detection_rows",
    "line_of_rate",
    "measure_detection",
    "plain_rate",
    "sources",
]

Parties = list[Float[np.ndarray, "_ d"]]
_CONFIDENCE = 1.96  # of a normal number, two-sided at 95 %


@dataclass(frozen=True, eq=False)
class Case:
    """Parties, which of their coordinates are numbers, and which belong together."""

    parties: Parties
    is_number: Bool[np.ndarray, " d"]
    groups: Int[np.ndarray, " d"]


class Rate(NamedTuple):
    """In how many cases of a kind and a source something was found."""

    kind: str
    source: str
    found: int
    cases: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, at 95 %."""
        n, z2 = self.cases, _CONFIDENCE**2
        middle = (self.found + z2 / 2) / (n + z2)
        p = self.found / n
        half = _CONFIDENCE * np.sqrt(p * (1 - p) * n + z2 / 4) / (n + z2)
        return max(0.0, float(middle - half)), min(1.0, float(middle + half))


# --- sources of honest cases


def _numbers(parties: Parties) -> Case:
    d = parties[0].shape[1]
    return Case([np.asarray(x, float) for x in parties], np.ones(d, bool), np.arange(d))


def _ratings(rng: np.random.Generator) -> Case:
    split = ("equal-disjoint", "unequal")[rng.integers(2)]
    parties = credit_ratings(split, num_candidates=1).parties
    return _numbers([x[rng.permutation(len(x))[:500]] for x in parties])


def _small_and_large(rng: np.random.Generator) -> Case:
    """Credit ratings of banks of which about every other has but few, down to 30."""
    case = _ratings(rng)
    sizes = np.where(rng.random(5) < 0.5, 10 ** rng.uniform(1.5, 2.7, 5), 500)
    parties = [x[: int(size)] for x, size in zip(case.parties, sizes, strict=True)]
    return _numbers(parties)


def _digits(rng: np.random.Generator) -> Case:
    split = ("equal-disjoint", "unequal")[rng.integers(2)]
    images, key = digits(), jax.random.key(rng.integers(2**31))
    return _numbers(
        split_by_proportions(
            key, images.points * 16, images.labels, split, party_size=250
        ).parties
    )


def _by_class(name: str) -> Callable[[np.random.Generator], Case]:
    """Every class in random shares, from even ones to nearly whole ones."""

    def draw(rng: np.random.Generator) -> Case:
        from sklearn import datasets

        points, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
        while True:
            evenness = 10 ** rng.uniform(-0.5, 2)
            shares = rng.dirichlet(np.full(4, evenness), size=labels.max() + 1)
            owner = np.array([rng.choice(4, p=shares[y]) for y in labels])
            parties = [points[owner == i] for i in range(4)]
            if min(map(len, parties)) >= 20:
                return _numbers(parties)

    return draw


def _adult(table: Path, num_rows: int = 2_000) -> Callable[[np.random.Generator], Case]:
    """A sample of the table, by one of its columns or at random."""
    cells = read_table(table)
    total = len(next(iter(cells.values())))

    def draw(rng: np.random.Generator) -> Case:
        chosen = np.isin(np.arange(total), rng.permutation(total)[:num_rows])
        some = {name: column.take(chosen) for name, column in cells.items()}
        by = (None, "education", "occupation", "marital-status")[rng.integers(4)]
        owner = rng.integers(0, 5, num_rows)
        if by is not None:
            words, kinds = np.unique(as_text(some[by]), return_inverse=True)
            owner = rng.integers(0, 5, len(words))[kinds]
        parts = [
            {name: column.take(owner == i) for name, column in some.items()}
            for i in range(5)
            if (owner == i).sum() >= 20
        ]
        if len(parts) < 2:
            return draw(rng)
        codec = TableCodec.fit(parts)
        points = [np.asarray(codec.encode(part), float) for part in parts]
        return Case(points, ~codec.is_category_coordinate, codec.column_of_coordinate)

    return draw


def sources(adult: Path | None) -> dict[str, Callable[[np.random.Generator], Case]]:
    """Where honest cases are drawn from, by name; Adult where its table is."""
    found = {
        "credit ratings": _ratings,
        "small and large": _small_and_large,
        "digits": _digits,
        "breast cancer": _by_class("breast_cancer"),
        "wine": _by_class("wine"),
    }
    return found if adult is None else {**found, "adult": _adult(adult)}


# --- what is planted


def _moved(
    case: Case, rows: Float[np.ndarray, "m d"], by: float, rng: np.random.Generator
) -> Float[np.ndarray, "m d"]:
    """Rows with noise of so many standard deviations added to their numbers."""
    scale = np.concatenate(case.parties).std(axis=0) * by * case.is_number
    return rows + scale[None] * rng.normal(size=rows.shape)


def _copies(
    by: float, *, share: float = 1.0, times: int = 1, own: bool = True
) -> Callable[[np.random.Generator, Case, int, int], Parties]:
    def plant(rng: np.random.Generator, case: Case, i: int, j: int) -> Parties:
        num = max(1, round(share * len(case.parties[j])))
        rows = case.parties[j][rng.permutation(len(case.parties[j]))[:num]]
        copies = [_moved(case, rows, by, rng) for _ in range(times)]
        return _with(case, i, copies, own=own)

    return plant


def _rounded(rng: np.random.Generator, case: Case, i: int, j: int) -> Parties:
    """Another's numbers, rounded to tenths of a standard deviation."""
    del rng
    pool = np.concatenate(case.parties)
    step = pool.std(axis=0) / 10
    is_rounded = case.is_number & (step > 0)
    step = np.where(is_rounded, step, 1)[None]
    rows = case.parties[j]
    rounded = np.where(is_rounded[None], np.round(rows / step) * step, rows)
    return _with(case, i, [rounded], own=True)


def _uniform(rng: np.random.Generator, case: Case, i: int, j: int) -> Parties:
    del j
    pool = np.concatenate(case.parties)
    low, high = pool.min(axis=0)[None], pool.max(axis=0)[None]
    noise = low + rng.random(case.parties[i].shape) * (high - low)
    return _with(case, i, [_as_values(case, noise)], own=True)


def _gaussian(rng: np.random.Generator, case: Case, i: int, j: int) -> Parties:
    del j
    pool = np.concatenate(case.parties)
    noise = rng.multivariate_normal(
        pool.mean(axis=0), np.cov(pool.T), len(case.parties[i]), method="svd"
    )
    return _with(case, i, [_as_values(case, noise)], own=True)


def _as_values(case: Case, noise: Float[np.ndarray, "m d"]) -> np.ndarray:
    """Noise in the columns' own values: whole numbers, and one category a column."""
    pool = np.concatenate(case.parties)
    noise = noise.copy()
    for group in np.unique(case.groups):
        columns = np.flatnonzero(case.groups == group)
        values = np.unique(pool[:, columns], axis=0)
        if len(columns) > 1:
            gaps = np.square(noise[:, None, columns] - values[None]).sum(axis=2)
            noise[:, columns] = values[np.argmin(gaps, axis=1)]
        elif (values == np.round(values)).all():
            lowest, highest = values.min(), values.max()
            noise[:, columns] = np.clip(np.round(noise[:, columns]), lowest, highest)
    return noise


def _with(case: Case, i: int, added: Parties, *, own: bool) -> Parties:
    parties = list(case.parties)
    parties[i] = np.concatenate([*([parties[i]] if own else []), *added])
    return parties


NEAR, NOISE, RESAMPLE = "near duplicates", "noise rows", "resamples"
ANY = "any of the three"
HONEST = "honest"
KINDS: dict[str, tuple[str, Callable[..., Parties]]] = {
    "copy": (NEAR, _copies(0.0)),
    "copy a quarter": (NEAR, _copies(0.0, share=0.25)),
    "copy, rounded to 0.1 sd": (NEAR, _rounded),
    "copy, moved by 0.01 sd": (NEAR, _copies(0.01)),
    "copy, moved by 0.03 sd": (NEAR, _copies(0.03)),
    "copy, moved by 0.1 sd": (NEAR, _copies(0.1)),
    "copy a quarter, moved by 0.1 sd": (NEAR, _copies(0.1, share=0.25)),
    "copy twice, moved by 0.1 sd": (NEAR, _copies(0.1, times=2)),
    "another's, moved by 0.1 sd, alone": (RESAMPLE, _copies(0.1, own=False)),
    "as much uniform noise": (NOISE, _uniform),
    "as much Gaussian noise": (NOISE, _gaussian),
}
"""What a party hands in, which finding should tell, and how it is made."""


def _found(what: str, parties: Parties, case: Case, seed: int) -> np.ndarray:
    """Findings about pairs of parties, or about parties."""
    if what == NEAR:
        return near_duplicates(parties).is_beyond_chance
    if what == RESAMPLE:
        return resamples(parties).is_beyond_chance
    key = jax.random.key(seed)
    return noise_rows(key, parties, groups=case.groups).is_beyond_chance


def measure_detection(
    adult: Path | None, *, num_cases: int = 40, seed: int = 0
) -> Iterator[Rate]:
    """Rates of each kind in each source: honest ones first, then planted ones."""
    for name, draw in sources(adult).items():
        yield from _false_alarms(name, draw, num_cases, seed)
        for kind, (what, plant) in KINDS.items():
            # There are two kinds of noise.
            num = -(-num_cases // 2) if what == NOISE else num_cases
            found = 0
            for number in range(num):
                rng, case = _case(draw, number, seed, is_honest=False)
                i, j = rng.permutation(len(case.parties))[:2]
                telling = _found(what, plant(rng, case, i, j), case, number)
                found += bool(telling[i] if telling.ndim == 1 else telling[i, j])
            yield Rate(kind, name, found, num)


def _false_alarms(
    name: str, draw: Callable[[np.random.Generator], Case], num_cases: int, seed: int
) -> Iterator[Rate]:
    """In how many honest cases each detector found something, and any of them."""
    found = dict.fromkeys((NEAR, NOISE, RESAMPLE, ANY), 0)
    for number in range(num_cases):
        _, case = _case(draw, number, seed, is_honest=True)
        alarms = {
            what: bool(_found(what, case.parties, case, number).any())
            for what in (NEAR, NOISE, RESAMPLE)
        }
        for what, is_alarm in {**alarms, ANY: any(alarms.values())}.items():
            found[what] += is_alarm
    for what, number_found in found.items():
        yield Rate(f"{HONEST}: {what}", name, number_found, num_cases)


def _case(
    draw: Callable[[np.random.Generator], Case],
    number: int,
    seed: int,
    *,
    is_honest: bool,
) -> tuple[np.random.Generator, Case]:
    """Honest and planted cases are others, those of all kinds the same."""
    rng = np.random.default_rng([seed, not is_honest, number])
    return rng, draw(rng)


def detection_rows(rates: list[Rate]) -> list[Rate]:
    """The rates, each kind with the sum over all sources at its end."""
    kinds = list(dict.fromkeys(rate.kind for rate in rates))
    rows = []
    for kind in kinds:
        own = [rate for rate in rates if rate.kind == kind]
        found, cases = (sum(getattr(r, name) for r in own) for name in Rate._fields[2:])
        rows += [*own, Rate(kind, "all", found, cases)]
    return rows


def line_of_rate(rate: Rate) -> str:
    """One line for the screen."""
    low, high = rate.interval
    return (
        f"{rate.kind:<34} {rate.source:<15} {rate.found:>4} of {rate.cases:<4}"
        f" {100 * rate.found / rate.cases:5.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    )


def plain_rate(rate: Rate) -> dict[str, Any]:
    """For JSON."""
    return {**rate._asdict(), "interval": list(rate.interval)}
