"""The page of a run on releases says what is private of whom, and what that cost."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest
from report_pages import Page, table_rows
from small_releases import releases_of, small_features, small_parties

from cgm_jax.collaboration import collaborate, estimate_uncertainty
from cgm_jax.report.released import (
    ReleasedRun,
    draw_released,
    own_statement,
    own_statement_page,
    released_data,
    released_page,
)
from cgm_jax.report.sentences import promise_sentences, uncovered

NAMES = "<b>Ada & sons", "Bo", "Cy"
SETTINGS = {
    "command": "cgm-jax run *.release --out rewards",
    "inputs": [
        {"party": name, "file": f"{name}.release", "sha256": f"{i}" * 64}
        for i, name in enumerate(NAMES)
    ],
}


def run_of(**options) -> ReleasedRun:
    features = small_features()
    sent = releases_of(small_parties(), features, **options)
    grid = np.random.default_rng(0).normal(0.5, 1, size=(200, 2))
    found = collaborate(jax.random.key(0), sent, grid, features=features, relax=True)
    errors = estimate_uncertainty(jax.random.key(1), found.promises, 20)
    return ReleasedRun(NAMES, sent, found, errors, "ab" * 32)


@pytest.fixture(scope="module")
def run() -> ReleasedRun:
    return run_of()


def page_of(run: ReleasedRun) -> Page:
    return Page(released_page(run, draw_released(run), settings=SETTINGS))


@pytest.mark.medium
def test_what_is_private_comes_first_and_every_party_has_its_own(run, quick):
    sent = [replace(run.releases[0], epsilon=3.0), *run.releases[1:]]
    page = page_of(replace(run, releases=sent))
    first, *_ = page.all("section")
    assert first.attributes["aria-labelledby"] == "private"
    rows = {row[0]: row[1:] for row in table_rows(page)[:4]}
    assert rows["<b>Ada&sons"][:4] == ["3", "1e-05", "20.1", "150"]
    assert rows["Bo"][:4] == ["1", "1e-05", "2.72", "400"]
    for row, release in zip(list(rows.values())[1:], sent, strict=True):
        np.testing.assert_allclose(float(row[4]), release.sigma, rtol=1e-3)
    for sentence in promise_sentences(sent, NAMES):
        assert sentence in page.text
    assert "Bo: private with ε = 1, δ = 1e-05, for data that differ" in page.text


@pytest.mark.medium
def test_values_have_their_errors_and_an_order_that_may_be_chance(run, quick):
    page = page_of(run)
    scheme, errors = run.uncertainty.scheme, run.uncertainty
    by_rank = [row for row in table_rows(page) if len(row) == 6 and "±" in row[1]]
    shown = ["".join(NAMES[i].split()) for i in errors.ranking]
    assert [row[0] for row in by_rank] == shown
    for row, i in zip(by_rank, errors.ranking, strict=True):
        for cell, value, error in (
            (row[1], scheme.normalized_shapley, errors.normalized_shapley_errors),
            (row[2], scheme.shapley_values, errors.shapley_errors),
            (row[3], scheme.own_values, errors.own_value_errors),
            (row[4], scheme.reward_values, errors.reward_value_errors),
        ):
            found = [float(number) for number in cell.split("±")]
            np.testing.assert_allclose(found, [value[i], error[i]], rtol=1e-3)
    alike = errors.shapley_values[:, [0, 0, 0]]
    alike = alike + 1e-6 * np.random.default_rng(0).normal(size=alike.shape)
    page = page_of(replace(run, uncertainty=replace(errors, shapley_values=alike)))
    assert (
        "with other noise or random features they may well be in another" in page.text
    )
    assert "not told apart" in page.text


@pytest.mark.medium
def test_what_is_handed_out_and_how_it_was_computed(run, quick):
    page = page_of(run)
    rows = [row for row in table_rows(page) if len(row) == 5 and row[1] != "ε"]
    for name, drawn in zip(NAMES, run.collaboration.draw.rewards, strict=True):
        (row,) = [row for row in rows if row[0] == "".join(name.split())]
        assert int(row[1].replace(",", "")) == len(drawn.indices)
    assert run.agreement in page.text
    assert SETTINGS["command"] in page.text
    assert all(entry["sha256"] in page.text for entry in SETTINGS["inputs"])
    assert len(page.all("img")) == 2
    assert all(img.attributes["alt"] for img in page.all("img"))


@pytest.mark.parametrize("neighbours", ["replace one", "add or remove one"])
@pytest.mark.medium
def test_what_is_not_covered_depends_on_what_is_hidden(neighbours, quick):
    run = run_of(neighbours=neighbours)
    text = page_of(run).text
    assert ("Numbers of rows" in text) == (neighbours == "replace one")
    assert ("with noise" in text) == (neighbours == "add or remove one")
    for words in uncovered(run.releases):
        assert words[1:] in text
    for words in ("one person", "agreement", "64 bits", "floating-point", "time"):
        assert any(words in phrase for phrase in uncovered(run.releases))


@pytest.mark.medium
def test_without_noise_nothing_is_private(quick):
    run = run_of(epsilon=np.inf)
    page = page_of(run)
    assert "nothing is promised" in page.text
    assert "private with" not in page.text
    assert {row[1] for row in table_rows(page)[1:4]} == {"infinite"}
    data = released_data(run, settings={})
    assert {party["epsilon"] for party in data["parties"]} == {"infinity"}
    json.dumps(data, allow_nan=False)
    huge = replace(run.releases[0], epsilon=1e4)
    page = page_of(replace(run, releases=[huge, *run.releases[1:]]))
    assert table_rows(page)[1][1:4] == ["10000", "1e-05", "nobound"]


def test_a_statement_is_of_one_party_alone(run):
    epsilons = 1.0, 2.0, 3.0
    sent = [replace(r, epsilon=e) for r, e in zip(run.releases, epsilons, strict=True)]
    run = replace(run, releases=sent)
    for i, name in enumerate(NAMES):
        statement = own_statement(run, i, settings=SETTINGS)
        json.dumps(statement, allow_nan=False)
        page = Page(own_statement_page(statement))
        said = page.text + json.dumps(statement, ensure_ascii=False)
        assert name in page.text
        assert SETTINGS["inputs"][i]["sha256"] in page.text
        assert run.agreement in page.text
        for other in (*NAMES[:i], *NAMES[i + 1 :]):
            assert other not in said
        assert f"{len(run.collaboration.draw.rewards[i].indices):,}" in page.text
        assert f"private with ε = {epsilons[i]:g}," in page.text
