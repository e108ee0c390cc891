"""The files of a mediator's run, all made before the first is published."""

import importlib.metadata
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cgm_jax._shared.digests import digest_of_file
from cgm_jax._version import __version__
from cgm_jax.files import write_json, write_rewards, write_text
from cgm_jax.report import draw_pictures, report_data, report_page
from cgm_jax.report.page import nearness_page
from cgm_jax.report.party_statement import ShowShares
from cgm_jax.report.pictures import draw_statement
from cgm_jax.report.sentences import generator_note

from .older_run import listed_files, remove_older
from .run import Mediation
from .sections import candidate_origin, mediation_section, reward_name
from .statements import party_statements, write_statement


def publish_mediation(
    mediation: Mediation, *, show_shares: ShowShares = "ranks"
) -> Path:
    """Write a reward and a statement for each party, and the mediator's pages.

    Args:
        mediation: what was computed.
        show_shares: what statements say of contributions, as in `party_statements`.

    Returns:
        The mediator's report.
    """
    names, collaboration = mediation.parties.names, mediation.collaboration
    folder = mediation.folder
    section, origin = mediation_section(mediation), candidate_origin(mediation)
    settings = _settings(mediation)
    data = report_data(section, settings=settings, origin=origin)
    page = report_page(
        [section],
        [draw_pictures(section)],
        title="Rewards of the collaboration",
        settings=settings,
        generator_note=generator_note(
            mediation.source.kind,
            is_of_other_data=mediation.source.is_of_other_data,
        ),
        origin=origin,
    )
    nearness = mediation.nearness
    page_of_nearness = nearness_page(nearness, names)
    data["nearest_rows"] = {
        "control": nearness.control,
        "decimals": nearness.decimals,
        "rewards": nearness.rows(names),
    }
    statements = party_statements(mediation, show_shares)
    drawn = [draw_statement(statement) for statement in statements]
    parties, labels = mediation.parties, mediation.labels
    rewards = []
    for name, party, reward, rows in zip(
        names,
        parties.formats,
        collaboration.draw.rewards,
        mediation.rewards,
        strict=True,
    ):
        rewards.append(folder / name / reward_name(party))
        write_rewards(
            rewards[-1],
            rows,
            party,
            labels=None if labels is None else labels.labels[reward.indices],
        )
    written = [
        path
        for statement, pictures in zip(statements, drawn, strict=True)
        for path in write_statement(folder / statement.party, statement, pictures)
    ]
    for kind, paths in (("reward_files", rewards), ("statements", written)):
        data[kind] = [
            {
                "file": path.relative_to(folder).as_posix(),
                "sha256": digest_of_file(path),
            }
            for path in paths
        ]
    write_text(folder / "mediator" / "nearest_rows.html", page_of_nearness)
    report = folder / "mediator" / "report.html"
    write_text(report, page)
    # Last, for it is what lists files: until then it is the older run's.
    older = listed_files(folder)
    write_json(folder / "mediator" / "report.json", data)
    remove_older(folder, older)
    return report


def _settings(mediation: Mediation) -> dict[str, Any]:
    """Everything that is needed to repeat the run, in words for the report."""
    settings, parties, labels = mediation.settings, mediation.parties, mediation.labels
    options = mediation.tables.options
    return {
        "date": made_on(),
        "command": settings.command,
        "inverse temperature (beta)": settings.inverse_temperature,
        "seed": settings.seed,
        "scheme": settings.scoring.name,
        **_kernel_settings(mediation),
        "generator": mediation.source.described,
        "candidates asked for": settings.num_candidates,
        "candidates drawn": len(mediation.collaboration.promises.candidates),
        "columns": "standardised" if options.standardize else "as they are",
        "rows that must share what is handed out": options.min_rows,
        "only categories of several parties": options.only_shared_categories,
        "file of the columns' kinds": options.columns and options.columns.name,
        "stability": settings.stability,
        "resamples": settings.num_resamples,
        "label column": options.label_column,
        "label accuracy on held-out real rows": None
        if labels is None or np.isnan(labels.accuracy)
        else labels.accuracy,
        "inputs": [
            {"party": name, "file": file.path.name, "sha256": file.sha256}
            for name, file in zip(parties.names, parties.files, strict=True)
        ],
        **made_with(),
    }


def made_on() -> str:
    """The date."""
    return f"{datetime.now(UTC):%Y-%m-%d} (UTC)"


def made_with() -> dict[str, Any]:
    """Versions and the device, which the last digits depend on."""
    packages = ("jax", "jaxlib", "numpy", "scipy", "cvxpy", "scikit-learn")
    return {
        "versions": {
            "cgm-jax": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
        "device": str(jax.devices()[0].device_kind),
    }


def _kernel_settings(mediation: Mediation) -> dict[str, Any]:
    learned, path = mediation.learned, mediation.settings.kernel
    if learned is None or path is None:
        return {}
    is_searched = learned.has_length_scale
    return {
        "kernel": type(learned.kernel).__name__,
        "kernel file": path.name,
        "kernel file (sha256)": digest_of_file(path),
        "length scale of the kernel": "searched" if is_searched else "as in the file",
        **{f"kernel: {name}": value for name, value in learned.notes.items()},
    }
