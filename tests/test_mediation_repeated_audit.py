"""The audit of finished runs, from their files alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_runs import cgm_jax, opened

from cgm_jax.mediation.publish import publish_mediation
from cgm_jax.mediation.repeated_audit import audit_folder
from cgm_jax.mediation.run import Settings, mediate


@pytest.fixture
def out(small_run, tmp_path) -> Path:
    """A copy of the small run that a test may spoil."""
    return small_run.copy(tmp_path)


def change(out: Path, edit) -> None:
    path = out / "mediator" / "report.json"
    data = json.loads(path.read_text("utf-8"))
    edit(data)
    path.write_text(json.dumps(data), "utf-8")


def test_files_tell_what_the_run_found(small_run):
    mediation = small_run.mediation
    (draw,) = audit_folder(small_run.out)
    then = mediation.review.audit
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
    assert cgm_jax("audit", out) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "β = 4" in printed and "All promises were kept." in printed
    assert "Nobody gets less than the value of their own data (R4)" in printed
    assert "broken" not in printed


@pytest.mark.parametrize(
    ("edit", "words", "party"),
    [
        (
            lambda data: data["draws"][0]["rewards"][1].update(final_value=0.0),
            "Everyone was handed what they were promised │ – │ broken, -0.",
            "south",
        ),
        (
            lambda data: data["parties"][2].update(reward_value=1e-9),
            "Nobody gets less than the value of their own data (R4) │ broken, -0.",
            "west",
        ),
    ],
)
def test_broken_promises_exit_with_4(out, capsys, edit, words, party):
    change(out, edit)
    assert cgm_jax("audit", out) == 4
    captured = capsys.readouterr()
    _, row = " ".join(captured.out.split()).split(words)
    assert row.split("│")[0].split(": ")[1].startswith(party)
    assert "promises were broken in 1 of 1 draws" in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("spoil", ["change", "remove"])
def test_other_files_than_were_valued_are_a_broken_promise(out, capsys, spoil):
    path = out / "west" / "reward.csv"
    if spoil == "remove":
        path.unlink()
    else:
        path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    assert cgm_jax("audit", out) == 4
    assert "west/reward.csv is missing, or is not" in capsys.readouterr().out


def test_what_is_no_finished_run(tmp_path, out, capsys):
    assert cgm_jax("audit", tmp_path / "nowhere") == 2
    assert "found neither" in capsys.readouterr().err
    for text in ("{", "[]", "{}", '{"splits": {"a": {}}}'):
        (out / "mediator" / "report.json").write_text(text)
        assert cgm_jax("audit", out) == 3
        message = capsys.readouterr().err
        assert "report.json: expected the report.json of" in message
        assert message.endswith(
            "found a damaged or another one; run it again with --overwrite\n"
        )


@pytest.mark.slow
def test_more_parties_than_a_table_has_room_for(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    files = [tmp_path / f"bank_{i}.csv" for i in range(22)]
    for i, path in enumerate(files):
        rows = rng.normal(0.2 * (i % 4), 1, size=(20 + i, 2))
        np.savetxt(path, rows, "%.6f", ",", header="x,y", comments="")
    settings = Settings(
        generator="kde", num_candidates=200, stability=False, stress_test=False
    )
    monkeypatch.setattr("cgm_jax.mediation.publish.report_page", lambda *a, **k: "")
    monkeypatch.setattr("cgm_jax.mediation.publish.draw_pictures", lambda section: {})
    mediation = mediate(opened(files), tmp_path / "out", settings)
    publish_mediation(mediation)
    (draw,) = audit_folder(tmp_path / "out")
    then = mediation.review.audit
    assert not then.is_exact and not draw.audit.is_exact
    for name, check in then.assigned.items():
        assert draw.audit.assigned[name].margin == pytest.approx(check.margin, abs=1e-9)
