"""The files of a study: numbers for programs, and pictures.

Everything is computed before the first file is published.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cgm_jax import plots
from cgm_jax.files import write_atomically, write_json
from cgm_jax.report.data import plain
from cgm_jax.report.pictures import render

from .coverage_plot import plot_coverage
from .kernel_comparison import COMPARED, KernelComparison
from .power import KERNELS, PowerResults
from .power_plot import plot_power

__all__ = ["publish_comparison", "publish_power"]


def publish_comparison(
    folder: Path, comparison: KernelComparison, *, settings: Mapping[str, Any]
) -> Path:
    """Write ``comparison.json`` and two pictures: what two kernels made of the parties.

    Args:
        folder: where to; it exists.
        comparison: of `compare_kernels`.
        settings: what the run can be repeated with.

    Returns:
        The file of numbers.

    Raises:
        OSError: if a file cannot be written.
    """
    experiments, fitted = comparison.experiments, comparison.fitted
    data = experiments[COMPARED[0]].data
    correlations = {
        name: experiment.evaluation.alpha_correlations
        for name, experiment in experiments.items()
        if experiment.evaluation is not None
    }
    alpha = {
        name: experiment.promises.scheme.normalized_shapley
        for name, experiment in experiments.items()
    }
    pictures = {
        "coverage.png": plot_coverage(comparison.coverage, alpha),
        "correlations.png": plots.plot_correlations({data.split: correlations}),
    }
    drawn = {name: render(figure) for name, figure in pictures.items()}
    numbers = {
        "settings": settings,
        "candidates": data.candidates_note,
        "coverage": comparison.coverage.tolist(),
        "coverage by assignment of classes": comparison.assigned_coverage.tolist(),
        "J on fitted rows": fitted.fitted_power,
        "J on held-out rows": fitted.held_out_power,
        "fitted rows": [rows.tolist() for rows in fitted.fitted_rows],
        "kernels": {
            name: {
                "alpha": alpha[name].tolist(),
                "sharpness": comparison.sharpness(name)._asdict(),
                "alpha by assignment of classes": (
                    comparison.assigned_alpha[name].tolist()
                ),
                "share of negative picks": comparison.negative_shares(name),
                "correlations with alpha": {
                    metric: asdict(summary)
                    for metric, summary in correlations[name].items()
                },
                "length scale": experiment.promises.length_scale,
                "reward values": experiment.promises.scheme.reward_values.tolist(),
                "points given": {
                    beta: [len(reward.indices) for reward in draw.rewards]
                    for beta, draw in experiment.draws.items()
                },
                "stop reasons": {
                    beta: [reward.stop_reason for reward in draw.rewards]
                    for beta, draw in experiment.draws.items()
                },
            }
            for name, experiment in experiments.items()
        },
    }
    for name, picture in drawn.items():
        write_atomically(folder / name, lambda file, p=picture: file.write(p.png))
    report = folder / "comparison.json"
    write_json(report, plain(numbers))
    return report


def publish_power(folder: Path, results: PowerResults) -> Path:
    """Write ``power.json`` and ``power.png``: what two-sample tests found.

    Args:
        folder: where to; it exists.
        results: of `measure_power`.

    Returns:
        The picture.

    Raises:
        OSError: if a file cannot be written.
    """
    power, level, fitted, fresh = (
        dict(zip(KERNELS, shares.tolist(), strict=True))
        for shares in (
            results.power,
            results.level,
            results.fitted_criterion,
            results.fresh_criterion,
        )
    )
    drawn = render(
        plot_power(
            np.array(results.num_points),
            power,
            level,
            significance=results.options.significance,
        )
    )
    numbers = {
        "problem": results.problem.title,
        "options": asdict(results.options),
        "points of a sample": results.num_points,
        "power": power,
        "level": level,
        "J of the points learned from": fitted,
        "J of fresh points": fresh,
        "seconds of learning": dict(
            zip(KERNELS, results.training_seconds.tolist(), strict=True)
        ),
    }
    write_json(folder / "power.json", plain(numbers))
    picture = folder / "power.png"
    write_atomically(picture, lambda file: file.write(drawn.png))
    return picture
