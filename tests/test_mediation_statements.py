"""Statements of a real run: right about the party's own, silent about all others."""

import csv
import dataclasses
import json
import re
from collections import Counter

import jax
import numpy as np
import pytest
from report_pages import Page
from small_runs import cgm_jax, report_of
from small_statements import (
    NAMES,
    RARE,
    SEED,
    SIZES,
    run_tables,
    with_other_data,
    with_promises,
    with_scheme,
    write_tables,
)

from cgm_jax._shared.digests import digest_of_file
from cgm_jax.cli import mediator
from cgm_jax.files import read_tables
from cgm_jax.mediation.publish import publish_mediation
from cgm_jax.mediation.statements import party_statements
from cgm_jax.mediation.tables import TableOptions
from cgm_jax.metrics import table_quality
from cgm_jax.report.pictures import draw_statement
from cgm_jax.report.statement import statement_data
from cgm_jax.rewards import RewardStatus

SHOWN = ("none", "ranks", "all")
NUMBERS = ("income", "age", "admitted")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The files and what was computed of them."""
    folder = tmp_path_factory.mktemp("statements")
    return folder, run_tables(write_tables(folder), folder / "out")


@pytest.fixture(scope="module", params=SHOWN)
def published(request, run, tmp_path_factory):
    """What of contributions is shown, and the folder of the statements."""
    out = tmp_path_factory.mktemp(request.param)
    mediation = dataclasses.replace(run[1], folder=out)
    publish_mediation(mediation, show_shares=request.param)
    return request.param, out


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def page_of(out, name):
    """The page without what pictures hold."""
    text = (out / name / "statement.html").read_text("utf-8")
    return re.sub(r"base64,[^\"]*", "", text.split("</style>")[1])


def written_for(out, name):
    """All text of a party's statement, without digests."""
    text = page_of(out, name) + (out / name / "statement.json").read_text("utf-8")
    return re.sub(r"\b[0-9a-f]{64}\b", "", text)


def numbers_in(text):
    """Numbers but percentages and those in names of columns and options."""
    found = re.findall(
        r"(?<![\w.,-])-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?!\.?\d| ?%|\w)", text
    )
    return {number.rstrip(",") for number in found}


def spellings(value):
    """How a number might be written, unless that is a round one."""
    forms = {
        repr(float(value)),
        *(f"{value:{form}}" for form in (".4g", "#.4g", ".6g")),
    }
    return {form for form in forms if float(form) != round(float(form), 2)}


# --- nothing of others


@pytest.mark.medium
def test_no_cell_of_another_party_is_written(run, published):
    folder, out = run[0], published[1]
    for i, name in enumerate(NAMES):
        text = written_for(out, name)
        own = {
            value for row in read_csv(folder / f"{name}.csv") for value in row.values()
        }
        for other in set(NAMES) - {name}:
            cells = read_csv(folder / f"{other}.csv")
            for column in ("income", "job", "admitted"):
                for cell in {row[column] for row in cells} - own:
                    assert cell not in text, (name, column)
            assert not {row["patient no"] for row in cells} & numbers_in(text)
        assert RARE[i] in text  # the test would see it
        assert not [rare for rare in RARE if rare in text and rare != RARE[i]]


@pytest.mark.medium
def test_no_size_of_others_and_no_seed_is_written(published):
    for i, name in enumerate(NAMES):
        numbers = numbers_in(written_for(published[1], name))
        assert str(SIZES[i]) in numbers
        others = {*SIZES, sum(SIZES), sum(SIZES) - SIZES[i], SEED} - {SIZES[i]}
        assert not {str(size) for size in others} & numbers


@pytest.mark.medium
def test_names_of_others_only_where_all_shares_are_shown(published):
    shown, out = published
    for name in NAMES:
        text = written_for(out, name)
        for other in set(NAMES) - {name}:
            assert (other in text) == (shown == "all")


@pytest.mark.medium
def test_values_of_others_are_shown_as_far_as_agreed(run, published):
    (shown, out), scheme = published, run[1].collaboration.promises.scheme
    facts = [
        scheme.shapley_values,
        scheme.own_values,
        scheme.reward_values,
        scheme.lower_values,
        scheme.upper_values,
        [reward.final_value for reward in run[1].collaboration.draw.rewards],
    ]
    for i, name in enumerate(NAMES):
        numbers = numbers_in(written_for(out, name))
        own = set().union(*(spellings(values[i]) for values in facts))
        assert len(own & numbers) >= 3  # the test would see those of others
        for j in set(range(3)) - {i}:
            for values in facts:
                assert not (spellings(values[j]) - own) & numbers
        most = spellings(scheme.max_reward_value) | spellings(scheme.rho)
        most |= spellings(run[1].review.audit.tolerance)
        assert not sorted((most - own) & numbers)
        alphas = [spellings(alpha) for alpha in scheme.normalized_shapley if alpha < 1]
        assert len(alphas) == 2
        for forms in alphas:
            assert bool(forms & numbers) == (shown == "all")


@pytest.mark.medium
def test_values_have_four_digits(run, published):
    """With all digits, guesses of others' rows could be tried out."""
    scheme = run[1].collaboration.promises.scheme
    for i, name in enumerate(NAMES):
        numbers = numbers_in(written_for(published[1], name))
        for values in (scheme.own_values, scheme.shapley_values, scheme.reward_values):
            assert repr(float(f"{values[i]:.4g}")) in numbers
            assert not {repr(float(values[i])), f"{values[i]:.8g}"} & numbers


@pytest.mark.medium
def test_ranks_are_shown_unless_nothing_is(run, published):
    (shown, out), phi = published, run[1].collaboration.promises.scheme.shapley_values
    words = ("first", "second", "third")
    for i, name in enumerate(NAMES):
        place = f"the {words[int((phi > phi[i]).sum())]} of three"
        text = Page((out / name / "statement.html").read_text("utf-8")).text
        assert (place in text) == (shown != "none")
        data = json.loads((out / name / "statement.json").read_text("utf-8"))
        assert (data["share"] is None) == (shown == "none")
        if shown == "all":
            alphas = [float(f"{alpha:.4g}") for alpha in phi / phi.max()]
            assert data["share"]["alphas"] == dict(zip(NAMES, alphas, strict=True))


@pytest.mark.parametrize("party", range(3))
@pytest.mark.medium
def test_a_statement_depends_on_no_row_of_others(run, party):
    other = with_other_data(run[1], party)
    assert len(other.tables.points[party - 1]) == 3 * SIZES[party - 1]
    scales = [m.tables.codec.columns[1].scale for m in (run[1], other)]
    assert scales[1] > 2 * scales[0]  # all points are scaled otherwise
    one, same = (party_statements(m, "ranks")[party] for m in (run[1], other))
    assert statement_data(one) == statement_data(same)
    assert one.coordinates == same.coordinates
    for points in ("own_points", "reward_points"):
        np.testing.assert_allclose(
            getattr(one, points), getattr(same, points), atol=2e-5
        )
    columns = [draw_statement(statement)["columns"].png for statement in (one, same)]
    assert columns[0] == columns[1]


# --- right about its own


@pytest.mark.medium
def test_facts_are_those_of_the_files(run, published):
    folder, out = run[0], published[1]
    for name, num in zip(NAMES, SIZES, strict=True):
        data = json.loads((out / name / "statement.json").read_text("utf-8"))
        given, reward = folder / f"{name}.csv", out / name / "reward.csv"
        assert data["file_sha256"] == digest_of_file(given)
        assert data["reward"]["sha256"] == digest_of_file(reward)
        own, rows = read_csv(given), read_csv(reward)
        assert data["num_rows"] == num == len(own)
        assert data["reward"]["num_points"] == len(rows)
        assert [column["name"] for column in data["columns"]] == list(own[0])
        columns = {column["name"]: column for column in data["columns"]}
        assert columns["age"]["num_missing"] == sum(not row["age"] for row in own)
        assert columns["patient no"]["kind"] == "identifier"
        assert columns["ward"]["kind"] == "label"
        held_back = {row["job"] for row in own} - {"clerk", "nurse", "smith"}
        assert set(columns["job"]["held_back"]) == held_back
        assert not held_back & {row["job"] for row in rows}


@pytest.mark.medium
def test_nearness_is_that_of_the_files(run, published):
    folder, out = run[0], published[1]
    statements = party_statements(run[1])
    for i, name in enumerate(NAMES):
        data = json.loads((out / name / "statement.json").read_text("utf-8"))
        own, rows = (
            read_csv(folder / f"{name}.csv"),
            read_csv(out / name / "reward.csv"),
        )
        valued = [*NUMBERS, "job"]
        held = {tuple(row[column] for column in valued) for row in own}
        equal = sum(tuple(row[column] for column in valued) in held for row in rows)
        assert data["reward"]["num_equal_to_own"] == equal == 0
        mine, theirs = (
            np.array([places(row) for row in table]) for table in (own, rows)
        )
        scale, mean = np.nanstd(mine, axis=0), np.nanmean(mine, axis=0)
        mine, theirs = (
            np.nan_to_num((x - mean) / scale, nan=1e3) for x in (mine, theirs)
        )
        gaps = np.abs(mine[None] - theirs[:, None]).max(axis=2)
        jobs = [np.array([row["job"] for row in table]) for table in (own, rows)]
        gaps[jobs[1][:, None] != jobs[0][None]] = np.inf
        assert data["reward"]["num_near_own"] == (gaps.min(axis=1) <= 0.05).sum()
        points = statements[i].own_points[:, 0]  # in standard deviations of its own
        np.testing.assert_allclose(points, mine[:, 0], atol=1e-6)


def places(row):
    """Numbers and dates of a row, nan where one is missing."""
    day = (np.datetime64(row["admitted"]) - np.datetime64("2021-01-01")).astype(int)
    return float(row["income"]), float(row["age"] or "nan"), float(day)


@pytest.mark.medium
def test_own_rows_that_are_handed_out_are_counted(run):
    mediation, party = run[1], 1
    points = mediation.tables.points[party]
    draw = mediation.collaboration.draw
    rewards = list(draw.rewards)
    candidates = np.concatenate([points[:3], points[:4] + 1e-4, points[:2] + 9])
    rewards[party] = dataclasses.replace(
        rewards[party], indices=np.arange(9), values=np.linspace(0, 1, 9)
    )
    for i in (0, 2):
        rewards[i] = dataclasses.replace(
            rewards[i], indices=np.arange(0), values=np.zeros(0)
        )
    changed = with_promises(mediation, candidates=candidates.astype(np.float32))
    collaboration = dataclasses.replace(
        changed.collaboration, draw=dataclasses.replace(draw, rewards=rewards)
    )
    rows = tuple(
        mediation.tables.codec.decode(candidates[reward.indices]) for reward in rewards
    )
    changed = dataclasses.replace(changed, collaboration=collaboration, rewards=rows)
    found = party_statements(changed)
    assert (found[party].num_equal, found[party].num_near) == (3, 7)
    assert [s.num_points for s in found] == [0, 9, 0]
    assert found[0].quality is None and list(draw_statement(found[0])) == ["rows"]


@pytest.mark.medium
def test_quality_can_be_computed_from_the_two_files(run, published, tmp_path):
    folder, out = run[0], published[1]
    for name in NAMES:
        data = json.loads((out / name / "statement.json").read_text("utf-8"))
        kinds = {column["name"]: column["kind"] for column in data["columns"]}
        del kinds["ward"]
        reward = tmp_path / f"reward_{name}.csv"
        reward.write_bytes((out / name / "reward.csv").read_bytes())
        both = read_tables([folder / f"{name}.csv", reward], label_column="ward")
        found = table_quality(
            jax.random.key(0),
            [both.tables[both.names.index(name)]],
            both.tables[both.names.index(f"reward_{name}")],
            kinds=kinds,
            max_detection_rows=2_000,
        )
        quality = data["quality"]
        order = [found.columns.index(column["name"]) for column in quality["columns"]]
        shapes = [column["shape"] for column in quality["columns"]]
        np.testing.assert_allclose(shapes, found.shapes[order], atol=1e-12)
        assert abs(quality["trend"] - found.trend) < 1e-12


@pytest.mark.medium
def test_labels_are_those_of_the_two_files(run, published):
    """Counted, and each with a share of the own rows that a forest labels right."""
    folder, out = run[0], published[1]
    for name in NAMES:
        data = json.loads((out / name / "statement.json").read_text("utf-8"))
        mine, theirs = (
            [row["ward"] for row in read_csv(path)]
            for path in (folder / f"{name}.csv", out / name / "reward.csv")
        )
        for found in data["labels"]:
            assert found["num_rows"] == mine.count(found["label"])
            assert found["num_synthetic"] == theirs.count(found["label"])
            assert 0 <= found["right"] <= 1
        assert {found["label"] for found in data["labels"]} == {*mine, *theirs}
        assert "Labelled right, of yours" in page_of(out, name)


@pytest.mark.medium
def test_all_statements_are_listed_with_their_digests(published):
    listed = report_of(published[1])["statements"]
    assert len(listed) == 6
    for entry in listed:
        assert entry["sha256"] == digest_of_file(published[1] / entry["file"])
    folders = Counter(entry["file"].split("/")[0] for entry in listed)
    assert folders == dict.fromkeys(NAMES, 2)


# --- particular parties


@pytest.mark.medium
def test_equal_contributions_have_one_rank(run):
    phi = np.array([0.2, 0.3, 0.3])
    found = party_statements(with_scheme(run[1], shapley_values=phi), "all")
    assert [(s.share.rank, s.share.is_tied) for s in found] == [
        (3, False),
        (1, True),
        (1, True),
    ]
    assert list(found[0].share.alphas.values()) == pytest.approx([2 / 3, 1, 1])


@pytest.mark.medium
def test_a_party_that_adds_nothing(run):
    phi = np.array([0.2, -0.1, 0.3])
    found = party_statements(with_scheme(run[1], shapley_values=phi))
    assert [s.is_excluded for s in found] == [False, True, False]
    assert found[1].is_stable is None and found[1].fair_share == 0
    assert "add nothing" in words_of(found[1], "promised")
    assert "fair share" not in words_of(found[1], "kept")


@pytest.mark.medium
def test_a_promise_that_was_lowered_is_kept(run):
    scheme = run[1].collaboration.promises.scheme
    assert [s.is_stable for s in party_statements(run[1])] == [True] * 3
    twice = 2 * np.array([r.final_value for r in run[1].collaboration.draw.rewards])
    for relaxation, is_stable in ((0.5, True), (0.51, False)):
        changes = {"lower_values": twice, "relaxation": relaxation}
        status = RewardStatus.RELAXED
        found = party_statements(with_scheme(run[1], status=status, **changes))
        assert [s.is_stable for s in found] == [is_stable] * 3
        assert all("lowered" in words_of(s, "promised") for s in found)
    without = party_statements(with_scheme(run[1], stability=False))
    assert [s.is_stable for s in without] == [None] * 3
    assert scheme.stability


def words_of(statement, section):
    return " ".join(statement_data(statement)["sentences"][section])


@pytest.mark.medium
def test_the_command_says_what_is_shown(run, monkeypatch, capsys, tmp_path):
    folder, mediation = run
    given = []
    monkeypatch.setattr(mediator, "mediate", lambda *arguments, **more: mediation)
    monkeypatch.setattr(mediator.screen, "print_mediation", lambda mediation: None)
    monkeypatch.setattr(
        mediator,
        "publish_mediation",
        lambda mediation, *, show_shares: given.append(show_shares) or tmp_path,
    )
    files = [folder / f"{name}.csv" for name in NAMES]
    command = ["run", *files, "--out", tmp_path / "out", "--label-column", "ward"]
    for options in ([], ["--show-shares", "all"], ["--show-shares", "none"]):
        assert cgm_jax(*command, *options) == 0
    assert given == ["ranks", "all", "none"]
    capsys.readouterr()
    assert cgm_jax(*command, "--show-shares", "some") == 2
    assert "--show-shares" in capsys.readouterr().err


@pytest.mark.medium
def test_options_of_tables_are_those_of_the_run(run):
    options = TableOptions(label_column="ward", min_rows=9, only_shared_categories=True)
    tables = dataclasses.replace(run[1].tables, options=options)
    found = party_statements(dataclasses.replace(run[1], tables=tables))[0]
    assert found.origin.min_rows == 9
    (sentence,) = [
        s for s in statement_data(found)["sentences"]["given"] if RARE[0] in s
    ]
    assert "fewer than 9 rows" in sentence and "no other party does" in sentence
