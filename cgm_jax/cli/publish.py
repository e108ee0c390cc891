"""The files of an experiment, all made before the first is published."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Key

from cgm_jax import plots
from cgm_jax._shared.progress import Progress, silent
from cgm_jax.audit import Review, review
from cgm_jax.experiments import Experiment, compare
from cgm_jax.files import write_atomically, write_json, write_text
from cgm_jax.report import (
    CandidateOrigin,
    Picture,
    ReportSection,
    draw_pictures,
    report_data,
    report_page,
)
from cgm_jax.report.pictures import render


def publish_experiments(
    key: Key[Array, ""],
    folder: Path,
    experiments: Sequence[Experiment],
    *,
    title: str,
    settings: Mapping[str, Any],
    stress_test: bool = False,
    progress: Progress = silent,
) -> Path:
    """Write ``report.html``, ``report.json`` and every picture as PNG."""
    reviews = [
        review(
            jax.random.fold_in(key, i),
            experiment.greediest,
            stress_test=stress_test,
            progress=progress,
        )
        for i, experiment in enumerate(experiments)
    ]
    sections = list(map(_section, experiments, reviews))
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
        pictures,
        title=title,
        settings=settings,
        generator_note=experiments[0].data.candidates_note,
        origin=_origin(experiments[0]),
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


def _correlations(experiments: Sequence[Experiment]) -> Picture:
    """Figure 2: one panel per split."""
    correlations = {
        experiment.data.split: {
            experiment.data.title: experiment.evaluation.alpha_correlations
        }
        for experiment in experiments
        if experiment.evaluation is not None
    }
    return render(plots.plot_correlations(correlations))


def _section(experiment: Experiment, found: Review) -> ReportSection:
    data = experiment.data
    embedding = None
    if data.places is not None:
        embedding = plots.Embedding(*data.places, ("UMAP 1", "UMAP 2"))
    return ReportSection(
        title=f"{data.title}, {data.split} split",
        promises=experiment.promises,
        draws=list(experiment.draws.values()),
        names=[f"party {i + 1}" for i in range(len(data.parties))],
        columns=data.columns,
        printed=None if data.is_stand_in else data.paper,
        evaluation=experiment.evaluation,
        embedding=embedding,
        candidate_labels=data.candidate_labels,
        review=found,
    )


def _origin(experiment: Experiment) -> CandidateOrigin:
    data = experiment.data
    parties, generated = data.images or (data.parties, data.candidates)
    columns = None if data.images else data.columns
    return CandidateOrigin(np.concatenate(parties), generated, columns, data.model)
