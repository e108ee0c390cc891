"""What the screen shows of an experiment, beside what the paper prints."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from rich.console import Console
from small_experiments import line_data

from benchmarks.studies.power_tables import mean_words
from cgm_jax.cli.experiment_tables import experiment_tables
from cgm_jax.evaluation import evaluate_rewards
from cgm_jax.experiments import Experiment, run_experiment


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    """Five small parties on a line, at one β."""
    return run_experiment(jax.random.key(0), line_data(), inverse_temperatures=[2])


def shown(experiment: Experiment) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        for table in experiment_tables(experiment):
            console.print(table)
    return capture.get()


@pytest.mark.medium
def test_every_printed_number_has_its_difference(experiment):
    text = shown(experiment)
    promises, paper = experiment.promises, experiment.data.paper
    for ours, printed in zip(
        promises.scheme.reward_values, paper.reward_values, strict=True
    ):
        assert f"{ours:.5f}" in text
        assert f"{printed:g} ✗" in text
        assert f"{ours - printed:+.2g}" in text
    for printed in paper.num_points[2]:
        assert f"{printed:,} (" in text
    for printed in paper.mmd2_unbiased[2]:
        assert f"{printed:.3g}" in text


def test_what_a_single_draw_does_not_have_is_a_dash(experiment):
    assert "nan" not in shown(experiment).lower()


def test_equal_digits_are_marked(experiment):
    same = replace(
        experiment.data.paper,
        length_scale=float(f"{experiment.promises.length_scale:.3g}"),
    )
    data = replace(experiment.data, paper=same)
    assert f"{same.length_scale:g} ✓" in shown(replace(experiment, data=data))


def test_beside_other_data_there_are_no_differences_and_no_marks(experiment):
    text = shown(replace(experiment, data=replace(experiment.data, is_stand_in=True)))
    assert "credit card, printed" in text
    for sign in ("✓", "✗", "difference"):
        assert sign not in text


def test_without_metrics_there_are_only_promises_and_numbers(experiment):
    text = shown(replace(experiment, evaluation=None))
    assert "MMD²" not in text
    assert "synthetic points |G_i|" in text


def test_metrics_are_those_of_the_draws(experiment):
    data = experiment.data
    again = evaluate_rewards(
        experiment.promises,
        list(experiment.draws.values()),
        data.labels,
        data.candidate_labels,
        num_classes=data.num_classes,
    )
    for value in again.after.mmd2_unbiased[0]:
        assert f"{value:.3g}" in shown(experiment)


def test_means_have_their_standard_error():
    # deviations −1, 0, 1: variance 1 by n − 1, so the error is 1 / √3
    assert mean_words(np.array([1.0, 2.0, 3.0])) == "2.000 ± 0.577"
    assert mean_words(np.array([1.0, 2.0, 3.0]), "+.1f") == "+2.0 ± 0.577"
    assert mean_words(np.array([0.25])) == "0.250"
