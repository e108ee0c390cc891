"""``cgm-jax plan``, the lines that ``run`` starts with, and what both refuse."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from small_runs import cgm_jax, one_line_error, opened, write_parties

from cgm_jax import promise
from cgm_jax.mediation.planned import plan_run
from cgm_jax.mediation.run import Settings
from cgm_jax.planning import Plan, Rates, plan
from cgm_jax.report.sentences import plan_sentences

MODULE = "cgm_jax.planning.plans"
RATES = Rates(1e9, 1e9, 1e3, 1e5, 10_000, 1e10, 0.2)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return write_parties(tmp_path)[0]


@pytest.fixture
def known_rates(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What rates are asked for; nothing is timed."""
    asked = []

    def rates(*sizes: object, like: np.ndarray) -> Rates:
        assert like.shape[1] == sizes[1]
        asked.append(sizes)
        return RATES

    monkeypatch.setattr("cgm_jax.mediation.planned.measured_rates", rates)
    return asked


def test_the_command_says_memory_and_time(files, known_rates, capsys):
    assert cgm_jax("plan", *files, "--label-column", "sex") == 0
    assert known_rates == [([50, 60, 70], 2, 10_000)]
    printed = " ".join(capsys.readouterr().out.split())
    assert "Memory: about 0." in printed
    assert "what cheating would gain" in printed
    assert "Time: about " in printed
    assert "Fitting generators and comparing them comes before, and is not" in printed
    assert "Up to 160,000 candidates are drawn" in printed
    assert cgm_jax("plan", *files, "--label-column", "sex", "--no-stress") == 0
    assert "cheating" not in capsys.readouterr().out


def test_a_run_starts_with_the_same_lines(small_run):
    asked, most = plan_run(
        opened(small_run.files, label_column="sex"), Settings(num_candidates=500)
    )
    assert asked.task.num_rows == 180
    assert most.task.num_candidates == 8_000
    first = " ".join(small_run.printed.split())
    time = plan_sentences(asked, most)[1]
    assert "not estimated for so few points" in time  # nothing was timed
    assert first.startswith("Columns ") and "Memory: about " in first
    assert time in first


def test_a_device_is_timed_where_it_matters(files, known_rates):
    few, many = (Settings(num_candidates=num) for num in (1_000, 100_000))
    tables = opened(files, label_column="sex")
    plan_run(tables, few)
    assert not known_rates
    assert np.isfinite(plan_run(tables, many).asked.seconds)
    assert len(known_rates) == 1


@pytest.mark.parametrize("command", ["plan", "run"])
def test_what_cannot_fit_is_refused(
    command: str, files, known_rates, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(f"{MODULE}.host_capacity", lambda: 8e9)
    words = [command, *files, "--label-column", "sex"]
    words += ["--out", tmp_path / "out"] if command == "run" else []
    # As many as would fit if the rows had one column, of which nothing had been read.
    most = plan([1] * 3, 1, 10**11, from_files=True).most_candidates
    assert cgm_jax(*words, "--num-candidates", most) == 5
    message = one_line_error(capsys)
    assert "Expected a collaboration that fits into" in message
    assert "What would fit: " in message
    assert not known_rates
    assert not (tmp_path / "out").exists()
    fitting = int(
        message.split("would fit: ")[1].split(" candidates")[0].replace(",", "")
    )
    if command == "plan":
        assert cgm_jax(*words, "--num-candidates", fitting // 2) == 0


@pytest.mark.parametrize("command", ["plan", "run"])
def test_what_no_rows_would_make_fit_is_refused_unread(
    command: str, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(f"{MODULE}.host_capacity", lambda: 8e9)
    # Nothing is there to be read.
    words = [command, *(tmp_path / f"{i}.csv" for i in range(3))]
    words += ["--out", tmp_path / "out"] if command == "run" else []
    assert cgm_jax(*words, "--num-candidates", 10**10) == 5
    message = one_line_error(capsys)
    assert "--num-candidates: Expected candidates that fit into" in message
    fitting = int(message.split("fewer than ")[1].split()[0].replace(",", ""))
    assert plan([1] * 3, 1, fitting, from_files=True).fits
    assert not plan([1] * 3, 1, fitting + 1, from_files=True).fits
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_file_beyond_memory_is_refused_unread(
    command: str, files, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(f"{MODULE}.host_capacity", lambda: 8e9)
    with files[1].open("wb") as file:
        file.truncate(2**34)  # of which no block is on the disk
    words = [command, *files, "--label-column", "sex"]
    words += ["--out", tmp_path / "out"] if command == "run" else []
    assert cgm_jax(*words) == 3
    message = one_line_error(capsys)
    assert f"{files[1]}: expected a table that fits" in message
    assert "found a file of 17.2 GB" in message


def test_damaged_files_are_refused_as_by_reading(files, capsys):
    files[1].write_text("age,income,sex\n")
    assert cgm_jax("plan", *files, "--label-column", "sex") == 3
    problems = capsys.readouterr().err.splitlines()
    assert problems
    assert all(line.startswith(f"error: {files[1]}") for line in problems)


@pytest.mark.medium
def test_refusing_allocates_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(f"{MODULE}.host_capacity", lambda: 8e9)
    parties = [np.broadcast_to(np.float32(i), (10, 8)) for i in range(6_000)]
    candidates = np.broadcast_to(np.float32(0), (600_000, 8))
    tracemalloc.start()
    try:
        with pytest.raises(MemoryError, match="6,000 parties"):
            promise(parties, candidates)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**25  # whether numbers are finite; the sums would take 29 GB


def test_sentences_of_other_devices(monkeypatch: pytest.MonkeyPatch):
    def of(platform: str, dtype: str) -> Plan:
        monkeypatch.setattr(f"{MODULE}.platform", lambda: platform)
        return plan([100] * 3, 2, 1_000, dtype=dtype, rates=RATES)

    assert "14 times" in plan_sentences(of("tpu", "float64"))[-1]
    for platform, dtype in (("tpu", "float32"), ("gpu", "float64")):
        sentences = plan_sentences(of(platform, dtype))
        assert len(sentences) == 2
        assert "On the device: about 0." in sentences[0]
        assert "generators" not in sentences[1]  # of points that are given
    assert "On the device" not in plan_sentences(of("cpu", "float64"))[0]


def test_growth_beyond_memory_is_said(monkeypatch: pytest.MonkeyPatch):
    asked = plan([100] * 3, 2, 1_000, rates=RATES)
    monkeypatch.setattr(f"{MODULE}.host_capacity", lambda: 1e9)
    most = plan([100] * 3, 2, 10**8)
    assert plan_sentences(asked, most)[-1].endswith("more than there is.")
    assert len(plan_sentences(asked, asked)) == 2
