"""Results of two devices side by side, and how times grow."""

import json
from pathlib import Path

import pytest
from test_benchmarks import ROOFLINE, row, run_benchmarks

from benchmarks import __main__ as command
from benchmarks import scaling
from benchmarks.machine import machine_facts
from benchmarks.scaling import Point, draw_points
from cgm_jax.gram.gram_sums import SMALL, default_tile_size


def written(path: Path, *rows, device: str = "cpu") -> Path:
    facts = {**machine_facts(), "device_kind": device}
    result = {
        "machine": facts,
        "rows": [some.as_json(ROOFLINE) for some in rows],
        "roofline": {"num_bytes": 1e9, "operations": 2e9, "exponentials": 3e9},
    }
    path.write_text(json.dumps(result), "utf-8")
    return path


def test_ratios_of_rows_that_both_have(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "120")
    a = written(tmp_path / "a.json", row(n=20, seconds=3.0), row("slow", t=7))
    b = written(
        tmp_path / "b.json",
        row(n=20, seconds=0.5),
        row(n=21),
        row("new"),
        device="NVIDIA H100",
    )
    assert command.main(["compare", str(a), str(b)]) == 0
    out = capsys.readouterr().out
    (line,) = (line for line in out.splitlines() if "n = 20" in line)
    assert "500 ms" in line and line.split()[-4:] == ["6.00", "1.00", "0e+00", "0e+00"]
    assert "NVIDIA H100" in out
    assert "Rows only in A: 1." in out and "Rows only in B: 2." in out


@pytest.mark.parametrize("text", [None, "{", "{}", "[1]", '{"machine": {}}'])
def test_a_file_that_is_no_result_is_an_error(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture
):
    good, bad = written(tmp_path / "good.json"), tmp_path / "bad.json"
    if text is not None:
        bad.write_text(text)
    with pytest.raises(SystemExit, match="2"):
        command.main(["compare", str(good), str(bad)])
    assert "bad.json: expected a file that" in capsys.readouterr().err


@pytest.mark.slow
def test_how_times_grow(tmp_path: Path):
    out = tmp_path / "scaling.json"
    result = run_benchmarks(out, "--scaling")
    assert {point["along"] for point in result["points"]} == {
        *("t", "n", "d", "g", "devices")
    }
    assert min(point["seconds"] for point in result["points"]) > 0
    assert out.with_suffix(".png").stat().st_size > 10_000


@pytest.mark.medium
def test_the_pass_over_devices_goes_through_a_mesh(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scaling, "_picks", lambda problem, num: lambda: None)
    meshes = []

    def gram_sums(kernel, parties, candidates, *, mesh):
        meshes.append(mesh)
        is_few = len(candidates) + 8 * len(parties[0]) <= SMALL * default_tile_size()
        assert mesh is None or not is_few  # or one device would do all

    monkeypatch.setattr(scaling, "gram_sums", gram_sums)
    for point in scaling.points(small=True):
        used = {None if mesh is None else mesh.size for mesh in meshes}
        is_pass = point.work == "Gram pass"
        num = point.at if point.along == "devices" else None
        assert used == ({num} if is_pass else set())
        meshes.clear()


@pytest.mark.medium
def test_every_size_that_grows_has_a_panel():
    points = [
        Point("pass", along, at, 0.1 * at, 1.0)
        for along in ("t", "devices")
        for at in (1, 2, 4)
    ]
    points += [Point("pick", "devices", at, 1 / at, 1.0) for at in (1, 2, 4)]
    left, right = draw_points(points, "a machine").axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("t", "devices")
    assert [len(panel.lines) for panel in (left, right)] == [1, 2]
