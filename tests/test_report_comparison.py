"""What is said of compared generators, on a page and in a report."""

import dataclasses
import json

import numpy as np
import pytest
from small_comparisons import COPY, comparison, figures

from cgm_jax.evaluation import GeneratorChoice
from cgm_jax.report.data import comparison_data
from cgm_jax.report.page import comparison_page
from cgm_jax.report.sentences import (
    choice_sentences,
    comparison_sentences,
    yardstick_sentences,
)


def test_a_copier_is_ruled_out_and_named():
    which, why = comparison_sentences(comparison())
    assert which == (
        "Of the generators compared on 20 rows that none of them saw, the mixture of "
        "products is the one to use."
    )
    assert why == (
        "About 97% of the rows of the kernel density estimate are real rows but for a "
        "little noise; it is ruled out."
    )


def test_scores_of_those_left_are_beside_the_best():
    found = comparison(
        figures("product-mixture", detection=0.7),
        figures("mmd-gan", detection=0.2),
    )
    _, why = comparison_sentences(found)
    assert why.endswith("(100% is best): 70%; MMD-GAN 20%.")


@pytest.mark.parametrize("detection", [0.69, 0.71, np.nan])
def test_what_decides_between_those_as_hard_to_tell_is_said(detection):
    found = comparison(
        figures("product-mixture", detection=0.7, mmd2=(0.0, 0.001)),
        figures("mmd-gan", detection=detection, mmd2=(0.0, 0.002)),
    )
    (*_, why) = comparison_sentences(found)
    assert found.best.name == "product-mixture"
    is_close = not np.isnan(detection)
    assert ("it is the nearest to unseen rows" in why) == is_close
    assert ("unknown" in why) == (not is_close)


@pytest.mark.parametrize("detection", [0.11, 0.2])
def test_a_generator_no_better_than_independent_columns_is_said(detection):
    found = comparison(figures("product-mixture", detection=detection))
    is_said = "independently of each other are as hard" in " ".join(
        comparison_sentences(found)
    )
    assert is_said == (detection == 0.11)  # theirs is 0.1


def test_where_all_copy_none_is_ruled_out():
    found = comparison(
        figures("kde", copying=COPY, detection=0.9),
        figures("product-mixture", copying=COPY, detection=0.5),
    )
    which, *copiers, why = comparison_sentences(found)
    assert "the kernel density estimate is the one" in which
    assert len(copiers) == 2 and "ruled out" not in "".join(copiers)
    assert "mixture of products 50%" in why


def test_a_choice_without_a_comparison_says_why():
    few = GeneratorChoice("kde", 80, obstacle="few rows")
    coarse = GeneratorChoice("kde", 800, obstacle="coarse columns")
    assert "80 rows are too few to compare" in choice_sentences(few)[0]
    assert "hardly any rows exist but the real ones" in choice_sentences(coarse)[0]
    found = GeneratorChoice("product-mixture", 100, comparison())
    assert choice_sentences(found) == comparison_sentences(comparison())


def test_yardsticks_and_an_unknown_score_are_said():
    copied, score = yardstick_sentences(comparison())
    assert "± about a standard error" in copied and "only 80" in copied
    assert score.endswith("predict job with an AUC of 0.790.")
    assert len(yardstick_sentences(comparison(target=None))) == 1
    unknown = dataclasses.replace(comparison(), real_utility=np.nan)
    assert yardstick_sentences(unknown)[1].endswith("unknown.")


def test_numbers_are_strict_json():
    data = comparison_data(comparison())
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["best"] == "product-mixture" and data["num_held_out"] == 20
    assert data["generators"][-1]["detection"] is None
    assert data["generators"][0]["fit_seconds"] == 3.25


@pytest.mark.medium
def test_a_page_has_every_figure_and_escapes_names():
    page = comparison_page(comparison(), "A <title>", files=["a&b.csv"])
    assert "A &lt;title&gt;" in page and "a&amp;b.csv" in page
    for text in ("product-mixture", "fresh real rows", "AUC", "0.7900", "3.2", "+97.0"):
        assert text in page
    assert "AUC" not in comparison_page(comparison(target=None), "A")
