"""`reproduce` and `fetch` as a user types them."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from matplotlib.image import imread
from small_experiments import center_data
from small_runs import cgm_jax, one_line_error, use_few_trees

from cgm_jax import datasets
from cgm_jax.experiments import (
    SPLITS,
    ExperimentOptions,
    prepare_experiments,
    run,
    run_experiment,
)
from cgm_jax.rewards import InfeasibleError

NUM_FEW = 200


@pytest.fixture(autouse=True)
def no_data(monkeypatch, tmp_path: Path):
    """Neither the user's data nor the user's cache."""
    monkeypatch.delenv("CGM_JAX_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def transactions(path: Path, num: int = 400) -> Path:
    """A table in the form of the true one, with few rows."""
    points, amounts = np.random.default_rng(0).normal(size=(num, 28)), range(1, num + 1)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Time", *(f"V{i}" for i in range(1, 29)), "Amount", "Class"])
        for row, amount in zip(points, amounts, strict=True):
            writer.writerow([0, *row, amount, 0])
    return path


def test_data_that_are_not_here_end_in_one_line_that_says_what_to_do(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("cgm_jax.experiments.prepare.umap_class", lambda: None)
    assert cgm_jax("reproduce", "mnist", "--out", tmp_path / "out") == 6
    error = one_line_error(capsys)
    for word in ("mnist", str(tmp_path / "cache"), "cgm-jax fetch mnist", "digits"):
        assert word in error
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("dataset", ["digits", "transactions"])
def test_a_missing_package_is_named_at_once(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    assert cgm_jax("reproduce", dataset, "--out", tmp_path / "out") == 1
    assert 'umap is missing: install "cgm-jax[images]"' in one_line_error(capsys)
    assert not list((tmp_path / "out").glob("*"))


def test_a_damaged_file_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("cgm_jax.experiments.prepare.umap_class", lambda: None)
    path = tmp_path / "creditcard.csv"
    path.write_text("V1,V2\n1,2\n")
    code = cgm_jax("reproduce", "credit-card", "--data", path, "--out", tmp_path / "o")
    assert code == 3
    assert "creditcard.csv" in one_line_error(capsys)


@pytest.mark.parametrize(
    "words",
    [
        ("reproduce", "no-such-data"),
        ("reproduce", "credit-ratings", "--split", "thirds"),
        ("reproduce", "credit-ratings", "--beta", 1, 1),
        ("reproduce", "credit-ratings", "--beta", -1),
        ("reproduce", "credit-ratings", "--beta", "inf"),
        ("reproduce", "digits", "--features", "real.npy"),
        ("fetch", "digits"),
    ],
)
def test_usage_errors(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cgm_jax(*words) == 2
    one_line_error(capsys)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def few_candidates(monkeypatch) -> None:
    """Stable promises can be kept to parties that have parts of everything, and not to
    those of one group each; more candidates cannot be had."""
    data = [replace(each, grown=None) for each in center_data(NUM_FEW)]
    monkeypatch.setattr(
        "cgm_jax.cli.experiments.prepare_experiments", lambda *a, **k: data
    )


REPRODUCE = ("reproduce", "credit-ratings", "--beta", 4, 8)


@pytest.mark.medium
def test_a_split_that_cannot_be_kept_is_reported_beside_the_other(
    few_candidates, quick, tmp_path: Path, capsys
):
    out = tmp_path / "out"
    assert cgm_jax(*REPRODUCE, "--strict", "--out", out) == 4
    captured = capsys.readouterr()
    assert "warning: equal-disjoint split: " in captured.out
    *stages, refused = captured.err.splitlines()
    assert refused.startswith("error: ") and "unequal split: sampling" in stages
    data = json.loads((out / "report.json").read_text())
    assert list(data["splits"]) == ["unequal"]
    assert data["splits"]["unequal"]["status"] == "optimal"
    refusal = data["settings"]["equal-disjoint split"]
    page = " ".join((out / "report.html").read_text().split())
    assert "Small data, unequal split" in page
    assert "equal-disjoint split" in page
    assert refusal.split(":")[0] in refused and refusal.split(":")[0] in page
    assert not list(out.glob("equal-disjoint*")) and list(out.glob("unequal-*.png"))
    # What was refused is not audited, and what was not is.
    assert cgm_jax("audit", out) == 0
    printed = capsys.readouterr().out
    assert printed.count("All promises were kept.") == 2
    assert "equal-disjoint" not in printed


@pytest.mark.medium
def test_what_cannot_be_kept_is_lowered_and_said_first(
    few_candidates, no_figures, tmp_path: Path, capsys
):
    out = tmp_path / "out"
    assert cgm_jax(*REPRODUCE, "--out", out) == 0
    printed = " ".join(capsys.readouterr().out.split())
    data = json.loads((out / "report.json").read_text())
    lowered, kept = (data["splits"][split] for split in SPLITS)
    assert (lowered["status"], kept["status"]) == ("relaxed", "optimal")
    assert "equal-disjoint split" not in data["settings"]
    words = f"could do better alone by up to {1 - lowered['relaxation']:.2%}."
    broken, lowered_by = lowered["warnings"][:2]
    assert "(R6): as assigned, this is broken" in broken and words in lowered_by
    assert not any("better alone" in sentence for sentence in kept["warnings"])
    assert printed.count(words) == 1
    assert printed.index(words) < printed.index("the scheme")
    page = " ".join((out / "report.html").read_text().split())
    assert page.index(words) < page.index("Small data, unequal split")
    # Stability itself is not kept, and an audit says so after the reason.
    assert cgm_jax("audit", out) == 4
    captured = capsys.readouterr()
    audited = " ".join(captured.out.split())
    assert audited.count(words) == 2  # of both draws
    assert audited.index(words) < audited.index("not kept: R6 (assigned)")
    assert audited.count("All promises were kept.") == 2
    assert "promises were broken in 2 of 4 draws" in captured.err


@pytest.mark.medium
def test_candidates_are_doubled_until_the_promises_can_be_kept(monkeypatch):
    data, key = center_data(NUM_FEW)[0], jax.random.key(0)
    tried = []

    def promise(parties, candidates, *, relax, **more):
        tried.append((len(candidates), relax))
        return real(parties, candidates, relax=relax, **more)

    real = run.promise
    monkeypatch.setattr(run, "promise", promise)

    def try_with(**more):
        tried.clear()
        return run_experiment(
            key, data, inverse_temperatures=[8], evaluate=False, **more
        )

    with pytest.raises(InfeasibleError):
        try_with(max_candidates=NUM_FEW + 1)
    assert tried == [(NUM_FEW, False), (NUM_FEW + 1, False)]
    lowered = try_with(max_candidates=NUM_FEW, relax=True)
    assert tried == [(NUM_FEW, True)] and lowered.promises.scheme.is_relaxed
    enough = try_with(max_candidates=1000, relax=True)
    nums = [num for num, _ in tried]
    assert nums == [NUM_FEW * 2**i for i in range(len(nums))] and len(nums) > 1
    assert not any(relax for _, relax in tried[:-1])
    assert not enough.promises.scheme.is_relaxed
    drawn = enough.data.candidates
    assert len(drawn) == len(enough.data.candidate_labels) == nums[-1]
    np.testing.assert_array_equal(drawn[:NUM_FEW], data.candidates)
    np.testing.assert_array_equal(enough.promises.candidates, drawn)


@pytest.mark.parametrize("generator", [None, "kde"])
@pytest.mark.medium
def test_more_candidates_begin_with_fewer(generator, monkeypatch):
    use_few_trees(monkeypatch)
    options = ExperimentOptions(num_candidates=40, generator=generator)
    key = jax.random.key(0)
    few = prepare_experiments(key, "credit-ratings", options=options)
    more = [data.grown(70) for data in few]
    assert [data.split for data in more] == list(SPLITS)
    for before, after in zip(few, more, strict=True):
        assert len(after.candidates) == len(after.candidate_labels) == 70
        np.testing.assert_array_equal(after.candidates[:40], before.candidates)
        np.testing.assert_array_equal(
            after.candidate_labels[:40], before.candidate_labels
        )
        assert all(
            np.array_equal(*both)
            for both in zip(before.parties, after.parties, strict=True)
        )
    np.testing.assert_array_equal(more[0].candidates, more[1].candidates)


@pytest.mark.slow
def test_a_table_of_the_users_at_two_temperatures(tmp_path: Path, capsys):
    out = tmp_path / "out"
    code = cgm_jax(
        "reproduce",
        "credit-card",
        "--data",
        transactions(tmp_path / "creditcard.csv"),
        "--split",
        "unequal",
        "--beta",
        2,
        8,
        "--num-candidates",
        1_000,
        "--out",
        out,
    )
    assert code == 0
    printed = capsys.readouterr().out
    assert "credit card" in printed.lower()
    data = json.loads((out / "report.json").read_text())
    assert data["settings"]["inverse temperatures (beta)"] == [2, 8]
    (split,) = data["splits"].values()
    assert [draw["inverse_temperature"] for draw in split["draws"]] == [2, 8]
    lines = split["beside_the_paper"]
    assert {line["place"] for line in lines} == {
        "Table 6",
        "Table 8",
        "Table 12",
        "Sec. 6",
    }
    for line in lines:
        assert line["difference"] == pytest.approx(line["ours"] - line["printed"])
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "correlations.png", "unequal-temperatures.png"} <= names
    for path in out.glob("*.png"):
        assert imread(path).shape[1] > 500


@pytest.mark.long
def test_digits_from_start_to_finish(tmp_path: Path, capsys):
    out = tmp_path / "out"
    assert cgm_jax("reproduce", "digits", "--out", out) == 0
    printed = capsys.readouterr().out
    assert "MMD-GAN" in printed
    data = json.loads((out / "report.json").read_text())
    assert list(data["splits"]) == ["equal-disjoint", "unequal"]
    assert data["settings"]["number of candidates"] == 20_000
    for split in data["splits"].values():
        alpha = [party["normalized_shapley"] for party in split["parties"]]
        assert len(split["draws"]) == 4
        for draw in split["draws"]:
            assert all(reward["stop_reason"] == "reached" for reward in draw["rewards"])
        correlations = split["evaluation"]["alpha_correlations"]
        for name in ("mmd2_unbiased", "wasserstein2", "class_imbalance", "num_points"):
            assert correlations[name]["mean"] > 0
        counts = np.array(
            [[reward["num_points"] for reward in d["rewards"]] for d in split["draws"]]
        )
        assert (counts[0] > counts[-1]).all()
    # The two parties that have all classes are far above the others (Table 6).
    assert min(alpha[:2]) > 0.9 and max(alpha[2:]) < 0.7
    page = (out / "report.html").read_text()
    assert "Do rewards follow contributions?" in page
    assert len(list(out.glob("*.png"))) == 15
    for path in out.glob("*.png"):
        assert imread(path).shape[1] > 500


def test_fetch_says_where_the_data_are(monkeypatch, tmp_path: Path, capsys):
    def fetched(name: str, *, replace: bool) -> Path:
        assert (name, replace) == ("credit-card", True)
        return tmp_path / "credit-card"

    monkeypatch.setattr(datasets, "fetch", fetched)
    assert cgm_jax("fetch", "credit-card", "--replace") == 0
    assert str(tmp_path / "credit-card") in capsys.readouterr().out


@pytest.mark.slow
def test_images_and_features_of_files(tmp_path: Path, capsys):
    images = datasets.digits().points
    rng = np.random.default_rng(0)
    drawn = images[rng.integers(0, len(images), 8_000)]
    drawn = np.clip(drawn + rng.normal(0, 0.1, drawn.shape), 0, 1).astype(np.float32)
    reduce = rng.normal(size=(images.shape[1], 20)).astype(np.float32)
    for name, array in (
        ("drawn", drawn),
        ("real-features", images @ reduce),
        ("drawn-features", drawn @ reduce),
    ):
        np.save(tmp_path / f"{name}.npy", array)
    out = tmp_path / "out"
    code = cgm_jax(
        "reproduce",
        "digits",
        "--candidates",
        tmp_path / "drawn.npy",
        "--features",
        tmp_path / "real-features.npy",
        "--candidate-features",
        tmp_path / "drawn-features.npy",
        "--split",
        "unequal",
        "--beta",
        4,
        "--out",
        out,
    )
    assert code == 0
    assert "drawn.npy" in capsys.readouterr().out
    data = json.loads((out / "report.json").read_text())
    assert data["settings"]["number of candidates"] == 8_000
    alpha = [p["normalized_shapley"] for p in data["splits"]["unequal"]["parties"]]
    assert min(alpha[:2]) > max(alpha[2:])
