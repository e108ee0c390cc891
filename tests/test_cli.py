"""The commands as a user types them: what they print, write and refuse."""

import csv
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

from cgm_jax import cli
from cgm_jax.kernels import DeepKernel, FeatureNetwork, SquaredExponential, save_kernel
from cgm_jax.learning import fit_kernel

RNG = np.random.default_rng(0)
SECRET = "918273.645"


def cgm_jax(*words: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        cli.main([str(word) for word in words])
    return exit_.value.code or 0


def write_party(path: Path, center: tuple[float, float], num: int = 60) -> Path:
    rows = RNG.normal(center, 0.5, (num, 2)) * np.array([10, 100]) + [40, 900]
    lines = [
        f"{round(age)},{income},{'f' if i % 2 else 'm'}"
        for i, (age, income) in enumerate(rows)
    ]
    path.write_text("\n".join(["age,income,sex", *lines]) + "\n")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    centers = {"north": (0, 0), "south": (1, 0), "west": (0, 1.5)}
    return [write_party(tmp_path / f"{n}.csv", c) for n, c in centers.items()]


def one_line_error(capsys) -> str:
    captured = capsys.readouterr()
    assert captured.err.startswith("error: "), captured.err
    assert captured.err.count("\n") == 1, captured.err
    assert "Traceback" not in captured.err
    return captured.err


def test_run_writes_a_reward_a_party_and_a_report(files, tmp_path: Path, capsys):
    out = tmp_path / "out"
    code = cgm_jax(
        "run",
        *files,
        "--out",
        out,
        "--label-column",
        "sex",
        "--beta",
        2,
        "--num-candidates",
        2000,
        "--bandwidth",
        0.2,
    )
    printed = capsys.readouterr().out
    assert code == 0
    assert "report.html" in printed
    report = json.loads((out / "mediator" / "report.json").read_text("utf-8"))
    text = (out / "mediator" / "report.html").read_text("utf-8")
    for party in ("north", "south", "west"):
        assert party in printed
        assert party in text
        with (out / party / "reward.csv").open(newline="") as stream:
            header, *rows = csv.reader(stream)
        assert header == ["age", "income", "sex"]
        assert rows
        assert all(float(row[0]).is_integer() for row in rows)
        assert {row[2] for row in rows} <= {"m", "f"}
    assert sorted(path.name for path in out.iterdir()) == [
        "mediator",
        "north",
        "south",
        "west",
    ]
    assert report


def test_the_same_seed_writes_the_same_bytes(files, tmp_path: Path):
    for out in ("first", "again", "other"):
        seed = 1 if out == "other" else 0
        assert (
            cgm_jax(
                "run",
                *files,
                "--out",
                tmp_path / out,
                "--label-column",
                "sex",
                "--no-stress",
                "--num-candidates",
                1000,
                "--seed",
                seed,
                "--bandwidth",
                0.2,
            )
            == 0
        )
    first, again, other = (
        (tmp_path / out / "north" / "reward.csv").read_bytes()
        for out in ("first", "again", "other")
    )
    assert first == again
    assert first != other


def test_reward_rows_reach_the_promised_value(files, tmp_path: Path):
    """From the files alone: v(D_i ∪ G_i) by the definition, in the scaled columns."""
    from cgm_jax.files import read_parties
    from cgm_jax.mediation.run import Settings, mediate

    mediation = mediate(
        files,
        tmp_path / "out",
        Settings("sex", bandwidth=0.2, num_candidates=1000, stress=False),
    )
    result = mediation.collaboration
    pool = np.concatenate(read_parties(files, label_column="sex").points)
    shift, scale = pool.mean(0), pool.std(0)
    reference = np.concatenate([(pool - shift) / scale, np.asarray(result.candidates)])

    def mean_kernel(x, y):
        d2 = ((x[:, None] - y[None]) ** 2).sum(-1)
        return np.exp(-d2 / (2 * result.length_scale**2)).mean()

    for i, path in enumerate(mediation.rewards):
        reward = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1), ndmin=2)
        own = read_parties(files, label_column="sex").points[i]
        union = (np.concatenate([own, reward]) - shift) / scale
        value = 2 * mean_kernel(union, reference) - mean_kernel(union, union)
        assert result.rewards[i].stop_reason == "reached"
        assert value >= result.scheme.reward_values[i] * (1 - 1e-5)
        assert abs(value - result.rewards[i].final_value) < 1e-5


def test_unstable_promises_ask_for_less(files, tmp_path: Path):
    lower = {}
    for option in ([], ["--no-stability"]):
        out = tmp_path / f"out{len(option)}"
        assert (
            cgm_jax(
                "run",
                *files,
                "--out",
                out,
                "--label-column",
                "sex",
                "--num-candidates",
                1000,
                *option,
            )
            == 0
        )
        report = json.loads((out / "mediator" / "report.json").read_text("utf-8"))
        lower[len(option)] = json.dumps(report)
    assert lower[0] != lower[1]


@pytest.mark.parametrize(
    "options",
    [
        ["--beta", "-1"],
        ["--beta", "nan"],
        ["--beta", "much"],
        ["--num-candidates", "0"],
        ["--bandwidth", "0"],
        ["--bandwidth", "inf"],
        ["--seed", "-1"],
        ["--resamples", "1"],
        ["--resamples", "-5"],
        ["--scale", "log"],
        ["--generator", "gan"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_bad_options(files, tmp_path: Path, capsys, options: list[str]):
    out = tmp_path / "out"
    code = cgm_jax("run", *files, "--out", out, "--label-column", "sex", *options)
    assert code == 2
    assert options[0] in one_line_error(capsys)
    assert not out.exists()


def test_one_party_has_nobody_to_pool_with(files, tmp_path: Path, capsys):
    assert cgm_jax("run", files[0], "--out", tmp_path / "out") == 2
    one_line_error(capsys)


def test_a_damaged_file_is_named_with_its_place(files, tmp_path: Path, capsys):
    text = files[1].read_text().splitlines()
    text[3] = f"old,{SECRET},f"
    files[1].write_text("\n".join(text))
    out = tmp_path / "out"
    assert cgm_jax("run", *files, "--out", out, "--label-column", "sex") == 3
    message = one_line_error(capsys)
    assert "south.csv, column age, row 4:" in message
    assert SECRET not in message
    assert "old" not in message
    assert not out.exists()


def test_data_that_no_length_scale_fits(tmp_path: Path, capsys):
    """In units of millions, no scale up to 1,000 makes anyone's data worth anything."""
    files = [tmp_path / f"{name}.csv" for name in "abc"]
    for i, file in enumerate(files):
        rows = 1e6 * RNG.normal(i, 1, (40, 2))
        np.savetxt(file, rows, delimiter=",", header="x,y", comments="")
    out = tmp_path / "out"
    options = ["--scale", "none", "--num-candidates", 200]
    assert cgm_jax("run", *files, "--out", out, *options) == 3
    assert "common scale" in one_line_error(capsys)
    assert not list(out.iterdir())


def test_a_missing_file(files, tmp_path: Path, capsys):
    code = cgm_jax("run", *files, tmp_path / "east.csv", "--out", tmp_path / "out")
    assert code == 6
    assert "east.csv" in one_line_error(capsys)


def test_results_are_not_overwritten_unasked(files, tmp_path: Path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    options = ["--out", out, "--label-column", "sex", "--num-candidates", 500]
    options += ["--no-stress"]
    assert cgm_jax("run", *files, *options) == 2
    assert "--overwrite" in one_line_error(capsys)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    assert cgm_jax("run", *files, *options, "--overwrite") == 0
    assert (out / "mine.txt").read_text() == "keep"
    assert (out / "north" / "reward.csv").exists()


def test_promises_that_cannot_be_kept(files, tmp_path: Path, capsys, monkeypatch):
    from cgm_jax import rewards

    def infeasible(*args, **kwargs):
        raise rewards.InfeasibleError(
            "Parties 0 and 1 conflict.", lower_party=0, upper_party=1, rho=0.5
        )

    monkeypatch.setattr(
        "cgm_jax.collaboration.collaboration.scheme_from_sums", infeasible
    )
    out = tmp_path / "out"
    code = cgm_jax(
        "run", *files, "--out", out, "--label-column", "sex", "--num-candidates", 100
    )
    assert code == 4
    assert "1600" in one_line_error(capsys)  # the most that was tried
    assert list(out.iterdir()) == []


def test_an_interrupt_is_one_line_and_leaves_nothing(
    files, tmp_path: Path, capsys, monkeypatch
):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(
        "cgm_jax.collaboration.collaboration.weighted_sampling", interrupt
    )
    out = tmp_path / "out"
    code = cgm_jax("run", *files, "--out", out, "--label-column", "sex")
    assert code == 130
    assert "interrupted" in one_line_error(capsys)
    assert list(out.iterdir()) == []


def test_example_digits_are_files_that_run_takes(tmp_path: Path, capsys):
    from cgm_jax.datasets import digits_parties
    from cgm_jax.files import read_parties

    folder = tmp_path / "parties"
    assert cgm_jax("example", "digits", folder) == 0
    parties = read_parties(sorted(folder.iterdir()), label_column="digit")
    data = digits_parties("equal-disjoint")
    for i in range(5):
        np.testing.assert_array_equal(parties.points[i], data.parties[i])
        np.testing.assert_array_equal(parties.labels[i], data.labels[i])
    assert cgm_jax("example", "digits", folder) == 2
    one_line_error(capsys)


@pytest.mark.slow
def test_demo_prints_the_papers_numbers_and_ours_are_equal(tmp_path: Path, capsys):
    """At the paper's size: Tables 5, 6, 9 and 10 to every printed digit."""
    out = tmp_path / "demo"
    assert cgm_jax("demo", "--out", out) == 0
    printed = capsys.readouterr().out
    for text in ("equal-disjoint", "unequal", "0.265 ✓", "0.0672 ✓", "0.00751 ✓"):
        assert text in printed
    assert printed.count("✓") == 2 * (3 + 10)
    assert "✗" not in printed
    assert (out / "report.html").exists()


def test_a_demo_that_is_too_small_says_what_to_do(tmp_path: Path, capsys):
    out = tmp_path / "demo"
    assert cgm_jax("demo", "--out", out, "--num-candidates", 500) == 4
    assert "Draw more candidates" in one_line_error(capsys)
    assert not list(out.iterdir())


def test_help_names_every_command(capsys):
    assert cgm_jax("--help") == 0
    printed = capsys.readouterr().out
    assert all(command in printed for command in ("demo", "run", "example"))


def test_a_kernel_of_ones_own(files, tmp_path: Path, capsys):
    rng = np.random.default_rng(0)
    groups = [rng.normal(size=(30, 2)) + i for i in range(2)]
    network = FeatureNetwork((2, 4, 3), rngs=nnx.Rngs(0))
    learned = fit_kernel(
        jax.random.key(0),
        DeepKernel(network, SquaredExponential(0.3)),
        groups,
        num_steps=2,
    )
    path = tmp_path / "deep.npz"
    learned.save(path)
    words = ["run", *files, "--label-column", "sex", "--num-candidates", 500]
    words += ["--no-stress", "--no-stability", "--kernel"]
    assert cgm_jax(*words, path, "--out", tmp_path / "deep") == 0
    printed = capsys.readouterr().out
    assert f"DeepKernel, J on fitted rows {learned.fitted_power:.4g}" in printed
    assert f"J on held-out rows {learned.held_out_power:.4g}" in printed
    report = json.loads((tmp_path / "deep/mediator/report.json").read_text("utf-8"))
    settings = report["settings"]
    assert settings["kernel"] == "DeepKernel"
    assert settings["kernel: J on held-out rows"] == learned.held_out_power
    assert settings["length scale of the kernel"] == "searched"
    assert f"{report['length_scale']:.5g}" in printed
    assert min(party["own_value"] for party in report["parties"]) > -1e-12
    page = (tmp_path / "deep/mediator/report.html").read_text("utf-8")
    assert "J on held-out rows" in page
    assert cgm_jax("audit", tmp_path / "deep") == 0

    save_kernel(path, SquaredExponential(np.array([1.0, 2.0])))
    assert cgm_jax(*words, path, "--out", tmp_path / "scales") == 0
    assert "length scale" not in capsys.readouterr().out
    text = (tmp_path / "scales/mediator/report.json").read_text("utf-8")
    assert "NaN" not in text
    assert (
        json.loads(text)["settings"]["length scale of the kernel"] == "as in the file"
    )

    save_kernel(path, SquaredExponential(np.ones(3)))
    out = tmp_path / "other"
    assert cgm_jax(*words, path, "--out", out) == 3
    assert "expected a kernel of the 2 columns" in one_line_error(capsys)
    assert cgm_jax(*words, files[0], "--out", out) == 3
    assert "expected a saved kernel" in one_line_error(capsys)
    assert cgm_jax(*words, tmp_path / "none.npz", "--out", out) == 6
    assert "none.npz" in one_line_error(capsys)
    assert not list(out.iterdir())


@pytest.mark.slow
def test_a_trained_generator_supplies_the_rows(files, tmp_path: Path, capsys):
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
    assert "MMD² to 18 held-out rows" in " ".join(capsys.readouterr().out.split())
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

    assert cgm_jax(*trained, "--out", model) == 2  # it is there
    assert "--overwrite" in one_line_error(capsys)
    others = [tmp_path / name for name in ("a.csv", "b.csv")]
    for path in others:
        path.write_text("age,height\n" + "\n".join(f"{i},{2 * i}" for i in range(30)))
    words = ["run", *others, "--generator-model", model, "--out", tmp_path / "new"]
    assert cgm_jax(*words) == 2
    assert "columns age, height, found one of age, income" in one_line_error(capsys)
    words = ["run", *others, "--generator-model", others[0], "--out", tmp_path / "more"]
    assert cgm_jax(*words) == 3
    assert "expected a saved MMD-GAN" in one_line_error(capsys)
