import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import jax
import numpy as np
import pytest
from programs import QUICKLY_COMPILED, ROOT, STRICT

from benchmarks import __main__ as command
from benchmarks.goals import GOALS, Goal
from benchmarks.kernel_table import KERNELS
from benchmarks.machine import machine_facts, machine_name
from benchmarks.roofline import Roofline, Work
from benchmarks.rows import Baseline, Row, relative_error
from benchmarks.table import duration, figures
from benchmarks.timing import in_fresh_process, measure, measure_in_turn

FIELDS = {
    "name": str,
    "size": dict,
    "seconds": float,
    "compile_seconds": float,
    "runs": int,
    "throughput": float,
    "unit": str,
    "error": float,
    "error_against": str,
    "baseline": dict,
    "peak_bytes": int | None,
    "kernel": str | None,
    "temporaries": dict | None,
    "work": dict | None,
    "ratio": float,
    "share": float | None,
}

KERNEL_GRADIENT = "gradient of a kernel by its length scale"


def run_benchmarks(out: Path, *options: str) -> dict:
    """The JSON file of the command that a user runs, in a process of its own."""
    arguments = ["-m", "benchmarks", "--small", "--out", str(out), *options]
    done = subprocess.run(
        [sys.executable, *STRICT, *arguments],
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": QUICKLY_COMPILED},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text("utf-8"))
    for row in result.get("rows", ()):
        assert row["name"] in done.stdout
    return result


def check_rows(rows: list[dict]) -> None:
    for row in rows:
        assert row.keys() == FIELDS.keys()
        for field, kind in FIELDS.items():
            assert isinstance(row[field], kind), field
        assert row["baseline"].keys() == {"name", "seconds", "extrapolated_from"}
        assert row["ratio"] == row["baseline"]["seconds"] / row["seconds"]
        name = row["name"]
        # float32 slopes of a small J against float64 ones
        slopes = 1e-4 if name == "deep kernel, one step" else 1e-5
        by_chance = {"product mixture, fit": 2, "product mixture, draw": 0.5}
        most = 0.5 if "random orders" in name else by_chance.get(name, slopes)
        assert 0 <= row["error"] < most, row
        assert min(row["seconds"], row["throughput"], row["runs"]) > 0
        assert row["compile_seconds"] >= 0
        assert row["share"] is None or row["share"] > 0


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("benchmarks") / "small.json"
    topics = ("gram", "valuation", "sampling")
    return run_benchmarks(out, *(f"--only={topic}" for topic in topics))


@pytest.mark.medium
def test_the_small_run_has_all_fields_and_right_answers(small_run: dict):
    check_rows(small_run["rows"])
    assert [row["name"] for row in small_run["rows"]] == [
        "Gram pass",
        "Gram pass by waves",
        "Gram pass of many parties",
        "length-scale search",
        "coalition values",
        "Shapley values",
        "Shapley values without a table",
        "Shapley values without a table",
        "Shapley values of parties that may leave",
        "asymmetric Shapley values of ten groups",
        "Shapley values by 200 random orders",
        "Shapley values of all points",
        "one pick, one party alone",
        "one pick, five parties at once",
    ]
    assert small_run["rows"][0]["peak_bytes"] > 0
    assert small_run["rows"][3]["error"] == 0  # the same dyadic point
    with_share = [row["name"] for row in small_run["rows"] if row["share"]]
    assert with_share == [
        "Gram pass",
        "Gram pass of many parties",
        "one pick, one party alone",
        "one pick, five parties at once",
    ]


@pytest.mark.medium
def test_the_small_run_says_where_it_ran_and_judges_no_goal(small_run: dict):
    assert small_run["small"] is True
    assert small_run["machine"].keys() == machine_facts().keys()
    assert small_run["machine"]["settings"]["tile_size"] == 512
    assert min(small_run["roofline"].values()) > 0
    assert len(small_run["goals"]) == len(GOALS)
    assert {goal["verdict"] for goal in small_run["goals"]} == {"not run"}


@pytest.mark.slow
def test_the_small_run_of_features(tmp_path: Path):
    result = run_benchmarks(tmp_path / "features.json", "--only", "features")
    [row] = result["rows"]
    assert row["name"] == "values by features" and row["peak_bytes"] > 0
    assert 0 < row["error"] < 0.2  # the features' own, which it states


@pytest.mark.slow
def test_the_small_run_of_the_generator(tmp_path: Path):
    result = run_benchmarks(tmp_path / "generator.json", "--only", "generator")
    check_rows(result["rows"])
    assert [row["name"] for row in result["rows"]] == [
        "MMD-GAN, one step, table",
        "MMD-GAN, one step, images",
        "two convolutions, forward and gradient",
    ]
    if result["machine"]["platform"] == "cpu":
        assert [row["error"] for row in result["rows"][:2]] == [0, 0]  # the same bits


@pytest.mark.slow
def test_the_small_run_of_the_mixture(tmp_path: Path):
    result = run_benchmarks(tmp_path / "mixture.json", "--only", "mixture")
    check_rows(result["rows"])
    assert [row["name"] for row in result["rows"]] == [
        "product mixture, fit",
        "product mixture, draw",
    ]


@pytest.mark.slow
def test_the_small_run_of_the_deep_kernel(tmp_path: Path):
    result = run_benchmarks(tmp_path / "deep.json", "--only", "deep")
    check_rows(result["rows"])
    assert [row["name"] for row in result["rows"]] == [
        "deep kernel, Gram pass",
        "deep kernel, one step",
    ]


@pytest.mark.slow
def test_the_small_run_of_the_kernels(tmp_path: Path):
    result = run_benchmarks(tmp_path / "kernels.json", "--only", "kernels")
    check_rows(result["rows"])
    one_pass, gradient = "Gram pass of a kernel", KERNEL_GRADIENT
    kernels = ("squared exponential", "product of two")
    assert [(row["name"], row["kernel"]) for row in result["rows"]] == [
        *((name, kernel) for name in (one_pass, gradient) for kernel in kernels),
        *[("the same points in many parties", None)] * 3,
    ]
    for row in result["rows"][2:4]:
        assert row["temporaries"]["num_bytes"] > 0
        assert row["temporaries"]["size"] == {"t": 100, "d": 3}
    alone, *_, one_each = result["rows"][4:]
    assert alone["ratio"] == 1
    assert one_each["size"]["n"] == one_each["size"]["t"]
    assert 0 < one_each["compile_seconds"] < one_each["seconds"]
    assert one_each["peak_bytes"] > 0


@pytest.mark.slow
def test_the_whole_run(tmp_path: Path):
    result = run_benchmarks(tmp_path / "whole.json", "--only", "whole-run")
    check_rows(result["rows"])
    names = [row["name"] for row in result["rows"]]
    assert names == ["eight whole runs", "eight whole runs once more"]


# Measuring.


@pytest.mark.medium
def test_measure_compiles_once_and_calls_as_often_as_asked():
    traced, called = [], []

    @jax.jit
    def double(x):
        traced.append(x)
        return 2 * x

    def call():
        called.append(None)
        return double(np.float32(3))

    double(np.float32(3))
    timing = measure(call, runs=4)
    assert len(traced) == 2  # the second time because measure emptied the caches
    assert len(called) == 1 + 4 == 1 + timing.runs
    assert float(timing.result) == 6


def test_functions_are_measured_in_turn():
    called = []
    timings = measure_in_turn(*(partial(called.append, i) for i in "ab"), runs=2)
    assert called == ["a", "b"] * 3
    assert [timing.runs for timing in timings] == [2, 2]


def test_a_fresh_process_returns_what_was_called():
    result, seconds = in_fresh_process("math", "comb", 10, 3)
    assert result == 120
    assert seconds > 0


def test_a_fresh_process_that_fails_says_why():
    with pytest.raises(RuntimeError, match=r"math\.sqrt failed[\s\S]*ValueError"):
        in_fresh_process("math", "sqrt", -1)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="memory of the device")
@pytest.mark.medium
def test_peak_memory_is_not_inherited_from_the_process_that_asks():
    ballast = np.ones(100_000_000)  # 800 MB, several times what importing JAX takes
    peak, _ = in_fresh_process("benchmarks.timing", "peak_memory")
    assert 20e6 < peak < ballast.nbytes


def test_relative_error_is_relative_to_the_largest():
    assert relative_error(np.array([1.0, 9.0]), np.array([2.0, 10.0])) == 0.1
    assert relative_error(3.0, 4.0) == 0.25


# Goals, the table, and the file.


def row(name: str = "work", seconds: float = 2.0, **size: int) -> Row:
    baseline = Baseline("plain", 10.0, None)
    return Row(name, size, seconds, 1.0, 3, 7.0, "things/s", 0.0, "itself", baseline)


ROOFLINE = Roofline(num_bytes=100.0, operations=50.0, exponentials=10.0)
GOAL = Goal("work is fast", "work", {"n": 20}, lambda row: row.seconds, 2.0, "s")


def test_the_share_is_that_of_the_busiest_part():
    work = Work(num_bytes=20.0, operations=20.0, exponentials=1.0)
    busy = replace(row(seconds=2.0), work=work)  # 0.2, 0.4 and 0.1 seconds of it
    assert busy.share(ROOFLINE) == 0.2
    assert busy.as_json(ROOFLINE)["share"] == 0.2
    assert row().share(ROOFLINE) is None


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([row(n=20, d=2)], "met"),
        ([row(n=20, seconds=2.1)], "missed"),
        ([row(n=16)], "not run"),
        ([row("other", n=20)], "not run"),
        ([], "not run"),
        ([row(n=16, seconds=9.0), row(n=20)], "met"),
    ],
)
def test_a_goal_is_about_the_row_of_its_size(rows: list[Row], verdict: str):
    assert GOAL.verdict(rows) == verdict


def test_a_goal_is_about_the_largest_number_of_its_kernel():
    rows = [replace(row(n=20, seconds=s), kernel=k) for s, k in ((3, "a"), (1, "b"))]
    assert GOAL.reached(rows) == 3
    assert replace(GOAL, kernel="b").reached(rows) == 1
    assert replace(GOAL, kernel="c").verdict(rows) == "not run"


@pytest.mark.medium
def test_goals_are_about_rows_that_a_full_run_has(small_run: dict):
    names = {row["name"] for row in small_run["rows"]}
    of_others = {
        "eight whole runs",
        "eight whole runs once more",
        "Gram pass of a kernel",
        KERNEL_GRADIENT,
        "Gram pass beside a loop in C",
        "Gram pass by tiles beside a loop in C",
        "picks of five parties beside a loop in C",
    }
    assert {goal.row for goal in GOALS} <= names | of_others
    assert {goal.kernel for goal in GOALS} <= {None, *KERNELS}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 µs"),
        (85e-6, "85.0 µs"),
        (0.00123, "1.23 ms"),
        (5400.0, "1.50 h"),
        (3.15576e19, "1e+12 years"),
    ],
)
def test_durations_are_in_the_unit_people_would_use(seconds: float, text: str):
    assert duration(seconds) == text


def test_figures_are_three():
    numbers = [0.123456, 1.23456, 12.3456, 123.456, 12345.6, 1.23456e7]
    texts = ["0.123", "1.23", "12.3", "123", "12,346", "1.23e+07"]
    assert list(map(figures, numbers)) == texts


def test_durations_grow_with_the_time():
    times = np.logspace(-6, 12, 200)
    units = [duration(time).split()[1] for time in times]
    changes = [pair for pair in pairwise(units) if pair[0] != pair[1]]
    assert changes == list(pairwise(["µs", "ms", "s", "min", "h", "days", "years"]))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of results, for a command whose topics are done at once."""
    topics = {"first": lambda *, small: [row(n=20)], "second": lambda *, small: [row()]}
    monkeypatch.setattr(command, "TOPICS", topics)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(command, "measure_roofline", lambda *, small: ROOFLINE)
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    return tmp_path / "results"


def test_a_full_run_writes_the_file_of_this_machine(results: Path):
    assert command.main([]) == 0
    (path,) = results.iterdir()
    assert path.stem == machine_name(machine_facts())
    written = json.loads(path.read_text("utf-8"))
    assert [row["ratio"] for row in written["rows"]] == [5.0, 5.0]


@pytest.mark.parametrize("options", [["--small"], ["--only", "first"]])
def test_a_part_of_the_run_leaves_the_file_alone(results: Path, options: list[str]):
    assert command.main(options) == 0
    assert not results.exists()


def test_one_topic_goes_to_the_file_asked_for(
    results: Path, capsys: pytest.CaptureFixture
):
    out = results / "one.json"
    assert command.main(["--only", "second", "--out", str(out)]) == 0
    written = json.loads(out.read_text("utf-8"))
    assert [row["size"] for row in written["rows"]] == [{}]
    assert "5.00" in capsys.readouterr().out


def test_machines_are_named_by_what_computes():
    gpu = {"platform": "gpu", "device_kind": "NVIDIA H100 80GB HBM3", "num_cores": 16}
    assert machine_name(gpu) == "nvidia-h100-80gb-hbm3"
    cpu = {"platform": "cpu", "device_kind": "cpu", "num_cores": 2}
    assert machine_name(cpu) == "cpu-2-cores"
