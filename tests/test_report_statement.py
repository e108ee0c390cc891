"""The page of a statement: well-formed, safe, and of the same words as its JSON."""

import dataclasses
import re

import numpy as np
import pytest
from report_pages import Page, table_rows

from cgm_jax.metrics import table_quality
from cgm_jax.report.party_statement import GivenColumn, Origin, PartyStatement, Share
from cgm_jax.report.pictures import draw_statement
from cgm_jax.report.statement import statement_data, statement_page
from cgm_jax.tables import read_cells

HOSTILE = '<b>"it\'s"</b> & $y$ {{ 7 * 7 }}'


def table(num, seed):
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    return {
        "age": read_cells(pa.array(rng.integers(18, 70, num))),
        "job": read_cells(pa.array(rng.choice(["clerk", "nurse"], num))),
    }


def statement(**changes):
    """A party's whose reward was reached."""
    import jax

    own, reward = table(40, 0), table(35, 1)
    points = np.random.default_rng(2).normal(size=(75, 3))
    facts = {
        "party": "bank",
        "file": "bank.csv",
        "file_sha256": "a" * 64,
        "reward_file": "reward.csv",
        "reward_sha256": "b" * 64,
        "num_rows": 40,
        "columns": (
            GivenColumn("age", "whole number", 0),
            GivenColumn("job", "category", 3, ("smith",), holds_missing_back=True),
            GivenColumn("id", "identifier", 0),
            GivenColumn("note", "free text", 1),
        ),
        "contribution": 0.25,
        "own_value": 0.5,
        "fair_share": 0.625,
        "reward_value": 0.625,
        "final_value": 0.6255,
        "tolerance": 1e-6,
        "is_excluded": False,
        "is_at_limit": False,
        "is_stable": True,
        "is_relaxed": False,
        "num_points": 35,
        "stop_reason": "reached",
        "origin": Origin("kde", 0.05, 1000, 1.0, 5, only_shared_categories=False),
        "share": Share(2, 5, is_tied=False),
        "own": own,
        "reward": reward,
        "kinds": {"age": "whole number", "job": "category"},
        "own_points": points[:40],
        "reward_points": points[40:],
        "coordinates": ("age", "job=clerk", "job=nurse"),
        "quality": table_quality(jax.random.key(0), [own], reward),
        "num_equal": 0,
        "num_near": 2,
    }
    return PartyStatement(**facts | changes)


def page_of(found):
    return statement_page(found, draw_statement(found))


def words(found, section):
    return " ".join(statement_data(found)["sentences"][section])


@pytest.mark.medium
def test_the_page_is_one_self_contained_file():
    text = page_of(statement())
    page = Page(text)
    assert text.startswith("<!doctype html>") and "<script" not in text
    assert "http:" not in text and "https:" not in text
    assert len(page.all("img")) == 2
    for image in page.all("img"):
        assert image.attributes["alt"]
        assert image.attributes["src"].startswith("data:image/png;base64,")
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids)) == len(statement_data(statement())["sentences"])


@pytest.mark.medium
def test_the_page_says_what_the_json_says():
    found = statement(share=Share(2, 3, is_tied=False, alphas={"bank": 0.5, "b": 1.0}))
    page, data = Page(page_of(found)), statement_data(found)
    for sentences in data["sentences"].values():
        for sentence in sentences:
            assert " ".join(sentence.split()) in page.text
    numbers = {"40", "0.5000", "0.2500", "0.6250", "35", "0.6255"}
    assert {element.text for element in page.all("dd")} == numbers
    rows = table_rows(page)
    assert ["bank", "0.5000"] in rows and ["b", "1.000"] in rows
    for column in data["columns"]:
        kind = column["kind"].replace(" ", "")
        assert [column["name"], kind, str(column["num_missing"])] in rows
    for column in data["quality"]["columns"]:
        shares = (f"{100 * column[k]:.1f}%" for k in ("shape", "missing", "synthetic"))
        assert [column["name"], *shares] in rows


@pytest.mark.medium
def test_names_cannot_change_the_page():
    found = statement(
        party=HOSTILE,
        file=f"{HOSTILE}.csv",
        columns=(GivenColumn(HOSTILE, "category", 0, (HOSTILE,)),),
        share=Share(1, 2, is_tied=False, alphas={HOSTILE: 1.0}),
    )
    text = page_of(found)
    assert "<b>" not in text and "49" not in Page(text).all("title")[0].text
    assert Page(text).all("title")[0].text == f"Statement for {HOSTILE}"
    assert Page(text).text.count(" ".join(HOSTILE.split())) >= 6


@pytest.mark.parametrize(
    ("final", "verdict", "missed"),
    [
        (0.6255, "were kept", ()),
        (0.625 - 5e-7, "were kept", ()),  # within rounding
        (0.6, "were not all kept", ("fair share", "reward value")),
        (0.4, "were not all kept", ("own value", "fair share", "reward value")),
    ],
)
@pytest.mark.medium
def test_what_was_missed_is_said(final, verdict, missed):
    found = statement(final_value=final, stop_reason="stalled")
    assert {name for name, gap in found.missed.items() if gap} == set(missed)
    assert verdict in words(found, "kept")
    assert words(found, "kept").count("short by") == len(missed)
    if missed:
        gap = 0.625 - final
        assert f"short by {gap:.2g}" in words(found, "kept")
        assert 'class="missed"' in page_of(found)


@pytest.mark.medium
def test_an_unstable_promise_is_not_kept():
    assert not statement(is_stable=False).is_kept
    assert "leaving with them: not kept" in words(statement(is_stable=False), "kept")
    assert "leaving" not in words(statement(is_stable=None), "kept")
    assert statement(is_stable=None).is_kept


@pytest.mark.medium
def test_a_party_without_synthetic_rows():
    nothing = {
        "num_points": 0,
        "reward_points": np.zeros((0, 3)),
        "quality": None,
        "final_value": 0.625,
    }
    enough = statement(own_value=0.625, fair_share=0.5, **nothing)
    assert "alone are worth what you are promised" in words(enough, "drawn")
    assert "fair share, by what you contributed, would be 0.5" in words(
        enough, "promised"
    )
    assert statement_data(enough)["quality"] is None
    assert len(Page(page_of(enough)).all("img")) == 1
    none = statement(is_excluded=True, own_value=0.625, fair_share=0.0, **nothing)
    assert "add nothing" in words(none, "drawn")
    assert "of yours" not in words(none, "disclosed").split("Synthetic rows")[0]


@pytest.mark.parametrize("reason", ["exhausted", "stalled", "max_picks"])
@pytest.mark.medium
def test_why_a_draw_ended_early(reason):
    found = statement(final_value=0.6, stop_reason=reason)
    assert "before your data with them were worth 0.625" in words(found, "drawn")


@pytest.mark.medium
def test_what_was_not_valued_and_what_is_held_back():
    given = words(statement(), "given")
    assert "Not valued: id. Identifiers" in given and "Not valued: note." in given
    assert "job: smith, missing cells; no synthetic row has this" in given
    assert "fewer than 5 rows" in given


@pytest.mark.parametrize(
    ("rank", "num", "expected"),
    [
        (1, 2, "the first of two"),
        (5, 5, "the fifth of five"),
        (6, 6, "the 6th of 6"),
        (11, 40, "the 11th of 40"),
        (22, 40, "the 22nd of 40"),
        (112, 1200, "the 112th of 1,200"),
    ],
)
@pytest.mark.medium
def test_places_in_words(rank, num, expected):
    sentence = words(statement(share=Share(rank, num, is_tied=True)), "worth")
    assert f"It is {expected}, together with another that is equal" in sentence
    assert not re.search(r"It is", words(statement(share=None), "worth"))


@pytest.mark.medium
def test_small_values_have_no_exponent():
    found = statement(own_value=5.38214e-06)
    assert "alone are worth 0.000005382: that" in words(found, "worth")
    assert "your own data, 0.000005382: kept" in words(found, "kept")


@pytest.mark.medium
def test_where_synthetic_rows_come_from():
    origin = statement().origin
    for generator, phrase in (
        ("kde", "noise added, of 0.05"),
        ("mmd-gan", "trained on the rows of all"),
        ("product-mixture", "a mixture of products"),
    ):
        found = statement(origin=dataclasses.replace(origin, generator=generator))
        assert phrase in words(found, "drawn")
        assert ("in disguise" in words(found, "disclosed")) == (generator == "kde")
    for generator, phrase in (
        ("mmd-gan", "trained before made them (an MMD-GAN)"),
        ("product-mixture", "fitted before: groups of rows"),
    ):
        loaded = dataclasses.replace(origin, generator=generator, is_loaded=True)
        assert phrase in words(statement(origin=loaded), "drawn")
        noise = "made of noise alone" in words(statement(origin=loaded), "disclosed")
        assert noise == (generator == "mmd-gan")
