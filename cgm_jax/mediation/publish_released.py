"""The files of a run on releases, all made before the first is published."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cgm_jax._shared.digests import digest_of_file
from cgm_jax.files import plain_format, write_json, write_rewards, write_text
from cgm_jax.report.released import (
    ReleasedRun,
    draw_released,
    own_statement,
    own_statement_page,
    released_data,
    released_page,
)

from .agreement import Agreement
from .older_run import listed_files, remove_older
from .publish import made_on, made_with

__all__ = ["publish_released"]


def publish_released(
    folder: Path,
    run: ReleasedRun,
    agreement: Agreement,
    *,
    files: Sequence[Path],
    command: str,
    seed: int,
) -> Path:
    """Write a reward and a statement for each party, and the mediator's page.

    Args:
        folder: where to.
        run: what was made of the releases.
        agreement: what the parties agreed on.
        files: the releases, in the order of the parties.
        command: as it was typed.
        seed: of the generator and the draw.

    Returns:
        The mediator's report.
    """
    promises, draw = run.collaboration.promises, run.collaboration.draw
    settings = {
        "date": made_on(),
        "command": command,
        "seed": seed,
        "scheme": promises.scoring.name,
        "inverse temperature (beta)": draw.inverse_temperature,
        "candidates drawn": len(promises.candidates),
        "resamples": run.uncertainty.num_resamples,
        "features": f"{agreement.kind}, {agreement.features.num_features:,}",
        "inputs": [
            {"party": name, "file": file.name, "sha256": digest_of_file(file)}
            for name, file in zip(run.names, files, strict=True)
        ],
        **made_with(),
    }
    data = released_data(run, settings=settings)
    page = released_page(run, draw_released(run), settings=settings)
    statements = [
        own_statement(run, i, settings=settings) for i in range(len(run.names))
    ]
    rows = np.asarray(promises.candidates, np.float64)
    tables = [agreement.decode(rows[drawn.indices]) for drawn in draw.rewards]
    written: dict[str, list[Path]] = {"reward_files": [], "statements": []}
    for name, table, statement in zip(run.names, tables, statements, strict=True):
        reward = folder / name / "reward.csv"
        write_rewards(reward, table, plain_format(table))
        written["reward_files"].append(reward)
        said = [folder / name / f"statement.{ending}" for ending in ("json", "html")]
        write_json(said[0], statement)
        write_text(said[1], own_statement_page(statement))
        written["statements"] += said
    for kind, paths in written.items():
        data[kind] = [
            {
                "file": path.relative_to(folder).as_posix(),
                "sha256": digest_of_file(path),
            }
            for path in paths
        ]
    report = folder / "mediator" / "report.html"
    write_text(report, page)
    # Last, for it is what lists files: until then it is the older run's.
    older = listed_files(folder)
    write_json(folder / "mediator" / "report.json", data)
    remove_older(folder, older)
    return report
