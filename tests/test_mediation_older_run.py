"""What an older run left in the output folder: what goes, what stays, what is said."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import NAMES, cgm_jax, report_of

from cgm_jax._shared.digests import digest_of_file
from cgm_jax.mediation.older_run import listed_files, remove_older
from cgm_jax.mediation.publish import publish_mediation


@pytest.fixture
def out(small_run, tmp_path: Path) -> Path:
    """A finished run of the three parties and of one that left."""
    out = small_run.copy(tmp_path)
    left = out / "left" / "reward.csv"
    left.parent.mkdir()
    left.write_text("age,income,sex\n31,900,f\n")
    list_file(out, "left/reward.csv", digest_of_file(left))
    return out


def list_file(out: Path, name: str, digest: str) -> None:
    report = report_of(out)
    report["reward_files"].append({"file": name, "sha256": digest})
    (out / "mediator" / "report.json").write_text(json.dumps(report))


def publish_again(small_run, out: Path) -> None:
    publish_mediation(replace(small_run.mediation, folder=out))


@pytest.mark.medium
def test_the_folder_of_a_party_that_left_goes(small_run, no_figures, out):
    (out / "mine.txt").write_text("keep")
    (out / "own").mkdir()
    (out / "own" / "reward.csv").write_text("keep")
    publish_again(small_run, out)
    assert not (out / "left").exists()
    assert (out / "mine.txt").read_text() == "keep"
    assert (out / "own" / "reward.csv").read_text() == "keep"
    for name in NAMES:
        assert (out / name / "reward.csv").is_file()
    assert {path.parent.name for path, _ in listed_files(out)} == set(NAMES)


@pytest.mark.medium
def test_files_that_were_changed_or_are_beside_stay(small_run, no_figures, out):
    (out / "left" / "notes.txt").write_text("keep")
    (out / "changed").mkdir()
    (out / "changed" / "reward.csv").write_text("as the user has it")
    list_file(out, "changed/reward.csv", "0" * 64)
    publish_again(small_run, out)
    assert [path.name for path in (out / "left").iterdir()] == ["notes.txt"]
    assert (out / "changed" / "reward.csv").exists()


@pytest.mark.parametrize("through", ["..", "absolute", "link"])
@pytest.mark.medium
def test_nothing_outside_of_the_folder_is_listed(out, tmp_path, through):
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside / "reward.csv"
    target.write_text("keep")
    (out / "link").symlink_to(outside)
    name = {"..": "../outside/reward.csv", "absolute": str(target)}
    list_file(out, name.get(through, "link/reward.csv"), digest_of_file(target))
    older = listed_files(out)
    assert target not in {file.path for file in older}
    (out / "mediator" / "report.json").write_text("{}")
    remove_older(out, older)
    assert target.read_text() == "keep"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"reward_files": [1]}', "\xff"])
@pytest.mark.medium
def test_a_damaged_report_lists_nothing(out, text):
    (out / "mediator" / "report.json").write_text(text, "latin-1")
    assert listed_files(out) == []


@pytest.mark.medium
def test_an_interrupted_run_leaves_the_older_list(
    small_run, no_figures, out, monkeypatch
):
    """The next run with --overwrite still knows whose folder is not its own."""

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cgm_jax.mediation.publish.write_text", interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish_again(small_run, out)
    assert (out / "left" / "reward.csv").exists()
    publish_again(small_run, out)
    assert not (out / "left").exists()


@pytest.mark.medium
def test_an_audit_warns_of_folders_of_no_party(small_run, tmp_path, capsys):
    out = small_run.copy(tmp_path)
    assert cgm_jax("audit", out) == 0
    assert "not of this run" not in capsys.readouterr().out
    for name in ("left", ".git"):
        (out / name).mkdir()
    (out / "mine.txt").write_text("keep")
    assert cgm_jax("audit", out) == 0
    printed = capsys.readouterr().out
    assert "warning: left/ is not of this run" in printed
    assert ".git" not in printed and "mine.txt" not in printed
