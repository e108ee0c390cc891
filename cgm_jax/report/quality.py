"""How like a synthetic table is to the parties' rows, as pages show it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cgm_jax import plots
from cgm_jax.metrics import TableQuality
from cgm_jax.tables import Cells

from . import pictures
from .sentences import table_quality_sentences

__all__ = ["quality_view"]

_MOST_PAIRS = 10


def quality_view(
    quality: TableQuality,
    real: Sequence[Mapping[str, Cells]],
    synthetic: Mapping[str, Cells],
    party: str,
    *,
    kinds: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What ``quality.html.j2`` shows of one party's synthetic rows.

    Args:
        quality: what `table_quality` found of the same tables and kinds.
        real: the parties' tables.
        synthetic: the party's synthetic rows.
        party: its name.
        kinds: the kind of each column.
    """
    columns, found = quality.columns, quality.detection
    scores = {
        "Columns by themselves": quality.shape,
        "Pairs of columns": quality.trend,
    }
    if found is not None:
        scores["Rows, by logistic regression"] = found.logistic
        scores["Rows, by boosted trees"] = found.boosted
    shown = {}
    if columns:
        shown["columns"] = pictures.render(
            plots.plot_columns(real, synthetic, kinds=kinds)
        )
    if len(columns) > 1:
        shown["pairs"] = pictures.render(plots.plot_pairs(quality))
    one, other = np.triu_indices(len(columns), 1)
    order = np.argsort(quality.trends[one, other], kind="stable")  # NaN is last
    worst = [(int(one[i]), int(other[i])) for i in order[:_MOST_PAIRS]]
    return {
        "party": party,
        "sentences": table_quality_sentences(quality, party),
        "scores": {name: _given(score) for name, score in scores.items()},
        "columns": [
            {"name": name, "shape": _given(shape), "real": real, "synthetic": synthetic}
            for name, shape, real, synthetic in zip(
                columns, quality.shapes.tolist(), *quality.missing.tolist(), strict=True
            )
        ],
        "num_pairs": int((~np.isnan(quality.trends[one, other])).sum()),
        "pairs": [
            {
                "names": (columns[i], columns[j]),
                "trend": float(quality.trends[i, j]),
                "correlations": [_given(x) for x in quality.correlations[:, i, j]],
            }
            for i, j in worst
            if not np.isnan(quality.trends[i, j])
        ],
        "pictures": shown,
    }


def _given(score: float) -> float | None:
    return None if np.isnan(score) else float(score)
