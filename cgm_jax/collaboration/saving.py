"""Collaborations in files: an archive of numbers and one JSON text, without pickles."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgm_jax._shared.archive import (
    Arrays,
    archive_errors,
    read_archive,
    with_prefix,
    write_archive,
)
from cgm_jax.gram import GramSums
from cgm_jax.kernels.deep import Network
from cgm_jax.kernels.saving import describe_kernel, rebuild_kernel
from cgm_jax.rewards import RewardScheme, RewardStatus
from cgm_jax.sampling import Reward

from .draw import Draw
from .outliers import Outlier
from .promises import Promises

if TYPE_CHECKING:
    from .collaboration import Collaboration

__all__ = ["load_parts", "save_collaboration"]

_KIND = "collaboration"
_SCHEME = (
    "shapley_values",
    "lower_values",
    "upper_values",
    "own_values",
    "reward_values",
)


def save_collaboration(path: str | Path, collaboration: "Collaboration") -> None:
    """Write promises and draw, complete or not at all."""
    promises, draw = collaboration.promises, collaboration.draw
    scheme, outlier = promises.scheme, promises.outlier
    arrays: Arrays = {
        "candidates": np.asarray(promises.candidates),
        **{f"party.{i}": np.asarray(x) for i, x in enumerate(promises.parties)},
        "sums.between": np.asarray(promises.sums.between),
        "sums.candidate_rows": np.asarray(promises.sums.candidate_rows),
        "sums.sizes": np.asarray(promises.sums.sizes),
        **{f"scheme.{name}": getattr(scheme, name) for name in _SCHEME},
    }
    if promises.coalition_values is not None:
        arrays["coalition_values"] = promises.coalition_values
    for i, reward in enumerate(draw.rewards):
        arrays[f"reward.{i}.indices"] = reward.indices
        arrays[f"reward.{i}.values"] = reward.values
    facts: dict[str, Any] = {
        "kernel": describe_kernel(promises.kernel, "kernel", arrays),
        "num_parties": len(promises.parties),
        "scheme": {
            "max_reward_value": scheme.max_reward_value,
            "rho": scheme.rho,
            "status": str(scheme.status),
            "fairness_weight": scheme.fairness_weight,
            "stability": scheme.stability,
            "relaxation": scheme.relaxation,
        },
        "outlier": None if outlier is None else asdict(outlier),
        "inverse_temperature": draw.inverse_temperature,
        "rewards": [
            {
                "stop_reason": reward.stop_reason,
                "initial_value": reward.initial_value,
                "reward_value": reward.reward_value,
            }
            for reward in draw.rewards
        ],
    }
    write_archive(path, _KIND, facts, arrays)


def load_parts(
    path: str | Path, *, network: Network | None = None
) -> tuple[Promises, Draw]:
    """Read what `save_collaboration` wrote."""
    facts, arrays = read_archive(path, _KIND)
    with archive_errors(path, _KIND):
        sums = with_prefix(arrays, "sums.")
        scheme: dict[str, Any] = facts["scheme"] | with_prefix(arrays, "scheme.")
        scheme["status"] = RewardStatus(scheme["status"])
        outlier = facts["outlier"]
        promises = Promises(
            parties=[arrays[f"party.{i}"] for i in range(facts["num_parties"])],
            candidates=arrays["candidates"],
            kernel=rebuild_kernel(facts["kernel"], arrays, network),
            sums=GramSums(**sums),
            coalition_values=arrays.get("coalition_values"),
            scheme=RewardScheme(**scheme),
            outlier=None if outlier is None else Outlier(**outlier),
        )
        rewards = [
            Reward(
                indices=arrays[f"reward.{i}.indices"],
                values=arrays[f"reward.{i}.values"],
                **reward,
            )
            for i, reward in enumerate(facts["rewards"])
        ]
        return promises, Draw(rewards, facts["inverse_temperature"])
