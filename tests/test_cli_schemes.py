"""``run --scheme``: what is scored how, told to everybody, and audited again."""

import json

import numpy as np
import pytest
from small_runs import cgm_jax, one_line_error, report_of, write_parties

from cgm_jax.cli.schemes import SchemeOptions, scoring_of
from cgm_jax.files import UsageError
from cgm_jax.gram import GramSums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.scoring import HandedIn, Robust, TimeAware
from cgm_jax.scoring.named import NAMES
from cgm_jax.scoring.saving import rebuild_scoring

NAMES_OF_PARTIES = ("north", "south", "west")
QUICK = ("--generator", "kde", "--num-candidates", 500, "--no-stress", "--resamples", 5)


@pytest.fixture
def files(tmp_path):
    return write_parties(tmp_path)[0]


def run(files, out, *options) -> dict:
    words = ("--out", out, "--label-column", "sex", *QUICK, *options)
    assert cgm_jax("run", *files, *words) == 0
    return report_of(out)


def scored_again(report) -> np.ndarray:
    """The scores of what report.json has of the scheme and the sums."""
    sums = GramSums(
        np.array(report["sums"]["between"]),
        np.zeros((0, 4)),
        np.array(report["sums"]["sizes"]),
    )
    handed_in = HandedIn(SquaredExponential(1.0), None, np.zeros((0, 2)), sums)
    scoring = rebuild_scoring(report["scheme"]["scoring"])
    assert scoring is not None
    return scoring.scores(handed_in)


def scores_of(report) -> list[float]:
    return [party["shapley_value"] for party in report["parties"]]


@pytest.mark.medium
def test_joining_times_from_a_file(files, tmp_path, capsys, no_figures):
    times = tmp_path / "times.json"
    times.write_text(json.dumps({"west": 2, "north": 0, "south": 1}))
    out = tmp_path / "out"
    report = run(files, out, "--joined", times)
    assert report["settings"]["scheme"] == report["scheme"]["name"] == "time-aware"
    assert report["scheme"]["scoring"]["joined"] == [0, 1, 2]
    np.testing.assert_allclose(scored_again(report), scores_of(report), rtol=1e-9)
    sentence = 'The scheme is "time-aware": a contribution is what'
    assert sentence in capsys.readouterr().out.replace("\n", " ")
    page = (out / "mediator" / "report.html").read_text("utf-8")
    assert "The scheme is &#34;time-aware&#34;: a contribution" in page
    assert "(the Shapley value), divided by the largest" not in page
    statement = json.loads((out / "west" / "statement.json").read_text("utf-8"))
    assert statement["scheme"] == "time-aware"
    told = (out / "west" / "statement.html").read_text("utf-8")
    assert "averaged over the periods (time-aware)" in told
    checks = report["audit"]["assigned"]
    assert {"F6", "F7", "F8"} < set(checks) and checks["F8"]["promised"]
    assert not checks["F2"]["promised"] and checks["F1"]["promised"]

    code = cgm_jax("audit", out)
    repeated = capsys.readouterr().out.replace("\n", " ")
    assert code == (0 if report["audit"]["kept"] else 4)
    assert "would not get less, had they joined as early (F6)" in repeated
    assert sentence in repeated and "does not promise F2, F3" in repeated


@pytest.mark.medium
def test_a_scheme_of_rows(files, tmp_path, capsys, no_figures):
    report = run(files, tmp_path / "out", "--scheme", "points")
    printed = capsys.readouterr().out.replace("\n", " ")
    assert "It has no standard errors" in printed and "uncertainty" not in report
    assert 'The scheme is "points": a contribution is what each of' in printed
    assert "exact Shapley values" not in printed
    # Points share out the value of all data together.
    total = report["coalition_values"][-1]
    np.testing.assert_allclose(sum(scores_of(report)), total, rtol=1e-5)
    code = cgm_jax("audit", tmp_path / "out")
    repeated = capsys.readouterr().out.replace("\n", " ")
    assert code == (0 if report["audit"]["kept"] else 4)
    assert "The scheme points does not promise F1, F2, F3, F4" in repeated


@pytest.mark.medium
def test_bounded_stakes_and_what_they_cost(files, tmp_path, capsys, no_figures):
    out = tmp_path / "out"
    report = run(files, out, "--scheme", "banzhaf", "--robust")
    assert report["scheme"]["name"] == "robust banzhaf"
    scores = np.array(scores_of(report))
    np.testing.assert_allclose(scored_again(report), scores, rtol=1e-9)
    assert (scores > 0).all()
    assert scores.max() / scores.min() == pytest.approx(1.04, rel=1e-9)
    # Beside the rewards of a run without.
    plain = run(files, tmp_path / "plain", "--scheme", "banzhaf")
    without = [party["reward_value"] for party in plain["parties"]]
    promised = [party["reward_value"] for party in report["parties"]]
    stakes = report["stakes"]
    np.testing.assert_allclose([row["without"] for row in stakes], without, rtol=1e-6)
    assert [row["reward_value"] for row in stakes] == promised
    change = np.array(promised) / without - 1
    np.testing.assert_allclose([row["change"] for row in stakes], change, rtol=1e-4)
    assert "within 4 % of the largest" in capsys.readouterr().out.replace("\n", " ")
    page = (out / "mediator" / "report.html").read_text("utf-8")
    assert "What bounded stakes cost the honest" in page
    assert cgm_jax("audit", out) == (0 if report["audit"]["kept"] else 4)


def test_joining_times_are_inside_the_bound():
    for name in ("robust", "shapley"):
        options = SchemeOptions(name, "0,2,1", robust=True)
        found = scoring_of(options, NAMES_OF_PARTIES)
        assert found == Robust(TimeAware((0, 2, 1)))
        assert found.name == "robust time-aware"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", NAMES)
def test_every_scheme_runs(scheme, files, tmp_path, capsys, no_figures):
    known = {"departures": ("--stay", "0.9,0.5,1"), "precedence": ("--joined", "1,0,0")}
    report = run(files, tmp_path / "out", "--scheme", scheme, *known.get(scheme, ()))
    assert report["scheme"]["name"] == scheme
    told = capsys.readouterr().out.replace("\n", " ")
    assert (f'The scheme is "{scheme}"' in told) == (scheme != "shapley")
    assert cgm_jax("audit", tmp_path / "out") == (0 if report["audit"]["kept"] else 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--scheme", "shaply"], "--scheme: expected a scheme of shapley, banzhaf"),
        (["--scheme", "shaply"], "got 'shaply'; did you mean shapley?"),
        (["--scheme", "departures"], "--scheme: expected probabilities to stay"),
        (["--scheme", "precedence"], "--scheme: expected joining times"),
        (["--stay", "0.5"], "got some with shapley"),
        (
            ["--joined", "0,1"],
            "--joined: expected a file, or 3 whole numbers",
        ),
        (["--joined", "nobody.json"], "--joined: there is no file nobody.json"),
        (["--joined", "0,1,-1"], "--joined: expected a whole joining time >= 0"),
        (["--scheme", "departures", "--stay", "1.5"], "--stay: expected probabilities"),
        (["--scheme", "departures", "--stay", "x"], "--stay: expected a file, or 3"),
    ],
)
def test_wrong_options_are_one_line(options, words, files, tmp_path, capsys):
    out = tmp_path / "out"
    assert cgm_jax("run", *files, "--out", out, *options) == 2
    assert words in one_line_error(capsys)
    assert not out.exists()


@pytest.mark.parametrize(
    "text",
    [
        "[0, 1, 2]",
        '{"north": 0, "south": 1}',
        '{"north": 0, "south": 1, "west": "x"}',
        '{"north": 0, "south": 1, "west": true}',
        "{",
    ],
)
def test_wrong_files_of_times(text, tmp_path):
    path = tmp_path / "times.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="a number for each of north, south, west"):
        scoring_of(SchemeOptions("shapley", str(path)), NAMES_OF_PARTIES)


def test_numbers_are_in_the_order_of_names(tmp_path):
    path = tmp_path / "stay.json"
    path.write_text('{"west": 0.5, "north": 1, "south": 0.9}')
    found = scoring_of(
        SchemeOptions("departures", "0,2,1", str(path)), NAMES_OF_PARTIES
    )
    assert isinstance(found, TimeAware) and found.joined == (0, 2, 1)
    assert found.name == "time-aware departures"
    assert found.scoring == scoring_of(
        SchemeOptions("departures", None, "1,0.9,0.5"), NAMES_OF_PARTIES
    )
    even = scoring_of(SchemeOptions("departures", None, "0.9"), NAMES_OF_PARTIES)
    assert even.stay == 0.9  # type: ignore[attr-defined]
