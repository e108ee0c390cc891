"""Rows that parties share: against the definition, laws, planted copies and chance."""

import numpy as np
import pytest
from scipy.stats import fisher_exact

from cgm_jax.evidence import NearDuplicates, clusters_by_evidence, near_duplicates
from cgm_jax.evidence.pool_neighbors import in_one_scale, nearest_rows

SIZES = 120, 90, 60
RNG = np.random.default_rng(7)


def parties(d: int = 3, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(i, 1, size=(n, d)) for i, n in enumerate(SIZES)]


def with_copies(
    jitter: float, *, num: int = 40, d: int = 3, times: int = 1
) -> list[np.ndarray]:
    """Party 0 has added jittered copies of rows of party 1 to its own."""
    first, second, third = parties(d)
    rng = np.random.default_rng(1)
    copies = [second[:num] + jitter * rng.normal(size=(num, d)) for _ in range(times)]
    return [np.concatenate([first, *copies]), second, third]


def by_definition(points: list[np.ndarray]) -> np.ndarray:
    """The p-values of all pairs, one neighbour at a time."""
    pool = np.concatenate(points)
    centre = np.median(pool, axis=0)
    scale = [
        np.sqrt(np.mean([(x - c) ** 2 for x in column if x != c]))
        for column, c in zip(pool.T, centre, strict=True)
    ]
    pool = pool / np.array(scale)[None]
    owner = [i for i, x in enumerate(points) for _ in x]
    n = len(points)
    ratios: dict[tuple[int, int], list[float]] = {
        (i, j): [] for i in range(n) for j in range(n)
    }
    for a, row in enumerate(pool):
        others = [
            (float(np.sqrt(((row - x) ** 2).sum())), owner[b])
            for b, x in enumerate(pool)
            if b != a
        ]
        nearest = sorted(others)[:8]
        for distance, j in nearest[:7]:
            ratios[owner[a], j].append(distance / nearest[7][0])
    p_values = np.ones((n, n))
    for i in range(n):
        for j in set(range(n)) - {i}:
            near, own = ratios[i, j], ratios[i, i] + ratios[j, j]
            for t in (0, 0.01, 0.03, *np.arange(1, 10) / 10):
                table = [
                    [sum(v <= t for v in x), sum(v > t for v in x)] for x in (near, own)
                ]
                p = fisher_exact(table, alternative="greater").pvalue
                p_values[i, j] = min(p_values[i, j], 12 * p)
    return p_values


@pytest.mark.parametrize("jitter", [1e-6, 0.1, 0.4])
@pytest.mark.medium
def test_p_values_are_those_of_the_definition(jitter):
    points = with_copies(jitter)
    np.testing.assert_allclose(
        near_duplicates(points).p_values, by_definition(points), rtol=1e-9
    )


@pytest.mark.parametrize(("jitter", "d"), [(0.0, 2), (0.01, 2), (0.1, 5), (0.3, 12)])
def test_planted_copies_are_found_and_masked(jitter, d):
    found = near_duplicates(with_copies(jitter, d=d))
    beyond = np.zeros((3, 3), bool)
    beyond[0, 1] = beyond[1, 0] = True
    np.testing.assert_array_equal(found.is_beyond_chance, beyond)
    copies, own = found.masks[0][120:, 1], found.masks[0][:120, 1]
    assert copies.mean() > 0.9 and own.mean() < 0.05
    assert found.masks[1][:40, 0].mean() > 0.9 and found.masks[1][40:, 0].mean() < 0.1
    assert 36 < found.num_copied[0, 1] < 60
    assert not found.masks[2].any() and not found.contested_rows[2].any()
    assert found.exact[0, 1] == found.exact[1, 0] == (40 if jitter == 0 else 0)


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("jitter", [0.0, 0.1])
def test_copies_handed_in_several_times_are_found(jitter, times):
    found = near_duplicates(with_copies(jitter, d=5, times=times))
    assert found.is_beyond_chance[0, 1]
    assert found.masks[1][:40, 0].mean() > 0.9


def test_independent_rows_are_chance():
    for seed in range(10):
        found = near_duplicates(parties(seed=seed))
        assert not found.is_beyond_chance.any() and not found.contested.any()
        assert not found.is_coarse


def test_one_data_set_under_many_names_is_found():
    many = [parties()[0]] * 12 + parties(seed=1)[1:]
    found = near_duplicates(many)
    assert found.is_beyond_chance[:12, :12].sum() == 12 * 11
    assert not found.is_beyond_chance[12:].any()
    assert all(mask.all() for mask in found.contested_rows[:12])
    assert clusters_by_evidence(many).tolist() == [0] * 12 + [1, 2]


def test_honest_coincidences_of_coarse_rows_are_chance():
    rng = np.random.default_rng(0)
    for levels in (3, 10, 40):
        coarse = [rng.integers(0, levels, (n, 2)).astype(float) for n in SIZES]
        found = near_duplicates(coarse)
        assert found.exact.any() and found.is_coarse
        assert not found.is_beyond_chance.any()
    # Most of a party's rows copied are more than chance, where columns are finer.
    coarse[2][:50] = coarse[1][:50]
    assert near_duplicates(coarse).is_beyond_chance[1, 2]


def test_counts_of_equal_rows():
    first, second, third = parties()
    second[:7] = first[:7]
    third[0] = first[0]
    third[1] = third[2]  # twice in one's own data is nobody else's business
    third[3], first[9] = (0.0, 0.0, 0.0), (-0.0, 0.0, 0.0)
    found = near_duplicates([first, second, third])
    assert found.exact.tolist() == [[0, 7, 2], [7, 0, 1], [2, 1, 0]]


def test_neither_units_nor_orders_matter():
    points = with_copies(0.1)
    found = near_duplicates(points)
    units = np.array([[1e-150, 1e6, 8.0]])
    scaled = near_duplicates([x * units + units for x in points])
    np.testing.assert_allclose(scaled.p_values, found.p_values, rtol=1e-9)
    order = [2, 0, 1]
    turned = near_duplicates([points[i][::-1] for i in order])
    np.testing.assert_allclose(
        turned.p_values, found.p_values[np.ix_(order, order)], rtol=1e-12
    )
    for place, i in enumerate(order):
        np.testing.assert_array_equal(
            turned.masks[place], found.masks[i][::-1][:, order]
        )


def test_few_rows_and_constant_columns_are_no_evidence():
    for points in (
        [np.zeros((1, 2))],
        [np.zeros((1, 2)), np.zeros((1, 2)), np.ones((1, 2))],
        [np.zeros((30, 1)), np.zeros((20, 1))],
    ):
        found = near_duplicates(points)
        assert isinstance(found, NearDuplicates) and not found.contested.any()
        assert clusters_by_evidence(points).tolist() == list(range(len(points)))


def test_trees_and_products_find_the_same_neighbours():
    points = np.random.default_rng(0).normal(size=(80, 9))
    points[3:12] = points[3]  # more copies than neighbours
    for own in (True, False):
        distances, rows = nearest_rows(points, points, 5, leave_out_own=own)
        plain = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
        if own:
            np.fill_diagonal(plain, np.inf)
        np.testing.assert_allclose(distances, np.sort(plain, axis=1)[:, :5])
        np.testing.assert_allclose(
            np.take_along_axis(plain, rows, axis=1), distances, rtol=1e-12
        )
        few = points[:, :4]
        by_tree, places = nearest_rows(few, few, 5, leave_out_own=own)
        plain = np.sqrt(((few[:, None] - few[None]) ** 2).sum(-1))
        assert not own or (places != np.arange(80)[:, None]).all()
        if own:
            np.fill_diagonal(plain, np.inf)
        np.testing.assert_allclose(by_tree, np.sort(plain, axis=1)[:, :5])


def test_categories_are_as_far_apart_however_rare():
    kinds = np.repeat(np.eye(3), (70, 29, 1), axis=0) * 0.3
    (scaled,) = in_one_scale([kinds])
    gaps = np.linalg.norm(scaled[[0, 70, 99]] - scaled[[70, 99, 0]], axis=1)
    # The most frequent one's column has its median at 1: there the others deviate.
    np.testing.assert_allclose(gaps, np.sqrt(2))


def test_clusters_are_chains_of_evidence():
    points = with_copies(0.05, d=6)
    assert clusters_by_evidence(points).tolist() == [0, 0, 1]
    copied = points[2][:30]
    chain = [*points, np.concatenate([RNG.normal(9, 1, (40, 6)), copied])]
    assert clusters_by_evidence(chain).tolist() == [0, 0, 1, 1]
    chain[3] = np.concatenate([chain[3], points[1]])
    found = near_duplicates(chain)
    assert clusters_by_evidence(chain).tolist() == [0, 0, 0, 0]
    assert clusters_by_evidence(chain, found=found, min_share=1.1).tolist() == [
        0,
        1,
        2,
        3,
    ]
    assert clusters_by_evidence(chain[::-1], min_share=0).tolist() == [0, 0, 0, 0]
    with pytest.raises(ValueError, match="min_share"):
        clusters_by_evidence(chain, min_share=-0.1)
    with pytest.raises(
        ValueError, match="Expected near-duplicates found in parties of"
    ):
        clusters_by_evidence(chain[:3], found=found)
