"""What a party could read off its reward, by an attack that is written down here alone.

Clusters of the reward (DBSCAN of scikit-learn, at six radii), each averaged: a row of
another party is found if a mean is within 0.05 standard deviations of it in every
column.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from cgm_jax.evaluation.reidentification import ReadOff
from cgm_jax.mediation.run import Settings, mediate
from cgm_jax.mediation.tables import TableOptions, open_tables
from cgm_jax.tables import Cells

NUM_PARTIES = 3
RADII = (0.03, 0.05, 0.075, 0.1, 0.15, 0.25)  # of noise with this deviation a column
TABLES = ("wine", "breast_cancer", "diabetes")


@dataclass(frozen=True)
class ReadOffRows:
    """What was read off one party's reward."""

    num_found: int
    num_others: int
    num_by_page: int
    verdict: ReadOff
    num_fresh: int  # rows of others that as many real rows never seen would give
    num_seen: int


def means_of_clusters(rows: np.ndarray) -> Iterator[np.ndarray]:
    from sklearn.cluster import DBSCAN

    for radius in RADII:
        scan = DBSCAN(eps=radius * np.sqrt(2 * rows.shape[1]), min_samples=3)
        labels = scan.fit_predict(rows)
        for label in range(labels.max() + 1):
            yield rows[labels == label].mean(axis=0)


def found_by_clusters(reward: np.ndarray, others: np.ndarray) -> int:
    """How many rows of others are within 0.05 of a mean in every column."""
    is_found = np.zeros(len(others), bool)
    for mean in means_of_clusters(reward):
        is_found |= (np.abs(others - mean) <= 0.05).all(axis=1)
    return int(is_found.sum())


@cache
def read_off(name: str, generator: str) -> list[ReadOffRows]:
    """What is read off every reward of a run of three parties."""
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}
    data = getattr(datasets, f"load_{name}")(**options)
    order = np.random.default_rng(0).permutation(len(data.data))
    with TemporaryDirectory() as folder:
        paths = []
        for i in range(NUM_PARTIES):
            paths.append(Path(folder, f"party_{i}.csv"))
            with paths[-1].open("w", encoding="utf-8", newline="") as file:
                rows = data.data[order[i::NUM_PARTIES]].tolist()
                csv.writer(file).writerows([data.feature_names, *rows])
        settings = Settings(generator=generator, num_resamples=0, stress_test=False)
        tables = open_tables(paths, TableOptions())
        mediation = mediate(tables, Path(folder, "out"), settings)
    names = tables.parties.columns
    spread = data.data.std(axis=0)

    def numbers(table: Mapping[str, Cells]) -> np.ndarray:
        return np.column_stack([table[x].values for x in names]) / spread

    real = [numbers(table) for table in tables.parties.tables]
    results = []
    for i, reward in enumerate(mediation.rewards):
        others = np.concatenate([x for j, x in enumerate(real) if j != i])
        nearness = mediation.nearness.rewards[i]
        if nearness is None:  # a promise that the party's own rows keep: no reward
            assert not len(numbers(reward))
            continue
        attack = nearness.attack
        results.append(
            ReadOffRows(
                found_by_clusters(numbers(reward), others),
                len(others),
                attack.num_recovered,
                attack.verdict,
                attack.fresh_recovered,
                attack.num_seen,
            )
        )
    return results


def test_clusters_find_copies_with_noise_and_nothing_of_other_rows():
    rng = np.random.default_rng(0)
    seen, unseen = rng.normal(size=(2, 40, 8))
    reward = np.repeat(seen, 25, axis=0) + 0.05 * rng.normal(size=(1_000, 8))
    assert found_by_clusters(reward, seen) >= 38
    assert found_by_clusters(reward, unseen) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_hardly_a_row_is_read_off_a_mixture_of_products(name: str):
    rewards = read_off(name, "product-mixture")
    assert rewards
    for found in rewards:
        assert found.num_found <= 0.05 * found.num_others
        assert found.num_by_page <= 0.05 * found.num_others
        assert found.verdict is not ReadOff.READABLE


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_rows_are_read_off_a_density_estimate_as_the_page_says(name: str):
    """The page's attack finds what clusters do; fresh real rows give hardly any."""
    for found in read_off(name, "kde"):
        assert found.num_found > 0.15 * found.num_others
        assert found.num_by_page >= 0.98 * found.num_found
        assert found.verdict is ReadOff.READABLE
        assert found.num_fresh <= 0.05 * found.num_seen
