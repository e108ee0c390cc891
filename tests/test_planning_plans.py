"""A plan before a run: laws of its numbers, and one run whose peak it foretells."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cgm_jax
from cgm_jax.planning import Plan, Rates, plan

MODULE = "cgm_jax.planning.plans"
RATES = Rates(1e9, 1e9, 1e3, 1e5, 10_000, 1e10, 0.2)
SIZES = {
    "few points": ([40, 60], 2, 100),
    "some tiles": ([1_000] * 3, 8, 4_000),
    "twenty parties": ([500] * 20, 8, 20_000),
    "thousands of parties": ([10] * 2_000, 16, 20_000),
    "a million points": ([100_000] * 10, 8, 100_000),
}
every_size = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)


@pytest.fixture
def eight_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MODULE}.host_capacity", lambda: 8e9)


def compute_on(platform: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(f"{MODULE}.platform", lambda: platform)
    side = 512 if platform == "cpu" else 4_096
    patch.setattr(f"{MODULE}.default_tile_size", lambda: side)


def larger_than(sizes: list[int], num_columns: int, num_candidates: int) -> list[tuple]:
    """The same with one size larger, by a little and by much."""
    grown = []
    for factor in (1.01, 1.3, 2, 10):
        more = [math.ceil(factor * size) for size in sizes]
        num_more = math.ceil((factor - 1) * len(sizes))
        grown += [
            (more, num_columns, num_candidates),
            ([*sizes, *sizes[:1] * num_more], num_columns, num_candidates),
            (sizes, math.ceil(factor * num_columns), num_candidates),
            (sizes, num_columns, math.ceil(factor * num_candidates)),
        ]
    return grown


@every_size
@pytest.mark.parametrize("platform", ["cpu", "gpu", "tpu"])
def test_bytes_and_work_grow_with_every_size(
    sizes: tuple, platform: str, monkeypatch: pytest.MonkeyPatch
):
    compute_on(platform, monkeypatch)
    options = {"rates": RATES, "from_files": True, "num_resamples": 50}
    smaller = plan(*sizes, **options)
    assert (smaller.device_bytes > 0) == (platform != "cpu")
    for grown in larger_than(*sizes):
        larger = plan(*grown, **options)
        for one, other in zip(smaller.parts, larger.parts, strict=True):
            # A table of 2^n values is made of 20 parties at most.
            is_table = len(sizes[0]) <= 20 < len(grown[0])
            if is_table and one.name in ("reward scheme", "standard errors", "audit"):
                continue
            assert one.kept_bytes <= other.kept_bytes, (grown, one.name)
            assert one.host_bytes <= other.host_bytes, (grown, one.name)
            assert one.device_bytes <= other.device_bytes, (grown, one.name)
            # From some size on, a sample says where the length scale is.
            if one.name != "length scale":
                assert one.seconds <= other.seconds, (grown, one.name)


@every_size
def test_parts_add_up(sizes: tuple):
    found = plan(*sizes, rates=RATES)
    assert found.seconds == pytest.approx(sum(part.seconds for part in found.parts))
    kept, peaks = 0, []
    for part in found.parts:
        assert part.kept_bytes <= part.host_bytes
        peaks.append(kept + part.host_bytes)
        kept += part.kept_bytes
    assert found.host_bytes == max(peaks)
    # The points and the sums of the candidates' rows are there at the end, at least.
    n, t = len(sizes[0]), sum(sizes[0]) + sizes[2]
    assert kept >= 4 * t * sizes[1] + 8 * sizes[2] * (n + 1)
    (sums,) = (part for part in found.parts if part.name == "kernel sums")
    assert sums.kept_bytes >= 8 * sizes[2] * (n + 1)


def test_sums_between_many_small_parties_are_held_once():
    """24,000 parties of one row: B has 4.6 GB, whatever the number of threads."""
    found, square = plan([1] * 24_000, 2, 100), 8 * 24_001**2
    (sums,) = (part for part in found.parts if part.name == "kernel sums")
    assert square < sums.host_bytes < 1.02 * square
    # Parties whose points are in several tiles: a total for each thread.
    (sums,) = (
        part
        for part in plan([100] * 24_000, 2, 100).parts
        if part.name == "kernel sums"
    )
    assert sums.host_bytes > 2 * square


def test_columns_of_two_values_are_drawn_as_bits():
    few, many = (
        plan([1_000] * 2, 100, 10**6, num_two_valued=num).parts[-1].host_bytes
        for num in (0, 96)
    )
    # In a grid of as many places, or an eighth more: 96 numbers of 4 bytes are 3 words.
    assert 96 * 4 - 3 * 4 <= (few - many) / 10**6 <= 1.2 * (96 * 4 - 3 * 4)


def test_what_a_command_holds_besides():
    """Libraries and programs, files as cells, fits, tables of distances, pictures."""
    sizes = [2_000] * 4, 108, 8_000
    call = plan(*sizes)
    options = {"from_files": True, "file_bytes": 10**6}
    command = plan(*sizes, **options)
    fitted = plan(*sizes, **options, fits_generators=True)
    larger = plan(*sizes, from_files=True, file_bytes=10**8)
    assert call.host_bytes + 2e8 < command.host_bytes
    assert 4e8 < fitted.host_bytes - command.host_bytes < 6e8
    assert larger.host_bytes - command.host_bytes == pytest.approx(4.8 * 99e6, rel=0.01)
    # 1.26 GB were held, of which 0.49 GB by fits.
    assert fitted.host_bytes == pytest.approx(1.26e9, rel=0.1)
    names = {part.name for part in fitted.parts}
    assert {"files", "generators", "evidence", "report"} < names


def test_float64_takes_twice_the_points():
    points = [
        plan([1_000] * 2, 8, 4_000, dtype=dtype).parts[1].kept_bytes
        for dtype in (np.float32, np.float64)
    ]
    assert points == [6_000 * 8 * 4, 6_000 * 8 * 8]


def test_a_length_scale_that_is_given_takes_no_time():
    names = [
        [part.name for part in plan([99] * 3, 2, 100, search_length_scale=s).parts]
        for s in (True, False)
    ]
    assert set(names[0]) - set(names[1]) == {"length scale"}


def test_trials_of_cheating_are_for_few_parties():
    for n, expected in ((20, True), (21, False)):
        found = plan([50] * n, 2, 100, from_files=True, stress_test=True)
        names = [part.name for part in found.parts]
        assert ("what cheating would gain" in names) == expected
        assert "audit" in names


def test_standard_errors_are_counted_where_there_are_resamples():
    """Ten times as many take as many passes, until their numbers need more room."""
    few, many, none = (
        plan([5_000] * 4, 2, 1_000, rates=RATES, from_files=True, num_resamples=num)
        for num in (100, 10_000, 0)
    )
    names = [part.name for part in few.parts]
    assert names[-6:-3] == ["standard errors", "audit", "evidence"]
    assert names[-3:] == ["nearest rows", "quality", "report"]
    assert [part.name for part in none.parts] == names[:-6] + names[-5:]
    part, more = (found.parts[names.index("standard errors")] for found in (few, many))
    # Each resample is a product with all kernel entries, 20,000² / 2 of them.
    assert part.seconds >= 100 * 20_000**2 / RATES.flops
    assert 50 < more.seconds / part.seconds < 150
    # At most 2^25 numbers at a time, of 20,000 rows each.
    assert part.host_bytes >= 8 * 100 * 20_000
    assert more.host_bytes < 100 * part.host_bytes


def test_what_the_passes_of_resamples_take():
    """50 of 4,000 rows are resampled in one pass: half of all pairs, and a bit."""
    slow = Rates(1.0, 1e30, 1e30, 1e30, 10_000, 1e30, 1e-30)
    found = plan([1_000] * 4, 2, 1_000, rates=slow, num_resamples=50)
    (part,) = (part for part in found.parts if part.name == "standard errors")
    assert 0.5 <= part.seconds / 4_000**2 < 1


def test_what_is_judged_takes_seconds_that_no_rate_knows():
    fast = Rates(*[1e30] * 4, 10_000, 1e30, 1e-30)
    sizes = [10_000] * 3
    found = plan(sizes, 20, 10_000, rates=fast, from_files=True)
    seconds = {part.name: part.seconds for part in found.parts}
    # 1,000 rows of each reward beside all real ones, 0.3 µs a pair.
    assert seconds["nearest rows"] == pytest.approx(3e-7 * 3 * 1_000 * 30_000)
    cells = 20 * (20_000 + 3 * (3_333 + 1_000) + 3 * (2_000 + 1_000))
    assert seconds["quality"] == pytest.approx(0.4 * 7 + 3.5e-6 * cells)


def test_without_rates_no_time_is_known():
    found = plan([50] * 3, 2, 100)
    assert math.isnan(found.seconds)
    assert math.isnan(found.most_sampling_seconds)
    assert found.to_dict()["task"]["num_rows"] == 150
    assert len(repr(found)) < 88


@pytest.mark.usefixtures("eight_gigabytes")
@pytest.mark.parametrize(
    "sizes",
    [
        ([100] * 6_000, 8, 600_000),
        ([10**8] * 3, 8, 10_000),
        ([1_000] * 5, 2, 10**9),
        ([10] * 50_000, 2, 100),
    ],
    ids=["many of both", "many rows", "many candidates", "many parties"],
)
def test_what_a_refusal_says_would_fit_does(sizes: tuple):
    party_sizes, num_columns, num_candidates = sizes
    refused = plan(*sizes)
    with pytest.raises(MemoryError, match=r"Expected .* fits into 8 GB") as caught:
        refused.check()
    message = str(caught.value)
    assert message.isprintable()
    candidates, rows = refused.most_candidates, refused.most_rows
    advice = message.split("would fit")[-1]
    assert (f" {candidates:,} candidates" in advice) == (candidates > 0)
    assert ("pool fewer parties" in message) == (candidates == rows == 0)
    n = len(party_sizes)
    if candidates:
        plan(party_sizes, num_columns, candidates).check()
        assert not plan(party_sizes, num_columns, candidates + 1).fits
    if rows:
        fitting = [len(x) for x in np.array_split(np.arange(rows), n)]
        plan(fitting, num_columns, num_candidates).check()


def test_a_device_may_be_what_is_too_small(monkeypatch: pytest.MonkeyPatch):
    compute_on("gpu", monkeypatch)
    monkeypatch.setattr(f"{MODULE}.device_capacity", lambda: 1e9)
    with pytest.raises(MemoryError, match="GB of device memory"):
        plan([10**6] * 3, 256, 10_000).check()
    plan([10**4] * 3, 256, 10_000).check()


def test_float64_on_a_tpu_needs_more_of_it(monkeypatch: pytest.MonkeyPatch):
    sizes = [10**5] * 3, 8, 10_000
    found: list[Plan] = []
    for platform in ("gpu", "tpu"):
        compute_on(platform, monkeypatch)
        found.append(plan(*sizes, dtype=np.float64))
    assert found[1].device_bytes - found[0].device_bytes > 1.5e9


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (([5], 2, 10), "at least two parties"),
        (([5, 0], 2, 10), r"sizes\[1\] >= 1"),
        (([5, 5.5], 2, 10), r"sizes\[1\] >= 1"),
        (([5, 5], 0, 10), "num_columns >= 1"),
        (([5, 5], 2, -1), "num_candidates >= 0"),
        (([5, 5], 2, 10**400), "num_candidates of at most"),
        (([10**400, 5], 2, 10), r"sizes\[0\] of at most"),
    ],
)
def test_refuses_sizes_that_are_none(sizes: tuple, message: str):
    with pytest.raises(ValueError, match=message):
        plan(*sizes)
    with pytest.raises(ValueError, match="float32 or float64 points, got int32"):
        plan([5, 5], 2, 10, dtype=np.int32)


def test_promises_that_cannot_fit_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(f"{MODULE}.host_capacity", lambda: 1e8)
    parties = [np.zeros((3, 2)), np.ones((4, 2))]
    with pytest.raises(MemoryError, match="Expected a collaboration that fits"):
        cgm_jax.promise(parties, np.ones((5, 2)))
    with pytest.raises(MemoryError, match="Expected a collaboration that fits"):
        cgm_jax.collaborate(jax_key(), parties, np.ones((5, 2)))


def test_nothing_is_fitted_or_drawn_where_so_many_would_not_fit():
    class Untouched:
        def fit(self, key, points):
            raise AssertionError("fitted before it was refused")

        def sample(self, key, model, num):
            raise AssertionError("drawn before it was refused")

    parties = [np.zeros((3, 2)), np.ones((4, 2))]
    growing = cgm_jax.Growing(Untouched(), 10**13, 10**13)
    with pytest.raises(MemoryError, match="10,000,000,000,000 candidates"):
        cgm_jax.collaborate(jax_key(), parties, growing)


def jax_key():
    import jax

    return jax.random.key(0)


PROGRAM = """
import json, sys
import jax, numpy as np
from benchmarks.timing import peak_memory
from cgm_jax import collaborate, plan

n, size, d, g = map(int, sys.argv[1:])
expected = plan([size] * n, d, g).host_bytes
rng = np.random.default_rng(0)
parties = [rng.standard_normal((size, d), np.float32) for _ in range(n)]
candidates = rng.standard_normal((g, d), np.float32)
# The best candidates first: draws take as much memory, and a fraction of the picks.
options = {"relax": True, "inverse_temperature": np.inf}
collaborate(jax.random.key(0), parties, candidates, **options)
print(json.dumps([expected, peak_memory()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(500, 20, 8, 20_000), (3, 3_000, 64, 20_000)])
def test_the_peak_of_a_run_is_what_was_planned(sizes: tuple[int, ...]):
    # Compiling takes memory, which is counted; what is read from a cache takes less.
    cache = "JAX_COMPILATION_CACHE_DIR"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, sizes)],
        cwd=Path(__file__).parents[1],
        env={name: value for name, value in os.environ.items() if name != cache},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    expected, peak = json.loads(done.stdout)
    assert expected == pytest.approx(peak, rel=0.15)
