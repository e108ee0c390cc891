"""The audit of finished runs, from their files alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from cgm_jax import cli
from cgm_jax.mediation.repeated_audit import audit_folder
from cgm_jax.mediation.run import Settings, mediate


def files_of(folder: Path, num_parties: int) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = []
    for i in range(num_parties):
        rows = rng.normal(0.2 * (i % 4), 1, size=(20 + i, 2))
        paths.append(folder / f"bank_{i}.csv")
        np.savetxt(paths[-1], rows, "%.6f", ",", header="x,y", comments="")
    return paths


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    settings = Settings(num_candidates=300, stability=False, beta=4.0, stress=False)
    return mediate(files_of(folder, 3), folder / "out", settings), folder / "out"


@pytest.fixture
def out(run, tmp_path) -> Path:
    """A copy that a test may spoil."""
    copy = tmp_path / "out"
    for path in run[1].rglob("*"):
        if path.is_file():
            to = copy / path.relative_to(run[1])
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(path.read_bytes())
    return copy


def command(*words) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    return end.value.code


def change(out: Path, edit) -> None:
    path = out / "mediator" / "report.json"
    data = json.loads(path.read_text("utf-8"))
    edit(data)
    path.write_text(json.dumps(data), "utf-8")


def test_files_tell_what_the_run_found(run):
    mediation, out = run
    (draw,) = audit_folder(out)
    then = mediation.scrutiny.audit
    assert draw.is_kept and then.is_kept and draw.names == mediation.parties.names
    assert draw.audit.tolerance == pytest.approx(then.tolerance, rel=1e-12)
    assert draw.audit.negative_picks == then.negative_picks
    assert draw.audit.conditions == then.conditions
    for kind in ("assigned", "realised"):
        before, after = getattr(then, kind), getattr(draw.audit, kind)
        assert list(before) == list(after)
        for name, check in before.items():
            assert after[name].margin == pytest.approx(check.margin, abs=1e-12)
            assert after[name].parties == check.parties
            assert after[name].holds == check.holds


def test_kept_promises_end_well(out, capsys):
    assert command("audit", out) in (0, None)
    printed = " ".join(capsys.readouterr().out.split())
    assert "β = 4" in printed and "All promises were kept." in printed
    assert "No party is worse off" in printed


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda data: data["draws"][0]["rewards"][1].update(final_value=0.0),
            "Every party was handed what it was promised: by what was handed out, this "
            "is broken for bank_1",
        ),
        (
            lambda data: data["parties"][2].update(reward_value=1e-9),
            "No party is worse off than with its own data alone: as assigned, this is "
            "broken for bank_2",
        ),
    ],
)
def test_broken_promises_exit_with_4(out, capsys, edit, words):
    change(out, edit)
    assert command("audit", out) == 4
    captured = capsys.readouterr()
    assert words in " ".join(captured.out.split())
    assert "promises were broken in 1 of 1 draws" in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("spoil", ["change", "remove"])
def test_other_files_than_were_valued_are_a_broken_promise(out, capsys, spoil):
    path = out / "bank_2" / "reward.csv"
    if spoil == "remove":
        path.unlink()
    else:
        path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    assert command("audit", out) == 4
    assert "bank_2/reward.csv is missing, or is not" in capsys.readouterr().out


def test_what_is_no_finished_run(tmp_path, out, capsys):
    assert command("audit", tmp_path / "nowhere") == 2
    assert "found neither" in capsys.readouterr().err
    for text in ("{", "[]", "{}", '{"splits": {"a": {}}}'):
        (out / "mediator" / "report.json").write_text(text)
        assert command("audit", out) == 3
        assert "report.json: expected the report.json of" in capsys.readouterr().err


@pytest.mark.slow
def test_more_parties_than_a_table_has_room_for(tmp_path, monkeypatch):
    settings = Settings(num_candidates=200, stability=False, stress=False)
    monkeypatch.setattr("cgm_jax.mediation.run.report_page", lambda *a, **k: "")
    done = mediate(files_of(tmp_path, 22), tmp_path / "out", settings)
    (draw,) = audit_folder(tmp_path / "out")
    then = done.scrutiny.audit
    assert not then.is_exact and not draw.audit.is_exact
    for name, check in then.assigned.items():
        assert draw.audit.assigned[name].margin == pytest.approx(check.margin, abs=1e-9)
