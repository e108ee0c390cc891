"""From the files of hundreds of parties to their rewards, without a table of 2^n."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from cgm_jax import Growing, cli, collaborate
from cgm_jax.collaboration import estimate_uncertainty
from cgm_jax.generators import KernelDensity
from cgm_jax.report import Picture

ROOT = Path(__file__).parent.parent

# The command, and what it held at most: told by itself, since a new process starts
# with its parent's peak.
COMMAND = """
import atexit, sys
from benchmarks.timing import peak_memory
from cgm_jax.cli import main

atexit.register(lambda: print("peak", peak_memory()))
main(sys.argv[1:])
"""


def parties_of(num_parties: int, most: int) -> list[np.ndarray]:
    """Clusters of 3 to ``most`` points that overlap."""
    rng = np.random.default_rng(num_parties)
    sizes = rng.integers(3, most + 1, num_parties)
    return [rng.normal(rng.normal(0, 0.5, 2), 0.7, (size, 2)) for size in sizes]


def files_of(folder: Path, parties: list[np.ndarray]) -> list[Path]:
    paths = [folder / f"bank_{i:03d}.csv" for i in range(len(parties))]
    for path, rows in zip(paths, parties, strict=True):
        np.savetxt(path, rows, "%.6f", ",", header="x,y", comments="")
    return paths


def check_rewards(out: Path, names: list[str]) -> dict:
    """Every party has a file with its reward, as the report says, and its value."""
    data = json.loads((out / "mediator" / "report.json").read_text("utf-8"))
    assert data["shapley_method"] == "polynomial time"
    assert [party["name"] for party in data["parties"]] == names
    for name, reward in zip(names, data["draws"][0]["rewards"], strict=True):
        lines = (out / name / "reward.csv").read_text().splitlines()
        assert lines[0] == "x,y"
        assert len(lines) - 1 == reward["num_points"]
        assert reward["shortfall"] <= 1e-5 * reward["final_value"]
    return data


@pytest.mark.slow
def test_a_run_of_more_parties_than_a_table_has_room_for(
    tmp_path: Path, capsys, monkeypatch
):
    drawn = Picture(b"", 1, 1)  # pictures are made, but not drawn
    monkeypatch.setattr("cgm_jax.report.pictures.render", lambda figure: drawn)
    monkeypatch.delattr("cgm_jax.collaboration.promising.coalition_values")
    files = files_of(tmp_path, parties_of(31, 12))
    words = ["run", *files, "--out", tmp_path / "out", "--no-stability"]
    words += ["--generator", "kde"]
    words += ["--num-candidates", 400, "--resamples", 3]
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    assert end.value.code in (0, None)
    printed = " ".join(capsys.readouterr().out.split())
    assert "and 1 more parties" in printed
    assert "by an integral, without all coalitions" in printed
    assert "± one standard error, of 3 resamples" in printed
    data = check_rewards(tmp_path / "out", [path.stem for path in files])
    assert data["uncertainty"]["num_resamples"] == 3
    assert data["settings"]["resamples"] == 3


@pytest.mark.long
def test_the_command_gives_rewards_to_200_parties_in_4_gib(tmp_path: Path):
    files = files_of(tmp_path, parties_of(200, 40))
    words = ["run", *map(str, files), "--out", str(tmp_path / "out")]
    words += ["--generator", "kde"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words, "--resamples", "20"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    data = check_rewards(tmp_path / "out", [path.stem for path in files])
    assert data["settings"]["stability"]
    peak = int(done.stdout.split("peak ")[1])
    assert 2**27 < peak < 2**32


@pytest.mark.slow
def test_a_thousand_parties():
    parties = parties_of(1_000, 12)
    generator = Growing(KernelDensity(0.1), 4_000)
    result = collaborate(
        jax.random.key(0), parties, generator, inverse_temperature=np.inf
    )
    promises, scheme = result.promises, result.promises.scheme
    assert promises.coalition_values is None
    shortfall = np.array([reward.shortfall for reward in result.draw.rewards])
    assert (shortfall <= 1e-5 * scheme.reward_values).all()
    kernel = promises.kernel
    reference = np.concatenate([*parties, promises.candidates])
    pool = np.concatenate(parties)
    # v(N), in strips: the matrix of the kernel has (10^4)^2 entries.
    with jax.enable_x64(True):
        sums = [
            [
                float(kernel.pairwise(*map(kernel.embed, (x, y))).sum())
                for y in (reference, pool)
            ]
            for x in np.array_split(pool, 20)
        ]
    across, within = np.sum(sums, axis=0)
    value = 2 * across / len(pool) / len(reference) - within / len(pool) ** 2
    assert scheme.shapley_values.sum() == pytest.approx(value, rel=1e-9)
    found = estimate_uncertainty(jax.random.key(1), promises, 2)
    assert (found.shapley_errors > 0).all()
