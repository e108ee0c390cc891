"""What is found out about promises, and where a reader sees it."""

import dataclasses
import json
from collections import defaultdict
from importlib import import_module

import jax
import numpy as np
import pytest
from small_collaborations import (
    several_draws,
    small_collaboration,
    with_promises,
    with_reward,
)

from cgm_jax import Collaboration
from cgm_jax.audit import Review, Stress, Trial, audit, review
from cgm_jax.cli.screen import print_audit
from cgm_jax.files import write_json
from cgm_jax.report import Picture, ReportSection, audit_data, report_data, report_page
from cgm_jax.report.data import reasons
from cgm_jax.report.handing_out import before_handing_out
from cgm_jax.report.pictures import draw_pictures
from cgm_jax.report.sentences import (
    audit_remarks,
    audit_summary,
    other_scheme_sentence,
    promise_rows,
    stress_sentence,
)
from cgm_jax.scoring import SumOfPoints

KEY = jax.random.key(1)
NAMES = ["Ada", "B<o>", "Cy"]


def review_with_trials(collaboration: Collaboration) -> Review:
    """A review with trials of cheating that are made up."""
    gains = {"split in 2": 0.01, "hand in twice": -0.02, "copy the best other": np.nan}
    trials = [
        Trial(i, name, 0.0, 0.0, gain * (i + 1), 0.5, 7, 1.0, "optimal")
        for i in range(3)
        for name, gain in gains.items()
    ]
    joint = np.array([0.1, 0.2, 0.4])
    stress = Stress(
        {"shapley": collaboration.promises.scheme},
        {"shapley": joint[None]},
        tuple(trials),
    )
    reviewed = review(KEY, collaboration, stress_test=False)
    return dataclasses.replace(reviewed, stress=stress)


def section_of(collaboration: Collaboration, reviewed: Review) -> ReportSection:
    return ReportSection(
        "Rewards",
        collaboration.promises,
        [collaboration.draw],
        NAMES,
        review=reviewed,
    )


def page_of(section: ReportSection) -> str:
    pictures = defaultdict(lambda: Picture(b"", 1, 1))
    return report_page([section], [pictures], title="t", settings={})


@pytest.mark.medium
def test_everything_is_on_the_page_and_in_the_file(tmp_path):
    result = small_collaboration(3, 2)
    found = review_with_trials(result)
    section = section_of(result, found)
    page = page_of(section)
    data = report_data(section, settings={})
    write_json(tmp_path / "report.json", data)
    data = json.loads((tmp_path / "report.json").read_text("utf-8"))
    escaped = page.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"')
    for sentence in [
        audit_summary(found.audit),
        *(row.promise for row in promise_rows(found.audit, NAMES)),
        *audit_remarks(found.audit),
        *reasons(found, NAMES),
        stress_sentence(found.stress, NAMES),
    ]:
        assert sentence.replace("'", "&#39;") in escaped, sentence
    # 0.03 of 0.4 more for the third; a dash where there is no number.
    assert "<td>+7.5 %</td>" in page and "<td>−20.0 %</td>" in page
    assert page.count('<th scope="row" class="word">copy the best other</th>') == 1
    assert data["audit"] == json.loads(json.dumps(audit_data(audit(result), NAMES)))
    assert data["reasons"] == reasons(found, NAMES)
    assert data["stress"]["joint_values"] == {"shapley": [0.1, 0.2, 0.4]}
    assert data["stress"]["trials"][2]["joint_gain"] is None
    assert data["stress"]["trials"][3]["party"] == "B<o>"


def test_other_schemes_that_were_tried_are_beside_the_one_in_use(no_figures):
    result = small_collaboration(3, 2)
    found = review_with_trials(result)
    stress = found.stress
    others = tuple(
        dataclasses.replace(trial, scoring="points", joint_gain=-0.01)
        for trial in stress.trials
    )
    both = Stress(
        {**stress.honest, "points": stress.honest["shapley"]},
        {**stress.joint_values, "points": stress.joint_values["shapley"]},
        stress.trials + others,
    )
    section = section_of(result, dataclasses.replace(found, stress=both))
    sentence = other_scheme_sentence(both)
    assert sentence == (
        '"split in 2" would have paid nobody under points (no other way of those tried '
        "pays there)."
    )
    page = page_of(section).replace("&#34;", '"')
    assert "Under which scheme would it have paid?" in page and sentence in page
    assert "Under which scheme" not in page_of(section_of(result, found))
    assert "gains" in draw_pictures(section)
    assert "gains" not in draw_pictures(section_of(result, found))
    assert sentence in before_handing_out(section)["Cheating"]
    table = report_data(section, settings={})["stress"]["table"]
    assert table["schemes"] == ["shapley", "points"]


def test_without_a_trial_of_cheating_there_is_no_table():
    result = small_collaboration(3, 2)
    page = page_of(section_of(result, review(KEY, result, stress_test=False)))
    assert "Were the promises kept?" in page and "cheating" not in page


@pytest.mark.medium
def test_of_several_draws_it_says_which():
    promises, draws = several_draws()
    found = review_with_trials(Collaboration(promises, draws[1]))
    page = page_of(ReportSection("Rewards", promises, draws, NAMES, review=found))
    assert "each party holds now (β = 2)" in page
    assert found.inverse_temperature == 2.0


def test_rows_that_parties_share_are_a_warning():
    result = small_collaboration(3, 2)
    first, second, third = result.promises.parties
    copied = [first, second, np.concatenate([third, first])]
    found = review(KEY, with_promises(result, parties=copied), stress_test=False)
    warnings = report_data(section_of(result, found), settings={})["warnings"]
    assert any("6 of the 6 rows of Ada" in line for line in warnings)


@pytest.mark.medium
def test_cheating_is_tried_out_where_it_was_asked_for(monkeypatch):
    calls = []

    def stress(key, promises, **options):
        options.pop("progress")("what cheating would gain", 1.0)
        calls.append((key, promises, options))
        return "tried"

    module = import_module("cgm_jax.audit.review")  # the function has the same name
    monkeypatch.setattr(module, "stress", stress)
    result, stages = small_collaboration(3, 2), []
    assert review(KEY, result, stress_test=False).stress is None and not calls
    found = review(KEY, result, progress=lambda *stage: stages.append(stage))
    assert found.stress == "tried"
    assert stages == [
        ("audit", 0.0),
        ("what cheating would gain", 1.0),
        ("evidence in the rows", 0.0),
    ]
    ((used, promises, options),) = calls
    assert used != KEY and promises is result.promises  # a child of the key
    points = result.promises.parties
    assert options == {
        "scorings": (result.promises.scoring,),
        "labels": None,
        "inverse_temperature": result.draw.inverse_temperature,
        "outlier_scales": (),
    }
    others, labels = [SumOfPoints()], [np.zeros(len(x)) for x in points]
    review(KEY, result, scorings=others, labels=labels)
    options = calls[-1][2]
    assert options["scorings"] == (result.promises.scoring, *others)
    assert options["labels"] is labels
    many = with_promises(result, parties=result.promises.parties * 7)
    monkeypatch.setattr(module, "find_evidence", lambda *_, groups: None)
    assert review(KEY, many).stress is None


def test_the_screen_shows_every_promise_once(capsys):
    result = small_collaboration(3, 2)
    broken = audit(with_reward(result, 1, values=result.draw.rewards[1].values * 0.5))
    for found in (audit(result), broken):
        print_audit(found, NAMES)
        text = capsys.readouterr().out
        for row in promise_rows(found, NAMES):
            assert text.count(row.promise) == 1
        assert text.startswith("warning: ") == (not found.is_kept)
        assert ("broken" in text) == (not found.is_kept)


def test_a_row_a_promise_with_both_verdicts():
    result = small_collaboration(3, 2)
    broken = audit(with_reward(result, 1, values=result.draw.rewards[1].values * 0.5))
    rows = {row.name: row for row in promise_rows(broken, NAMES)}
    assert set(rows) == (set(broken.assigned) | set(broken.realised)) - {"R7"}
    for name, row in rows.items():
        both = ("assigned", row.assigned), ("realised", row.realised)
        for kind, verdict in both:
            check = getattr(broken, kind).get(name)
            assert (verdict is None) == (check is None)
            if verdict is None:
                continue
            assert verdict.is_broken == ((kind, check) in broken.broken)
            assert verdict.is_broken == (verdict.words == "broken")
            if check.num_cases:
                assert NAMES[check.parties[0]] in verdict.tightest
            if verdict.margin is not None:
                assert verdict.margin == check.margin
    delivery = rows["delivery"].realised
    assert delivery.is_broken and delivery.tightest == "B<o>" and delivery.margin < 0
