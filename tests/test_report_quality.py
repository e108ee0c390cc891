"""Quality and nearest rows of rewards in words, and what pages show of them."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from report_pages import Page, table_rows
from small_collaborations import small_collaboration, with_nothing
from table_cells import cells

from cgm_jax.evaluation.nearest_rows import nearness_figures
from cgm_jax.evaluation.reidentification import Reidentification
from cgm_jax.generators import KernelDensity
from cgm_jax.metrics import table_quality
from cgm_jax.report.page import filled_in, nearness_page
from cgm_jax.report.quality import quality_view
from cgm_jax.report.sentences import (
    nearness_sentences,
    reidentification_sentence,
    table_quality_sentences,
)

KEY = jax.random.key(0)


def table(seed, num, *, related=True):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=num)
    y = x + 0.1 * rng.normal(size=num) if related else rng.normal(size=num)
    holes = [None if i % 20 == 0 and not related else v for i, v in enumerate(y)]
    return {
        "x <b>": cells("number", x.tolist()),
        "y": cells("number", holes),
        "group": cells("text", np.where(y > 0, "high", "low").tolist()),
    }


# --- quality


@pytest.mark.medium
def test_an_alike_table_can_hardly_be_told_and_an_independent_one_easily():
    real = table(0, 400)
    good = table_quality(KEY, [real], table(1, 400))
    bad = table_quality(KEY, [real], table(2, 400, related=False))
    verdict, *_ = table_quality_sentences(good, "Ada")
    assert verdict.startswith("Ada: synthetic rows can hardly be told from real ones")
    verdict, columns, pairs, missing = table_quality_sentences(bad, "Ada")
    assert "can easily be told" in verdict and "400 real and 400" in verdict
    trees = bad.detection.boosted_areas.mean()
    assert f"pick the real one {trees:.0%} of the time" in verdict
    assert f"Each column by itself is {bad.shape:.1%} alike" in columns
    assert f"the least alike: y with x <b> ({bad.trends[0, 1]:.1%})" in pairs
    assert "differs the most in y: 5.0% of the synthetic rows, 0.0%" in missing
    part = replace(
        good.detection, boosted_areas=np.full(3, 0.75), logistic_areas=np.full(3, 0.5)
    )
    verdict, *_ = table_quality_sentences(replace(good, detection=part), "Ada")
    assert "can in part be told" in verdict and "75% of the time" in verdict


def test_what_cannot_be_measured_is_said():
    few = {"x": cells("number", [1.0, 2.0])}
    verdict, column = table_quality_sentences(table_quality(KEY, [few], few), "Ada")
    assert "cannot be measured: that takes 30 rows" in verdict
    assert column == "Each column by itself is 100.0% alike on average."
    names = {"name": cells("text", [f"Ann {i} Smith" for i in range(40)])}
    kinds = {"name": "free text"}
    nothing = table_quality(KEY, [names], names, kinds=kinds)
    assert len(table_quality_sentences(nothing, "Ada")) == 1


@pytest.mark.medium
def test_the_part_of_a_page_shows_every_figure():
    real, synthetic = table(0, 200), table(1, 150, related=False)
    found = table_quality(KEY, [real], synthetic)
    view = quality_view(found, [real], synthetic, "Ada & Söhne")
    html = filled_in("quality.html.j2", quality=view)
    page = Page(f"<body>{html}</body>")
    for sentence in view["sentences"]:
        assert sentence in page.text
    rows = table_rows(page)
    for name, shape, missing in zip(
        found.columns, found.shapes, found.missing.T, strict=True
    ):
        shares = [f"{100 * x:.1f}%" for x in (shape, *missing)]
        assert [name.replace(" ", ""), *shares] in rows
    assert len(view["pairs"]) == 3
    first = view["pairs"][0]
    assert first["trend"] == np.nanmin(found.trends)
    numbers = found.correlations[:, 0, 1]
    words = [f"{x:.2f}".replace("-", "−") for x in numbers]
    assert ["x<b>", "y", f"{100 * found.trends[0, 1]:.1f}%", *words] in rows
    assert [image.attributes["alt"][:8] for image in page.all("img")] == [
        "A panel ",
        "A matrix",
    ]
    for score in (found.shape, found.trend, found.detection.boosted):
        assert f"{100 * score:.1f} %" in page.text


@pytest.mark.medium
def test_a_table_without_columns_to_compare_has_a_sentence_only():
    names = {"name": cells("text", [f"Ann {i} Smith" for i in range(40)])}
    kinds = {"name": "free text"}
    nothing = table_quality(KEY, [names], names, kinds=kinds)
    view = quality_view(nothing, [names], names, "Ada", kinds=kinds)
    page = Page(f"<body>{filled_in('quality.html.j2', quality=view)}</body>")
    assert "cannot be measured" in page.text
    assert not page.all("img") and not page.all("table")
    one = {"x": cells("number", np.arange(40.0).tolist())}
    view = quality_view(table_quality(KEY, [one], one), [one], one, "Ada")
    page = Page(f"<body>{filled_in('quality.html.j2', quality=view)}</body>")
    assert len(page.all("img")) == len(page.all("table")) == 1


# --- nearest rows

FOUND = Reidentification(
    num_recovered=88,
    num_others=89,
    seen_recovered=59,
    num_seen=60,
    unseen_recovered=1,
    num_unseen=29,
    fresh_recovered=2,
    radius=0.3,
    is_between=False,
    p_value=1e-20,
    least_p_value=1e-21,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Ada: rows of others can be read off this reward. Averaging"),
        ({}, "gives 88 of the 89 rows of others"),
        ({}, "rows that the generator saw (59 of 60 found)"),
        ({}, "on rows that it never saw (1 of 29 found)"),
        ({"is_between": True}, "on points between them, which nobody has (1 of 29"),
        ({"p_value": 0.5}, "Ada: no sign that rows of others can be read off"),
        ({"p_value": 0.5}, "of the 60: not more than by chance."),
        ({"p_value": 0.002}, "Ada: no clear sign that rows of others can be read"),
        ({"p_value": 0.002}, ": more than chance often gives (p = 0.002)."),
        ({"p_value": 0.5, "least_p_value": 0.1}, "others are too few to compare"),
        (
            {"p_value": 1.0, "least_p_value": 1.0, "unseen_recovered": 28},
            "28 of 29 are found in it",
        ),
        (
            {"p_value": 1.0, "least_p_value": 1.0, "num_others": 0},
            "every row of others is near a row of the party's own",
        ),
        (
            {"p_value": 1.0, "least_p_value": 1.0, "num_unseen": 0},
            "no rows that the generator never saw",
        ),
    ],
)
def test_a_verdict_and_the_figures_that_it_rests_on(changes, words):
    assert words in reidentification_sentence(replace(FOUND, **changes), "Ada")


@pytest.mark.medium
def test_the_nearness_page_has_a_verdict_for_every_reward():
    names = ["Ada", "B<o>", "Cy"]
    result = with_nothing(small_collaboration(3, 2), 1)
    figures = nearness_figures(KEY, result, generator=KernelDensity(0.3))
    sentences = nearness_sentences(figures, names)
    assert [sentence.split(":")[0] for sentence in sentences] == ["Ada", "Cy"]
    page = Page(nearness_page(figures, names))
    for sentence in sentences:
        assert sentence in page.text
