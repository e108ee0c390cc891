"""What is found out about promises, and where a reader sees it."""

import dataclasses
import json

import jax
import numpy as np
from small_collaborations import several_draws, small_collaboration

from cgm_jax.audit import Stress, Trial, audit, audit_data, audit_sentences
from cgm_jax.audit.review import scrutinize
from cgm_jax.cli.screen import print_audit
from cgm_jax.files import write_json
from cgm_jax.report.page import ReportSection, report_data, report_page

NAMES = ["Ada", "B<o>", "Cy"]


def scrutinized(collaboration):
    found = scrutinize(collaboration)
    gains = {"split in 2": 0.01, "hand in twice": -0.02, "copy the best other": np.nan}
    trials = [
        Trial(i, name, 0.0, 0.0, gain * (i + 1), 0.5, 7, 1.0, "optimal")
        for i in range(3)
        for name, gain in gains.items()
    ]
    joint = np.array([0.1, 0.2, 0.4])
    stressed = Stress(collaboration.scheme, joint, tuple(trials))
    return dataclasses.replace(found, stress=stressed)


def test_everything_is_on_the_page_and_in_the_file(tmp_path):
    result = small_collaboration(3, 2)
    found = scrutinized(result)
    section = ReportSection("Rewards", [result], NAMES, scrutiny=found)
    page = report_page([section], title="t", settings={})
    data = report_data(section, settings={})
    write_json(tmp_path / "report.json", data)
    data = json.loads((tmp_path / "report.json").read_text("utf-8"))
    escaped = page.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"')
    for sentence in [
        *audit_sentences(found.audit, NAMES),
        *found.reasons(NAMES),
        found.stress.sentence(NAMES),
    ]:
        assert sentence.replace("'", "&#39;") in escaped, sentence
    # 0.03 of 0.4 more for the third; a dash where there is no number.
    assert "<td>+7.5 %</td>" in page and "<td>−20.0 %</td>" in page
    assert page.count('<th scope="row" class="word">copy the best other</th>') == 1
    assert data["audit"] == json.loads(json.dumps(audit_data(audit(result), NAMES)))
    assert data["reasons"] == found.reasons(NAMES)
    assert data["stress"]["joint_values"] == [0.1, 0.2, 0.4]
    assert data["stress"]["trials"][2]["joint_gain"] is None
    assert data["stress"]["trials"][3]["party"] == "B<o>"


def test_without_a_trial_of_cheating_there_is_no_table():
    result = small_collaboration(3, 2)
    section = ReportSection("Rewards", [result], NAMES, scrutiny=scrutinize(result))
    page = report_page([section], title="t", settings={})
    assert "Were the promises kept?" in page and "cheating" not in page


def test_of_several_draws_it_says_which():
    draws = several_draws()
    found = scrutinized(draws[1])
    section = ReportSection("Rewards", draws, NAMES, scrutiny=found)
    page = report_page([section], title="t", settings={})
    assert "each party holds now (β = 2)" in page
    assert found.inverse_temperature == 2.0


def test_rows_that_parties_share_are_a_warning():
    result = small_collaboration(3, 2)
    first, second, third = result.parties
    copied = [first, second, np.concatenate([third, first])]
    found = scrutinize(dataclasses.replace(result, parties=copied))
    section = ReportSection("Rewards", [result], NAMES, scrutiny=found)
    warnings = report_data(section, settings={})["warnings"]
    assert any("6 of 6 rows of Ada are rows of Cy" in line for line in warnings)


def test_cheating_is_tried_out_where_it_was_asked_for(monkeypatch):
    calls = []

    def stress(key, parties, candidates, **options):
        options.pop("progress")(1.0)
        calls.append((key, parties, candidates, options))
        return "tried"

    monkeypatch.setattr("cgm_jax.audit.review.stress", stress)
    result, key, stages = small_collaboration(3, 2), jax.random.key(1), []
    assert scrutinize(result).stress is None and not calls
    found = scrutinize(
        result,
        stress_key=key,
        progress=lambda stage, share: stages.append((stage, share)),
    )
    assert found.stress == "tried"
    assert stages == [("audit", 0.0), ("what cheating would gain", 1.0)]
    ((used, parties, candidates, options),) = calls
    assert used is key and parties is result.parties
    assert candidates is result.candidates
    assert options == {
        "kernel": result.kernel,
        "inverse_temperature": result.inverse_temperature,
        "stability": result.stability,
        "outlier_scales": (),
    }
    many = dataclasses.replace(result, parties=result.parties * 7)
    monkeypatch.setattr("cgm_jax.audit.review.shared_rows", lambda parties: None)
    assert scrutinize(many, stress_key=key).stress is None


def test_the_screen_shows_what_is_broken_first(capsys):
    result = small_collaboration(3, 2)
    print_audit(audit(result), NAMES)
    assert capsys.readouterr().out == "All promises were kept.\n"
    poor = dataclasses.replace(result.rewards[1], values=result.rewards[1].values * 0.5)
    broken = audit(
        dataclasses.replace(
            result, rewards=[result.rewards[0], poor, result.rewards[2]]
        )
    )
    for in_full in (False, True):
        print_audit(broken, NAMES, in_full=in_full)
        text = " ".join(capsys.readouterr().out.split())
        assert text.startswith("warning: ") and "warning: Every party was" in text
        assert ("- Some party gets" in text) == in_full
