"""The audit of a finished run, repeated from its files.

The report's sums of the kernel give every value and bound anew; the promises and what
was reached are those of the report, and files must be those that were valued.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cgm_jax._shared.digests import digest_of_file
from cgm_jax.audit import Audit, audit_promises
from cgm_jax.audit.auditing import tolerance_of
from cgm_jax.audit.games import as_game
from cgm_jax.files import InputError, UsageError
from cgm_jax.files.input_errors import access_error
from cgm_jax.gram import GramSums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.rewards import RewardScheme, RewardStatus, scheme_from_sums
from cgm_jax.scoring import HandedIn
from cgm_jax.scoring.saving import rebuild_scoring

from .older_run import other_folders


@dataclass(frozen=True, eq=False)
class AuditedDraw:
    """One draw of a finished run: what was promised, and whether it was kept."""

    title: str
    names: tuple[str, ...]
    scheme: RewardScheme
    audit: Audit
    changed_files: tuple[str, ...]  # missing, or not the files that were valued
    other_folders: tuple[str, ...]  # of no party of this run

    @property
    def is_kept(self) -> bool:
        """Whether all promises were kept, and the files are still those."""
        return self.audit.is_kept and not self.changed_files


def audit_folder(folder: str | Path) -> list[AuditedDraw]:
    """Audit every draw of a finished ``run``, ``demo`` or ``reproduce``."""
    path = _report_in(Path(folder))
    try:
        report = json.loads(path.read_text("utf-8"))
        if "agreement" in report:
            raise UsageError(
                f"{path}: expected a run on rows, found one on releases: its promises "
                "are of noisy values, and the report says how uncertain they are"
            )
        sections = report.get("splits") or {"": report}
        return [
            audited
            for name, section in sections.items()
            for audited in _audited(name, section, Path(folder))
        ]
    except UsageError:
        raise
    except OSError as error:
        raise access_error(path, "read", error) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            "expected the report.json of a finished run of this version, found a "
            "damaged or another one; run it again with --overwrite",
            file=path,
        ) from error


def _report_in(folder: Path) -> Path:
    for path in (folder / "mediator" / "report.json", folder / "report.json"):
        if path.is_file():
            return path
    raise UsageError(
        f"{folder}: expected the folder of a finished run, with mediator/report.json "
        "or report.json in it, found neither"
    )


def _audited(name: str, section: Mapping[str, Any], folder: Path) -> list[AuditedDraw]:
    parties = section["parties"]
    sums = GramSums(
        np.array(section["sums"]["between"], float),
        np.zeros((0, len(parties) + 1)),
        np.array(section["sums"]["sizes"], float),
    )
    game = as_game(sums)
    scoring = rebuild_scoring(section["scheme"]["scoring"])
    if scoring is None:
        raise ValueError("a scoring of another package")
    # No rows are in the report: scores that need some are those of the report.
    handed_in = HandedIn(SquaredExponential(1.0), None, np.zeros((0, 1)), sums)
    scores = np.array([party["shapley_value"] for party in parties], float)
    if not scoring.needs_rows:
        scores = scoring.scores(handed_in)
    scheme = dataclasses.replace(
        scheme_from_sums(
            sums,
            game.known if game.is_exact else None,
            scores=scores,
            scoring=scoring.name,
            stability=section["stability"],
            fairness_weight=section["fairness_weight"],
            throw=False,
            solver="closed form",
        ),
        reward_values=np.array([party["reward_value"] for party in parties], float),
        max_reward_value=float(section["max_reward_value"]),
        rho=float(section["rho"]),
        status=RewardStatus(section["status"]),
        relaxation=float(section["relaxation"]),
    )
    changed = tuple(
        file["file"]
        for file in section.get("reward_files", [])
        if _digest(folder / file["file"]) != file["sha256"]
    )
    names = tuple(party["name"] for party in parties)
    others = other_folders(folder, names) if "reward_files" in section else ()
    found = []
    for draw in section["draws"]:
        rewards = draw["rewards"]
        num_picks = sum(reward["num_points"] for reward in rewards)
        num_negative = sum(reward["num_negative_steps"] for reward in rewards)
        audit = audit_promises(
            game,
            scheme,
            np.array([reward["final_value"] for reward in rewards], float),
            scoring=scoring,
            handed_in=None if scoring.needs_rows else handed_in,
            tolerance=tolerance_of(section["dtype"]),
            negative_picks=num_negative / num_picks if num_picks else np.nan,
        )
        beta = f"β = {float(draw['inverse_temperature']):g}"
        title = f"{section['title']}, {beta}" if name else beta
        found.append(AuditedDraw(title, names, scheme, audit, changed, others))
    return found


def _digest(path: Path) -> str | None:
    try:
        return digest_of_file(path)
    except FileNotFoundError:
        return None
