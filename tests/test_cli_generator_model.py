"""A trained generator: saved, used by a run, and refused where it does not fit."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from small_runs import cgm_jax, one_line_error

SECRET = "918273.645"


@pytest.fixture
def files(small_run, tmp_path: Path) -> list[Path]:
    """Copies that a test may spoil."""
    return [Path(shutil.copy(path, tmp_path)) for path in small_run.files]


@pytest.mark.slow
def test_a_trained_generator_supplies_the_rows(files, quick, tmp_path: Path, capsys):
    model, out = tmp_path / "models" / "model.npz", tmp_path / "out"
    trained = ["train-generator", *files, "--label-column", "sex", "--num-steps", 400]
    assert cgm_jax(*trained, "--out", model) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "MMD² to 18 held-out rows" in printed
    assert "Share of synthetic rows nearer to the training rows" in printed
    assert [path.name for path in model.parent.iterdir()] == ["model.npz"]

    words = [
        "run",
        *files,
        "--label-column",
        "sex",
        "--num-candidates",
        1000,
        "--no-stress",
    ]
    words += ["--generator-model", model, "--out", out]
    assert cgm_jax(*words) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "MMD² to 18 held-out rows" in printed
    assert "trained on other data" not in printed
    with (out / "north" / "reward.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["age", "income", "sex"]
    assert rows
    assert all(float(row[0]).is_integer() for row in rows)
    text = (out / "mediator" / "report.html").read_text("utf-8")
    assert "The candidates come from an MMD-GAN" in text
    assert "18 real rows that it never saw" in text
    report = json.loads((out / "mediator" / "report.json").read_text("utf-8"))
    assert report["generator"]["quality"]["num_held_out"] == 18
    assert report["generator"]["history"]["step"] == [250, 400]

    # Two of the three, the first with its columns in another order.
    words[1:4] = files[1:]
    assert cgm_jax(*words, "--overwrite") == 0
    assert "trained on other data" in " ".join(capsys.readouterr().out.split())
    text = (out / "mediator" / "report.html").read_text("utf-8")
    assert "an MMD-GAN trained on rows of other files" in text
    assert not (out / "north").exists()

    assert cgm_jax(*trained, "--out", model) == 2  # it is there
    assert "--overwrite" in one_line_error(capsys)
    others = [tmp_path / name for name in ("a.csv", "b.csv")]
    rows = [f"{7 * i % 11},{5 * i % 13}" for i in range(30)]
    for path in others:
        path.write_text("age,height\n" + "\n".join(rows))
    words = ["run", *others, "--generator-model", model, "--out", tmp_path / "new"]
    assert cgm_jax(*words) == 2
    message = one_line_error(capsys)
    assert "height (not in the model); income (only in the model)" in message
    assert not (tmp_path / "new").exists()
    words = ["run", *others, "--generator-model", others[0], "--out", tmp_path / "more"]
    assert cgm_jax(*words) == 3
    assert "expected a saved table generator" in one_line_error(capsys)
    assert not (tmp_path / "more").exists()
