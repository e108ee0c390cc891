"""How like the parties' rows are the candidates of a run, and every reward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from cgm_jax._shared.progress import Progress
from cgm_jax.metrics import TableQuality, table_quality
from cgm_jax.tables import Cells

from .tables import CodedTables

_MOST_ROWS = 10_000  # that classifiers get of all candidates, and of all rewards


@dataclass(frozen=True, eq=False)
class TableQualities:
    """Candidates as rows of a table, and their quality and that of every reward."""

    table: Mapping[str, Cells]
    candidates: TableQuality
    rewards: tuple[TableQuality | None, ...]  # None of one without rows


def table_qualities(
    key: Key[Array, ""],
    tables: CodedTables,
    candidates: Float[np.ndarray, "g d"],
    rewards: Sequence[Mapping[str, Cells]],
    progress: Progress,
) -> TableQualities:
    """Put candidates and rewards beside the rows of all parties."""
    codec, real = tables.codec, tables.parties.tables
    kinds = {facts.name: facts.kind for facts in codec.facts}
    table = codec.decode(candidates)
    # 30 rewards take about as long as one.
    most = max(1_000, _MOST_ROWS // len(rewards))
    progress("quality", 0.0)
    keys = jax.random.split(key, len(rewards) + 1)
    of_all = table_quality(
        keys[0], real, table, kinds=kinds, max_detection_rows=_MOST_ROWS
    )
    of_rewards: list[TableQuality | None] = []
    for i, reward in enumerate(rewards):
        progress("quality", (i + 1) / (len(rewards) + 1))
        has_rows = bool(len(next(iter(reward.values()))))
        of_rewards.append(
            table_quality(
                keys[i + 1],
                real,
                reward,
                kinds=kinds,
                max_detection_rows=most,
            )
            if has_rows
            else None
        )
    return TableQualities(table, of_all, tuple(of_rewards))
