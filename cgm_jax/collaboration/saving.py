"""Collaborations in files: an archive of numbers and one JSON text, without pickles."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cgm_jax._shared.archive import (
    Arrays,
    Mismatch,
    archive_errors,
    read_archive,
    with_prefix,
    write_archive,
)
from cgm_jax._shared.arrays import Points
from cgm_jax.embeddings import FeatureMap
from cgm_jax.gram import GramSums
from cgm_jax.kernels.deep import Network
from cgm_jax.kernels.saving import describe_kernel, rebuild_kernel
from cgm_jax.privacy import Release
from cgm_jax.rewards import RewardScheme, RewardStatus
from cgm_jax.sampling import Reward
from cgm_jax.scoring import Scoring
from cgm_jax.scoring.saving import describe_scoring, rebuild_scoring

from .outliers import Outlier
from .promises import Draw, Promises

if TYPE_CHECKING:
    from .collaboration import Collaboration

__all__ = ["load_parts", "save_collaboration"]

_KIND = "collaboration"


def save_collaboration(path: str | Path, collaboration: "Collaboration") -> None:
    """Write promises and draw, complete or not at all."""
    promises, draw = collaboration.promises, collaboration.draw
    outlier = promises.outlier
    arrays: Arrays = {
        "candidates": np.asarray(promises.candidates),
    }
    sent: list[dict[str, Any]] | None = None
    if promises.features is None:
        points = promises.points_for("a file of them")
        arrays |= {f"party.{i}": np.asarray(x) for i, x in enumerate(points)}
    else:
        releases = cast(list[Release], promises.parties)
        sent = [
            _facts_of(each, f"party.{i}.", arrays) for i, each in enumerate(releases)
        ]

    _facts_of(promises.sums, "sums.", arrays)  # arrays only
    if promises.coalition_values is not None:
        arrays["coalition_values"] = promises.coalition_values
    facts: dict[str, Any] = {
        "kernel": describe_kernel(promises.kernel, "kernel", arrays),
        "num_parties": len(promises.parties),
        "releases": sent,
        "scheme": _facts_of(promises.scheme, "scheme.", arrays),
        "scoring": describe_scoring(promises.scoring),
        "outlier": None if outlier is None else asdict(outlier),
        "inverse_temperature": draw.inverse_temperature,
        "rewards": [
            _facts_of(reward, f"reward.{i}.", arrays)
            for i, reward in enumerate(draw.rewards)
        ],
    }
    write_archive(path, _KIND, facts, arrays)


def _facts_of(result: Any, prefix: str, arrays: Arrays) -> dict[str, Any]:
    """The fields of a result that JSON can hold; its arrays are put aside."""
    values = {field.name: getattr(result, field.name) for field in fields(result)}
    numbers = {name: value for name, value in values.items() if np.ndim(value)}
    arrays.update({prefix + name: np.asarray(x) for name, x in numbers.items()})
    return {name: value for name, value in values.items() if name not in numbers}


def load_parts(
    path: str | Path,
    *,
    network: Network | None = None,
    features: FeatureMap | None = None,
    scoring: Scoring | None = None,
) -> tuple[Promises, Draw]:
    """Read what `save_collaboration` wrote."""
    facts, arrays = read_archive(path, _KIND)
    if (features is None) is not (facts.get("releases") is None):
        raise ValueError(
            f"{path}: expected features for a collaboration of releases, and for no "
            "other; hand in those that the releases were made with."
        )
    with archive_errors(path, _KIND):
        used = scoring or rebuild_scoring(facts["scoring"])
        if used is None:
            raise Mismatch(
                f"a scoring of your own, {facts['scoring']['kind']}, without it: hand "
                "it in as `scoring`"
            )
        sums = with_prefix(arrays, "sums.")
        scheme: dict[str, Any] = facts["scheme"] | with_prefix(arrays, "scheme.")
        scheme["status"] = RewardStatus(scheme["status"])
        outlier = facts["outlier"]
        promises = Promises(
            parties=_parties(facts, arrays),
            candidates=arrays["candidates"],
            kernel=rebuild_kernel(facts["kernel"], arrays, network),
            sums=GramSums(**sums),
            coalition_values=arrays.get("coalition_values"),
            scheme=RewardScheme(**scheme),
            outlier=None if outlier is None else Outlier(**outlier),
            features=features,
            scoring=used,
        )
        rewards = [
            Reward(**with_prefix(arrays, f"reward.{i}."), **reward)
            for i, reward in enumerate(facts["rewards"])
        ]
        return promises, Draw(rewards, facts["inverse_temperature"])


def _parties(facts: dict[str, Any], arrays: Arrays) -> list[Points] | list[Release]:
    if facts["releases"] is None:
        return [arrays[f"party.{i}"] for i in range(facts["num_parties"])]
    return [
        Release(**with_prefix(arrays, f"party.{i}."), **each)
        for i, each in enumerate(facts["releases"])
    ]
