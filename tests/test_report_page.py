"""The report: well-formed, self-contained, safe, complete, and of the same numbers."""

import base64
import dataclasses
import re

import numpy as np
import pytest
from report_pages import (
    NAMES,
    Page,
    one,
    render,
    section_of,
    section_of_all_draws,
    table_rows,
)
from small_collaborations import (
    SIZES,
    several_draws,
    small_collaboration,
    with_nothing,
    with_promises,
    with_reward,
)

from cgm_jax import Collaboration
from cgm_jax.datasets import PaperResults
from cgm_jax.evaluation.evaluate import Measurements
from cgm_jax.kernels import SquaredExponential
from cgm_jax.report import ReportSection, report_data
from cgm_jax.report.sentences import collaboration_warnings, scheme_warnings

METRICS = [field.name for field in dataclasses.fields(Measurements)]
HOSTILE = "<script>alert('1')</script>\" onerror=\"x & $y$ {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A page on one draw."""
    return render(tmp_path_factory.mktemp("one"), [section_of(one())])


# --- the page


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.medium
def test_the_page_is_well_formed_for_any_size(tmp_path, quick, size):
    result = small_collaboration(*size)
    names = [f"bank {i}" for i in range(size[0])]
    page = Page(render(tmp_path, [section_of(result, names)]))
    assert page.all("html")[0].attributes["lang"] == "en"
    headers = [th.text for th in page.all("th") if th.attributes["scope"] == "row"]
    assert [name for name in headers if name in names] == 2 * names  # two tables


@pytest.mark.medium
def test_the_page_starts_as_html_and_is_accessible(text):
    assert text.startswith("<!doctype html>\n<html")
    page = Page(text)
    assert page.all("title")[0].text == "Rewards"
    assert len(page.all("h1")) == 1
    for th in page.all("th"):
        assert th.attributes["scope"] in ("row", "col")
    assert len(page.all("caption")) == len(page.all("table")) >= 3
    for image in page.all("img"):
        assert len(image.attributes["alt"]) > 30
        assert "figure" in image.parents
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    used = {
        e.attributes["aria-labelledby"]
        for e in page.elements
        if "aria-labelledby" in e.attributes
    }
    assert used and used <= set(ids)


def test_the_page_needs_nothing_from_outside_and_runs_nothing(text):
    page = Page(text)
    forbidden = {"script", "link", "iframe", "object", "embed", "base", "form", "svg"}
    assert not forbidden & {element.tag for element in page.elements}
    for element in page.elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "style"):
                assert value.startswith("data:image/png;base64,")
    assert "http://" not in text and "https://" not in text
    assert "url(" not in text and "@import" not in text


@pytest.mark.medium
def test_there_are_four_pictures_and_a_fifth_for_several_draws(tmp_path, text):
    images = Page(text).all("img")
    assert len(images) == 4
    more = Page(render(tmp_path, [section_of_all_draws()])).all("img")
    assert len(more) == 5
    for image in [*images, *more]:
        data = base64.b64decode(image.attributes["src"].split(",")[1], validate=True)
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
        shown = int(image.attributes["width"]) / int(image.attributes["height"])
        assert shown == pytest.approx(width / height, rel=0.01)


def test_sections_of_one_page_are_apart(tmp_path, no_figures):
    page = Page(render(tmp_path, [section_of_all_draws(), section_of(one())]))
    assert len(page.all("img")) == 5 + 4
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))


def test_hostile_words_stay_words(tmp_path, quick):
    section = ReportSection(
        HOSTILE,
        one().promises,
        [one().draw],
        [HOSTILE, "Bo", "Cy"],
        columns=[HOSTILE, "b"],
        warnings=[HOSTILE],
    )
    page = Page(
        render(
            tmp_path,
            [section],
            title=HOSTILE,
            settings={HOSTILE: HOSTILE, "inputs": [{"file": HOSTILE}]},
            generator_note=HOSTILE,
        )
    )
    assert not page.all("script")
    assert all("onerror" not in element.attributes for element in page.elements)
    assert page.all("title")[0].text == HOSTILE
    assert page.all("h2")[0].text == HOSTILE
    assert HOSTILE in [th.text for th in page.all("th")]
    assert HOSTILE in [td.text for td in page.all("td")]
    assert [li.text for li in page.all("li")].count(HOSTILE) == 2


def test_the_tables_hold_the_numbers(text):
    promises, rows = one().promises, table_rows(Page(text))
    scheme = promises.scheme
    for i, name in enumerate(NAMES):
        reward = one().draw.rewards[i]
        summary, limits = [row for row in rows if name in row]
        assert summary[:3] == [str(i + 1), name, str(len(promises.parties[i]))]
        close = pytest.approx(
            [
                scheme.normalized_shapley[i],
                scheme.own_values[i],
                scheme.reward_values[i],
                len(reward.indices),
                reward.final_value,
            ],
            rel=5e-4,
        )
        assert [float(cell.rstrip("†")) for cell in summary[3:8]] == close
        assert summary[8] == "reached"
        is_at_limit = scheme.reward_values[i] > 0.999 * scheme.upper_values[i]
        assert ("†" in summary[6]) == is_at_limit
        pool_only = promises.pool_own_values[i]
        assert [float(cell) for cell in limits[1:]] == pytest.approx(
            [
                scheme.shapley_values[i],
                scheme.lower_values[i],
                scheme.reward_values[i],
                scheme.upper_values[i],
                scheme.own_values[i],
                pool_only,
            ],
            rel=5e-4,
        )
    assert any("†" in row[6] for row in rows if len(row) > 8)  # some party always is


def test_numbers_are_written_for_people(tmp_path, no_figures):
    scheme = dataclasses.replace(
        one().promises.scheme, own_values=np.array([1.2345e-6, 1e-9, -0.00012344])
    )
    kernel = SquaredExponential(12345.6)
    result = with_promises(one(), scheme=scheme, kernel=kernel)
    page = Page(render(tmp_path, [section_of(result)]))
    cells = {cell for row in table_rows(page) for cell in row}
    assert {"0.000001234", "1.000e-09", "-0.0001234"} <= cells
    assert "12,350" in [dd.text for dd in page.all("dd")]


def test_every_way_a_draw_ends_has_words(tmp_path, no_figures):
    changed = with_nothing(one(), 0)
    changed = with_reward(changed, 1, stop_reason="stalled")
    changed = with_reward(changed, 2, stop_reason="exhausted")
    rows = table_rows(Page(render(tmp_path, [section_of(changed)])))
    outcomes = [row[8] for row in rows if len(row) == 9][1:]
    assert outcomes == ["owndatasuffice", "valuestoppedrising", "nocandidatesleft"]
    limited = with_reward(one(), 0, stop_reason="max_picks")
    draws = [limited.draw, one().draw]
    text = render(tmp_path, [section_of(one(), draws=draws)])
    assert "limit on points" in text


def test_several_draws_have_a_column_each_beside_the_paper(tmp_path, no_figures):
    _, draws = several_draws()
    counts = {2: [100, 200, 300], 8: [1000, 2000, 3000]}
    paper = PaperResults(
        length_scale=0.26512,
        max_reward_value=0.536,
        rho=0.0943,
        normalized_shapley=np.array([0.71, 1.0, 0.32]),
        reward_values=np.array([0.493, 0.519, 0.481]),
        num_points={beta: np.array(count) for beta, count in counts.items()},
        mmd2_unbiased={},
    )
    page = Page(render(tmp_path, [section_of_all_draws(printed=paper)]))
    rows = table_rows(page)
    assert ["Party", "β=1", "β=2", "β=8", "β=inf"] in rows
    for i, name in enumerate(NAMES):
        summary, points, _ = [
            row for row in rows if name in [c.rstrip("†") for c in row]
        ]
        computed = [len(drawn.rewards[i].indices) for drawn in draws]
        assert int(points[1]) == computed[0] and int(points[4]) == computed[3]
        for column, beta in ((2, 2), (3, 8)):
            printed = counts[beta][i]
            percent = round(100 * (computed[column - 1] / printed - 1))
            assert points[column] == f"{computed[column - 1]}{printed:,}({percent:+d}%)"
        assert summary[3].endswith(("0.710", "1.00", "0.320")[i])
        assert summary[5].endswith(f"{paper.reward_values[i]}")
    facts = ["".join(dd.text.split()) for dd in page.all("dd")[:3]]
    assert [fact[-5:] for fact in facts[:2]] == ["0.265", "0.536"]
    assert facts[2].endswith("0.0943")


def test_warnings_are_told_once_with_names_and_with_their_draws(tmp_path, no_figures):
    scheme = dataclasses.replace(one().promises.scheme, rho=0.001)
    result = with_promises(one(), scheme=scheme)
    _, draws = several_draws()
    missed = dataclasses.replace(result, draw=draws[1])
    missed = with_reward(missed, 1, stop_reason="stalled").draw
    draws = [draws[0], missed, *draws[2:]]
    section = section_of(result, draws=draws, warnings=["a.csv: other units?"])
    items = [li.text for li in Page(render(tmp_path, [section])).all("li")]
    # What was not kept comes before all else, and what is said of files last.
    told = scheme_warnings(scheme, NAMES)
    assert items[1 : len(told) + 1] == told
    assert items[len(told) + 1] == "a.csv: other units?"
    assert len([sentence for sentence in items if "nearly equal" in sentence]) == 1
    assert items[0].startswith("β = 2: Bo: promised was")
    assert items[0].endswith("less: value stopped rising.")
    warnings = report_data(section, settings={})["warnings"]
    assert warnings == items[: len(warnings)]


def test_without_warnings_there_is_no_box(tmp_path, no_figures):
    promises, draws = several_draws()
    results = [Collaboration(promises, draw) for draw in draws]
    quiet = next(each for each in results if not collaboration_warnings(each))
    assert "Before handing out" not in render(tmp_path, [section_of(quiet)])


def test_settings_are_listed(tmp_path, no_figures):
    settings = {
        "seed": 7,
        "stability": True,
        "label column": None,
        "β": [1, 2.5],
        "versions": {"jax": "0.10", "python": "3.11"},
        "inputs": [{"party": "a", "rows": 3}, {"party": "b", "rows": 4}],
    }
    note = "Synthetic rows are real rows plus noise."
    page = Page(
        render(tmp_path, [section_of(one())], settings=settings, generator_note=note)
    )
    rows = table_rows(page)
    for row in (
        ["seed", "7"],
        ["stability", "yes"],
        ["labelcolumn", "–"],
        ["β", "1,2.5"],
        ["versions:jax", "0.10"],
        ["versions:python", "3.11"],
        ["inputs", "partya,rows3"],
        ["inputs", "partyb,rows4"],
    ):
        assert row in rows
    assert note in page.text


@pytest.mark.medium
def test_the_same_report_has_the_same_bytes(tmp_path, text):
    assert render(tmp_path, [section_of(one())]) == text


def test_a_report_that_cannot_be_made_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="Expected 3 names, one per party, got 2"):
        render(tmp_path, [section_of(one(), ["Ada", "Bo"])])
    assert not list(tmp_path.iterdir())


def test_a_page_can_be_made_of_a_kernel_without_a_length_scale(tmp_path, no_figures):
    result = with_promises(one(), kernel=SquaredExponential(np.ones(2)))
    page = Page(render(tmp_path, [section_of(result)]))
    assert page.all("dd")[0].text == "–"


def test_the_page_says_how_shapley_values_were_computed(text):
    assert "exact, from all coalitions" in Page(text).text


def test_no_number_that_is_not_one_is_shown(text):
    assert not re.search(r"\b(nan|None|undefined)\b", Page(text).text)


def test_without_resamples_there_is_no_section(text):
    assert "How sure this is" not in Page(text).text


def test_without_an_origin_there_is_no_section(text):
    assert "Where the candidates come from" not in text
