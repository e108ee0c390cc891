"""The command that compares generators: what it prints, writes and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_runs import cgm_jax, one_line_error, write_parties

from cgm_jax.cli import comparing
from cgm_jax.generators import KernelDensity


@pytest.fixture
def one_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fitted in no time."""
    generators = {"kde": KernelDensity(0.05)}
    monkeypatch.setattr(comparing, "contenders", lambda tables, **options: generators)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "in").mkdir()
    return write_parties(tmp_path / "in")[0]


def compared(files, out: Path, *options: object) -> dict:
    code = cgm_jax("compare-generators", *files, "--out", out, *options)
    assert code == 0
    return json.loads((out / "comparison.json").read_text("utf-8"))


@pytest.mark.medium
def test_a_table_a_page_a_picture_and_json(one_generator, files, tmp_path, capsys):
    out = tmp_path / "out"
    data = compared(files, out, "--label-column", "sex")
    printed = capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "comparison.html",
        "comparison.json",
        "comparison.png",
    ]
    assert (out / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert data["num_held_out"] == 36 and data["num_training"] == 144
    assert (data["target"], data["measure"]) == ("sex", "AUC")
    page = (out / "comparison.html").read_text("utf-8")
    assert "For the mediator only" in page and "north.csv, south.csv" in page
    for row in data["generators"]:
        assert row["name"] in printed and row["name"] in page
        assert f"{row['shape']:.1%}" in printed
        assert f"{100 * row['shape']:.1f} %" in page
        assert f"± {row['copied_share_error']:.0%}" in printed
        assert f"± {100 * row['copied_share_error']:.1f} %" in page
    fresh = data["generators"][-1]
    assert f"Fresh real rows are only {fresh['num_drawn']}" in printed
    assert f"Fresh real rows are only {fresh['num_drawn']}" in page
    assert data["best"] == "kde"
    assert "the kernel density estimate is the one to use" in page
    assert str(out / "comparison.html") in printed.replace("\n", "")


@pytest.mark.medium
def test_the_same_seed_gives_the_same_figures(one_generator, quick, files, tmp_path):
    def figures(name: str, *options: object) -> list[dict]:
        rows = compared(files, tmp_path / name, *options)["generators"]
        for row in rows:
            del row["fit_seconds"], row["draw_seconds"]
        return rows

    first = figures("a")
    assert figures("b") == first
    assert figures("c", "--seed", 1) != first


@pytest.mark.medium
def test_a_target_may_be_another_column_than_the_labels(
    one_generator, quick, files, tmp_path
):
    options = "--label-column", "sex", "--target", "income"
    data = compared(files, tmp_path / "out", *options)
    assert (data["target"], data["measure"]) == ("income", "R²")


@pytest.mark.medium
def test_labels_in_numbers_are_categories(one_generator, quick, tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        codes = rng.integers(0, 3, 100)
        rows = [f"{rng.normal(c):.3f},{c}" for c in codes]
        (tmp_path / f"{name}.csv").write_text("\n".join(["x,code", *rows]))
    files = sorted(tmp_path.glob("*.csv"))
    measures = [
        compared(files, tmp_path / option[2:], option, "code")["measure"]
        for option in ("--label-column", "--target")
    ]
    assert measures == ["AUC", "R²"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--target", "salary"], "--target salary: expected a column that varies"),
        (["--label-column", "salary"], "--label-column salary: expected a column of"),
        (["--num-steps", "0"], "'--num-steps': expected a whole number"),
        (["--min-rows", "90"], "180 rows, and a comparison needs at least 360"),
    ],
    ids=str,
)
def test_what_is_refused_is_one_line(files, tmp_path, capsys, options, sentence):
    out = tmp_path / "out"
    assert cgm_jax("compare-generators", *files, "--out", out, *options) in (2, 3)
    assert sentence in one_line_error(capsys)
    assert not out.exists()


@pytest.mark.medium
def test_results_are_not_overwritten_unasked(
    one_generator, quick, files, tmp_path, capsys
):
    out = tmp_path / "out"
    compared(files, out)
    words = ["compare-generators", *files, "--out", out]
    assert cgm_jax(*words) == 2
    assert "--overwrite" in one_line_error(capsys)
    assert cgm_jax(*words, "--overwrite") == 0


@pytest.mark.medium
def test_columns_without_other_rows_are_said(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name in "ab":
        rows = rng.choice(["yes,no", "no,yes", "no,no", "yes,yes"], 80)
        (tmp_path / f"{name}.csv").write_text("\n".join(["u,v", *rows]))
    files = sorted(tmp_path.glob("*.csv"))
    assert cgm_jax("compare-generators", *files, "--out", tmp_path / "out") == 3
    assert "all but 0 equal a real row" in one_line_error(capsys)
