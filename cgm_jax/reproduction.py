"""The files of an experiment: a page for people, numbers for programs, pictures.

Everything is computed before the first file is published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Array, Key

from . import plots
from .collaboration import Progress
from .experiments import Experiment, KernelComparison, PowerResults, compare
from .experiments.kernel_comparison import COMPARED
from .experiments.two_sample_power import KERNELS
from .files import write_atomically, write_json, write_text
from .report import (
    CandidateOrigin,
    Picture,
    ReportSection,
    draw_pictures,
    plain,
    render,
    report_data,
    report_page,
)
from .scrutiny import scrutinize

__all__ = ["publish_comparison", "publish_experiments", "publish_power"]


def publish_experiments(
    folder: Path,
    experiments: Sequence[Experiment],
    *,
    title: str,
    settings: Mapping[str, Any],
    stress_key: Key[Array, ""] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write ``report.html``, ``report.json`` and every picture as PNG.

    Args:
        folder: where to; it exists.
        experiments: at least one, on the same data, each shared in another way.
        title: of the page.
        settings: what the run can be repeated with.
        stress_key: a typed key for trials of cheating; none are made without it.
        progress: called with the stage and the share of it that is done.

    Returns:
        The page.

    Raises:
        OSError: if a file cannot be written.
    """
    sections = [
        _section(experiment, stress_key, progress) for experiment in experiments
    ]
    origin = _origin(experiments[0])
    # Pictures and tables are made before the first file is published.
    pictures = [draw_pictures(section) for section in sections]
    files = {
        f"{experiment.data.split}-{name}.png": picture.png
        for experiment, drawn in zip(experiments, pictures, strict=True)
        for name, picture in drawn.items()
    }
    if experiments[0].evaluation is not None:
        files["correlations.png"] = _correlations(experiments).png
    page = report_page(
        sections,
        title=title,
        settings=settings,
        generator_note=experiments[0].data.candidates_note,
        origin=origin,
        pictures=pictures,
    )
    numbers = {
        "settings": settings,
        "splits": {
            experiment.data.split: {
                **report_data(section, settings={}),
                "beside_the_paper": [
                    asdict(line) | {"difference": line.difference}
                    for line in compare(experiment)
                ],
            }
            for experiment, section in zip(experiments, sections, strict=True)
        },
    }
    for name, png in files.items():
        write_atomically(folder / name, lambda file, png=png: file.write(png))
    write_json(folder / "report.json", numbers)
    report = folder / "report.html"
    write_text(report, page)
    return report


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
        name: experiment.promised.normalized_shapley
        for name, experiment in experiments.items()
    }
    pictures = {
        "coverage.png": plots.plot_coverage(comparison.coverage, alpha),
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
                "length scale": experiment.promised.length_scale,
                "reward values": experiment.promised.scheme.reward_values.tolist(),
                "points given": {
                    beta: [len(reward.indices) for reward in drawn.rewards]
                    for beta, drawn in experiment.collaborations.items()
                },
                "stop reasons": {
                    beta: [reward.stop_reason for reward in drawn.rewards]
                    for beta, drawn in experiment.collaborations.items()
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
        results: of `estimate_power`.

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
        plots.plot_power(
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


def _correlations(experiments: Sequence[Experiment]) -> Picture:
    """Figure 2: a panel a split."""
    return render(
        plots.plot_correlations(
            {
                experiment.data.split: {
                    experiment.data.title: experiment.evaluation.alpha_correlations
                }
                for experiment in experiments
                if experiment.evaluation is not None
            }
        )
    )


def _section(
    experiment: Experiment,
    stress_key: Key[Array, ""] | None,
    progress: Progress | None,
) -> ReportSection:
    data, draws = experiment.data, list(experiment.collaborations.values())
    # Of the draw with the fewest points: the promises are those of all.
    last = max(draws, key=lambda drawn: drawn.inverse_temperature)
    embedding = None
    if data.places is not None:
        embedding = plots.Embedding(*data.places, ("UMAP 1", "UMAP 2"))
    return ReportSection(
        title=f"{data.title}, {data.split} split",
        collaborations=draws,
        names=[f"party {i + 1}" for i in range(len(data.parties))],
        columns=data.columns,
        printed=None if data.is_stand_in else data.paper,
        evaluation=experiment.evaluation,
        embedding=embedding,
        candidate_labels=data.candidate_labels,
        scrutiny=scrutinize(last, stress_key=stress_key, progress=progress),
    )


def _origin(experiment: Experiment) -> CandidateOrigin:
    data = experiment.data
    parties, generated = data.images or (data.parties, data.candidates)
    columns = None if data.images else data.columns
    return CandidateOrigin(np.concatenate(parties), generated, columns, data.model)
