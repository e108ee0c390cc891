"""What is said before rewards are handed out: in the order of need, each thing once."""

import dataclasses

import jax
import numpy as np
import pyarrow as pa
import pytest
from report_pages import NAMES, Page, one, origin_of, render, section_of
from small_collaborations import with_nothing, with_reward
from small_generators import QUALITY, trained
from small_runs import report_of

from cgm_jax.audit import Stress, Trial, review
from cgm_jax.collaboration import Uncertainty
from cgm_jax.features.labels import LabelShares
from cgm_jax.report import TableFacts, before_handing_out
from cgm_jax.report.sentences import (
    column_rows,
    label_sentences,
    left_out_sentences,
    rare_category_sentences,
)
from cgm_jax.tables import ColumnChoice, TableCodec, read_cells

KEY = jax.random.key(0)


# --- the order


@pytest.mark.medium
def test_what_was_not_kept_is_first_and_files_are_last():
    values = one().draw.rewards[1].values - 1
    result = with_reward(one(), 1, values=values, stop_reason="stalled")
    result = with_nothing(result, 2)
    promises, scheme = result.promises, result.promises.scheme
    resamples = np.stack([scheme.shapley_values, scheme.shapley_values[::-1]] * 5)
    model = trained(dataclasses.replace(QUALITY, is_worse_than_kernel_density=True))
    section = section_of(
        result,
        warnings=["a.csv: other units?"],
        review=review(KEY, result, stress_test=False),
        uncertainty=Uncertainty(scheme, resamples, resamples, resamples),
        is_density=True,
        labels=LabelShares(
            np.array(["neg", "pos"]),
            np.array([90, 10]),
            np.array([[90, 10], [40, 0], [0, 0]]),
            0.97,
            np.array([0.99, 0.8]),
            np.array([[0.9, 0.7], [1.0, 0.0], [np.nan, np.nan]]),
        ),
    )
    found = before_handing_out(section, origin_of(model))
    assert list(found) == [
        "Promises",
        "Synthetic rows",
        "Parties without a reward",
        "Labels",
        "Files",
    ]
    broken = [place for place in found["Promises"] if "this is broken" in place]
    assert found["Promises"][: len(broken)] == broken and broken
    # What Bo was not handed is said of Bo, and not once more as a promise.
    (missed,) = [line for line in found["Promises"] if line.startswith("Bo: promised")]
    assert missed == found["Promises"][len(broken)]
    assert not any("handed what they were promised" in line for line in broken)
    assert "cannot be told apart" in found["Promises"][-1]
    density, worse = found["Synthetic rows"]
    assert "in disguise" in density and "train it longer" in worse
    assert found["Parties without a reward"][0].startswith("Cy: no synthetic rows")
    assert found["Files"][0] == "a.csv: other units?"
    every = [line for lines in found.values() for line in lines]
    assert len(every) == len(set(every))
    assert promises.parties  # of which nothing was changed


@pytest.mark.medium
def test_a_promise_broken_twice_is_one_sentence():
    result = with_reward(one(), 1, values=one().draw.rewards[1].values * 0.1)
    found = review(KEY, result, stress_test=False).audit
    kept = found.assigned["R4"]
    broken = dataclasses.replace(kept, holds=False, margin=-0.01)
    both = found.assigned | {"R4": broken}, found.realised | {"R4": broken}
    found = dataclasses.replace(found, assigned=both[0], realised=both[1])
    reviewed = dataclasses.replace(review(KEY, result, stress_test=False), audit=found)
    told = before_handing_out(section_of(result, review=reviewed))["Promises"]
    (line,) = [line for line in told if "(R4)" in line]
    assert "as assigned, this is broken" in line
    assert "by what was handed out, this is broken" in line


@pytest.mark.parametrize("gain", [-0.01, 0.0, 0.03])
def test_cheating_that_pays_is_named(gain: float):
    found = review(KEY, one(), stress_test=False)
    trials = (Trial(0, "hand in twice", joint_gain=-0.1), Trial(2, "noise", 0, 0, gain))
    joint, scheme = np.full((1, 3), 0.5), one().promises.scheme
    stress = Stress({"shapley": scheme}, {"shapley": joint}, trials)
    found = dataclasses.replace(found, stress=stress)
    box = before_handing_out(section_of(one(), review=found))
    assert ("Cheating" in box) == (gain > 0)
    if gain > 0:
        (sentence,) = box["Cheating"]
        assert "1 of the 2 manipulations" in sentence and '"noise"' in sentence
        assert "Cy" in sentence and "6.0% more" in sentence


def test_a_generator_without_figures_is_no_danger():
    model = trained(None)
    assert "Synthetic rows" not in before_handing_out(
        section_of(one()), origin_of(model)
    )


# --- columns


def codec_of(columns: dict[str, list], **options) -> tuple[TableCodec, list]:
    table = {name: read_cells(pa.array(cells)) for name, cells in columns.items()}
    codec = TableCodec.fit([table, table], **options)
    return codec, [codec.encode(table)] * 2


NUM = 40
TABLE = {
    "age": [20 + 7 * i % 31 for i in range(NUM)],
    "bmi": [None if i % 8 == 0 else 20.5 + i / 4 for i in range(NUM)],
    "job": [None, "poet", *["clerk", "nurse"] * (NUM // 2 - 1)],
    "day": [f"2021-01-{1 + i % 28:02d}" for i in range(NUM)],
    "record_no": [1000 + 3 * i for i in range(NUM)],
    "notes": [f"Seen on day {i} in the ward." for i in range(NUM)],
    "site": ["north"] * NUM,
    "fax": [None] * NUM,
}


def test_a_row_for_every_column():
    codec, _ = codec_of(TABLE, min_rows=5)
    rows = {row["column"]: row for row in column_rows(codec)}
    assert list(rows) == list(TABLE)
    assert {name: row["kind"] for name, row in rows.items()} == {
        "age": "whole number",
        "bmi": "number",
        "job": "category",
        "day": "date or time",
        "record_no": "identifier",
        "notes": "free text",
        "site": "constant",
        "fax": "constant",
    }
    spread = np.std(TABLE["age"])
    assert rows["age"]["distance"] == f"in units of {spread:.4g}"
    assert rows["age"]["missing"] == rows["age"]["missing_counts_as"] == "–"
    low, high = np.sort(TABLE["age"] * 2)[[4, -5]]
    assert rows["age"]["handed_out"] == f"{low} to {high}"
    assert rows["day"]["distance"].endswith(" days")
    assert rows["day"]["handed_out"].startswith("2021-01-0")
    assert rows["bmi"]["missing"] == "12.5%"
    assert rows["bmi"]["missing_counts_as"].endswith(", and 0.954 away")
    assert rows["job"]["distance"] == "another one is 0.954 away"
    assert rows["job"]["missing"] == "2.5%"
    assert rows["job"]["missing_counts_as"] == "a category of its own"
    assert rows["job"]["handed_out"] == "2 of 4 categories"
    ends = [rows[name]["handed_out"] for name in ("record_no", "notes", "site", "fax")]
    assert ends == ["numbered anew", "left empty", "the same", "left empty"]


def test_a_weight_is_told():
    choices = [ColumnChoice("job", "category", weight=2)]
    codec, _ = codec_of({"job": TABLE["job"]}, choices=choices, min_rows=1)
    (row,) = column_rows(codec)
    assert row["distance"] == "another one is 1.91 away"
    assert row["handed_out"] == "all 4 categories"


def test_columns_that_are_left_out_and_rare_categories_are_counted():
    codec, points = codec_of(TABLE, min_rows=5)
    identifiers, text, same, nothing = left_out_sentences(codec.facts)
    assert identifiers.startswith("Column record_no: taken as identifiers, not valued")
    assert text.startswith("Column notes: taken as free text")
    assert same.startswith("Column site: the same everywhere")
    assert nothing.startswith("Column fax: no party has a value there")
    (rare,) = rare_category_sentences(codec, points)
    assert rare.endswith("are in no reward: 2 of 4 in job (4 rows).")
    codec, points = codec_of({"age": TABLE["age"]})
    assert left_out_sentences(codec.facts) == []
    assert rare_category_sentences(codec, points) == []


def test_of_very_many_columns_ten_are_named():
    same = {f"x{i}": [1] * NUM for i in range(12)}
    codec, _ = codec_of({"age": TABLE["age"], **same})
    (sentence,) = left_out_sentences(codec.facts)
    assert sentence.startswith("Columns x0, x1, x2, ") and "x9 and 2 more: " in sentence


# --- labels


def shares(pool: list[int], rewards: list[list[int]], accuracy=0.99) -> LabelShares:
    labels = np.array(["neg", "pos", "rare"][: len(pool)])
    right = np.ones((1 + len(rewards), len(pool)))
    return LabelShares(
        labels, np.array(pool), np.array(rewards), accuracy, right[0], right[1:]
    )


def test_labels_that_vanish_are_told():
    assert label_sentences(shares([90, 10], [[90, 10], [9, 1]]), NAMES) == []
    # Of ten rows, none of a tenth is chance.
    assert label_sentences(shares([90, 10], [[90, 10], [10, 0]]), NAMES) == []
    (line,) = label_sentences(shares([90, 10], [[90, 10], [40, 0]]), NAMES)
    assert line.startswith("Label pos, of 10.0% of the parties' rows, is in few or no")
    assert line.endswith("rewards of Bo: 0 of 40.")
    (line,) = label_sentences(shares([90, 10, 1], [[90, 10, 0], [40, 5, 0]]), NAMES)
    assert line == "1 of 3 labels are in no reward: rare (1.0% of the parties' rows)."


def test_labels_that_say_little_are_told():
    usual = shares([90, 10], [[90, 10]], 0.9)
    (line,) = label_sentences(usual, NAMES)
    assert "90.0% are labelled right, and 90.0% would be by calling all neg" in line
    (line,) = label_sentences(shares([90, 10], [[90, 10]], np.nan), NAMES)
    assert "is not known" in line


# --- the page of a run


@pytest.fixture(scope="module")
def page(small_run) -> Page:
    return Page((small_run.out / "mediator" / "report.html").read_text("utf-8"))


def test_a_run_says_on_page_console_and_file_the_same_in_the_same_order(
    small_run, page
):
    told = report_of(small_run.out)["warnings"]
    assert [item.text for item in page.all("li")][: len(told)] == told
    printed = " ".join(small_run.printed.split())
    places = [printed.index(f"warning: {sentence}") for sentence in told]
    assert places == sorted(places)
    assert printed.count("warning: ") == len(told)
    assert any("other parties' data in disguise" in sentence for sentence in told)
    # Before anything else on the page.
    tags = [element.tag for element in page.elements]
    assert tags.index("li") < tags.index("dl") < tags.index("table")


def test_a_run_has_links_and_is_marked_and_dated(small_run, page):
    links = [link.attributes["href"] for link in page.all("a")]
    folder = small_run.out / "mediator"
    assert all((folder / link).is_file() for link in links)
    assert links[0] == "nearest_rows.html"
    names = [party["name"] for party in report_of(small_run.out)["parties"]]
    files = ("reward.csv", "statement.html")
    assert links[1:] == [f"../{name}/{file}" for name in names for file in files]
    first = page.all("p")[0].text
    assert first.startswith("For the mediator only") and "(UTC)" in first
    settings = report_of(small_run.out)["settings"]
    assert settings["command"].startswith("cgm-jax run ")
    for word in map(str, small_run.options):
        assert word in settings["command"].split()
    assert settings["command"] in page.text


def test_a_page_without_files_has_no_links_and_is_not_marked(tmp_path, quick):
    page = Page(render(tmp_path, [section_of(one())]))
    assert not page.all("a") and "mediator only" not in page.text


def test_a_run_shows_columns_quality_and_labels(small_run, page):
    data = report_of(small_run.out)
    assert [row["column"] for row in data["columns"]] == ["age", "income"]
    quality = small_run.mediation.quality
    first, *others = data["likeness"]
    assert first["rows"] == "All candidates"
    assert first["shape"] == quality.candidates.shape > 0.8
    assert first["trend"] == quality.candidates.trend > 0.8
    given = [found for found in quality.rewards if found is not None]
    assert [row["shape"] for row in others] == [found.shape for found in given]
    assert "How like the parties' rows are the synthetic ones?" in page.text
    labels = data["labels"]
    assert labels["labels"] == ["f", "m"]
    rewards = small_run.mediation.collaboration.draw.rewards
    counts = [sum(counts) for counts in labels["rows_of_rewards"].values()]
    assert counts == [len(reward.indices) for reward in rewards]
    assert sum(labels["rows_of_parties"]) == 50 + 60 + 70
    assert "Labels have no part in any value" in page.text


def test_a_table_without_a_reward_has_no_row(small_run):
    section = section_of(one())
    found = small_run.mediation.quality.candidates
    facts = TableFacts(small_run.mediation.tables.codec, [], {}, found, [None] * 3)
    from cgm_jax.report.data import quality_rows

    section = dataclasses.replace(section, tables=facts)
    assert [row["rows"] for row in quality_rows(section)] == ["All candidates"]
    assert quality_rows(section_of(one())) == []
