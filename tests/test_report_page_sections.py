"""Sections that some reports have: uncertainty, metrics, and a trained generator."""

import dataclasses

import jax
import numpy as np
import pytest
from report_pages import (
    NAMES,
    Page,
    one,
    origin_of,
    render,
    section_of,
    section_of_all_draws,
    table_rows,
)
from small_collaborations import (
    several_draws,
    small_collaboration,
)
from small_generators import QUALITY, trained

from cgm_jax.collaboration import estimate_uncertainty
from cgm_jax.evaluation import Evaluation
from cgm_jax.evaluation.evaluate import Measurements
from cgm_jax.report import report_data

METRICS = [field.name for field in dataclasses.fields(Measurements)]


# --- many parties, and how sure all of it is


def test_of_many_parties_pictures_show_some_and_tables_all(
    tmp_path, quick, monkeypatch
):
    monkeypatch.setattr("cgm_jax.report.sections.MAX_SHOWN_PARTIES", 5)
    shown = []

    def picture(source, names, *, parties, **more):
        shown.append(parties)

    for name in ("contributions", "values", "rewards"):
        monkeypatch.setattr(f"cgm_jax.plots.plot_{name}", picture)
    result = small_collaboration(24, 64)
    names = [f"bank {i}" for i in range(24)]
    page = Page(render(tmp_path, [section_of(result, names)]))
    order = np.argsort(-result.promises.scheme.shapley_values)
    assert shown == [[order[i] for i in (0, 6, 12, 17, 23)]] * 3
    assert "Of 24 parties, the pictures show 5" in page.text
    assert "exact, in polynomial time" in page.text
    assert all(["".join(name.split()) for name in names])
    first_words = [row[1] for row in table_rows(page) if len(row) > 1]
    assert {f"bank{i}" for i in range(24)} <= set(first_words)


@pytest.mark.parametrize("size", [(3, 2), (24, 64)])
@pytest.mark.medium
def test_uncertainty_has_a_picture_and_a_table_by_rank(tmp_path, quick, size):
    result = small_collaboration(*size)
    found = estimate_uncertainty(jax.random.key(0), result.promises, 8)
    names = [f"bank {i}" for i in range(size[0])]
    section = section_of(result, names, uncertainty=found)
    data = report_data(section, settings={})["uncertainty"]
    assert data["num_resamples"] == 8
    for name in ("own_value", "shapley", "normalized_shapley", "reward_value"):
        errors = getattr(found, f"{name}_errors")
        assert data[f"{name}_errors"] == [x if x == x else None for x in errors]
    assert ("ranked_alike" in data) == (size[0] <= 10)
    page = Page(render(tmp_path, [section]))
    assert "How sure this is" in page.text
    assert "8 resamples" in page.text
    assert any("error bar" in img.attributes["alt"] for img in page.all("img"))
    ranked = [
        row for row in table_rows(page) if len(row) == 6 and row[0].startswith("bank")
    ]
    assert [row[0] for row in ranked] == [f"bank{i}" for i in found.ranking]
    for row, i in zip(ranked, found.ranking, strict=True):
        error = found.normalized_shapley_errors[i]
        np.testing.assert_allclose(float(row[2]), error, rtol=1e-3)
        sure = found.above_next[i]
        apart = "" if sure >= 0.95 else ",nottoldapart"
        assert row[5] == ("–" if np.isnan(sure) else f"{100 * sure:.1f}%{apart}")
    if size[0] == 3:
        first, second = found.ranking[:2]
        assert data["ranked_alike"] == found.ranked_alike.tolist()
        share = f"{100 * found.ranked_alike[first, second]:.1f}%"
        assert [f"bank{first}", "–", share] == next(
            row[:3] for row in table_rows(page) if len(row) == 4 and row[1] == "–"
        )


@pytest.mark.medium
def test_warnings_on_the_resamples_are_told(tmp_path, no_figures):
    found = estimate_uncertainty(jax.random.key(0), one().promises, 2)
    rewards = found.reward_values.copy()
    rewards[0] = np.nan
    found = dataclasses.replace(found, reward_values=rewards)
    page = Page(render(tmp_path, [section_of(one(), uncertainty=found)]))
    assert "In 1 of 2 resamples no reward values keep the promises" in page.text


# --- where the candidates come from


def render_origin(path, origin, **more):
    return Page(render(path, [section_of(one())], origin=origin, **more))


def words_of(section):
    return " ".join(section.text.split())


@pytest.mark.medium
def test_metrics_have_tables_and_a_picture(tmp_path, quick):
    _, draws = several_draws()
    rng, (betas, n) = np.random.default_rng(0), (len(draws), 3)
    before, after = (
        Measurements(**{name: rng.random(shape) for name in METRICS})
        for shape in ((n,), (betas, n))
    )
    inverse_temperatures = np.array([drawn.inverse_temperature for drawn in draws])
    evaluation = Evaluation(
        inverse_temperatures, rng.random(n), rng.random((betas, n)), before, after
    )
    section = section_of_all_draws(evaluation=evaluation)
    page = Page(render(tmp_path, [section]))
    rows = [row for row in table_rows(page) if any("→" in cell for cell in row)]
    assert [row[0] for row in rows] == NAMES
    for i, row in enumerate(rows):
        for name, cell in zip(METRICS, row[1:], strict=True):
            shown = [float(number) for number in cell.split("→")]
            expected = getattr(before, name)[i], getattr(after, name)[0, i]
            np.testing.assert_allclose(shown, expected, rtol=1e-2)
    assert len(page.all("img")) == 6
    data = report_data(section, settings={})["evaluation"]
    np.testing.assert_array_equal(data["after"]["reverse_kl"], after.reverse_kl)
    mean = evaluation.alpha_correlations["reverse_kl"].mean
    assert data["alpha_correlations"]["reverse_kl"]["mean"] == mean


@pytest.mark.medium
def test_a_trained_generator_has_a_section_of_figures_and_pictures(tmp_path, quick):
    note = "A note on the generator."
    page = render_origin(tmp_path, origin_of(trained()), generator_note=note)
    *_, section, notes, _ = page.all("section")
    assert [e.text for e in page.all("h2")][-3] == "Where the candidates come from"
    assert note in section.text and note not in notes.text
    rows = {row[0]: row[1:] for row in table_rows(page)}
    assert rows["Generated"] == ["0.001000", "0.002000", "51.2%"]
    assert rows["Real"] == ["-0.0003000", "0.0004000", "50%expected"]
    density = rows["Kerneldensityestimate,bandwidthcross-validated"]
    assert density == ["0.0005000", "0.0006000", "63.4%"]
    assert "1,234 real rows" in words_of(section)
    assert len(page.all("img")) == 4 + 2
    assert "worse" not in section.text


def test_a_generator_worse_than_the_density_is_warned_of(tmp_path, no_figures):
    model = trained(dataclasses.replace(QUALITY, is_worse_than_kernel_density=True))
    page = render_origin(tmp_path, origin_of(model))
    (warning,) = [li.text for li in page.all("li") if "train it longer" in li.text]
    assert "farther from the held-out rows than those of a kernel density" in warning
    data = report_data(section_of(one()), settings={}, origin=origin_of(model))
    assert data["warnings"] == [warning]


@pytest.mark.parametrize(
    ("num_columns", "words"),
    [
        (1, "How often each number occurs"),
        (2, "Left, the parties' rows"),
        (3, "Of 3 columns, the picture shows"),
    ],
)
def test_candidates_without_training_are_shown_beside_the_rows(
    tmp_path, quick, num_columns, words
):
    page = render_origin(tmp_path, origin_of(num_columns=num_columns))
    assert len(page.all("img")) == 4 + 1
    assert words in page.text
    assert "MMD² at ℓ" not in page.text


@pytest.mark.medium
def test_images_are_shown_as_images(tmp_path, quick):
    origin = origin_of(trained(shape=(4, 4, 1), value_range=(0, 1)), num_columns=16)
    assert origin.shape == (4, 4, 1)
    page = render_origin(tmp_path, origin)
    assert "Above, images of the parties" in page.text


def test_a_model_without_figures_or_history_has_a_section(tmp_path, no_figures):
    model = dataclasses.replace(trained(), quality=None, history=np.zeros((0, 5)))
    page = render_origin(tmp_path, origin_of(model))
    assert len(page.all("img")) == 4 + 1
    data = report_data(section_of(one()), settings={}, origin=origin_of(model))
    assert data["generator"]["quality"] is None
    assert data["generator"]["history"]["step"] == []
