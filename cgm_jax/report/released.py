"""Pages of a run on releases: what is private of whom, what that cost, who gets what.

Rows are known to nobody but their party: neither pictures nor figures need any.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgm_jax import plots
from cgm_jax.collaboration import Collaboration, Uncertainty
from cgm_jax.privacy import Release

from .data import plain
from .page import filled_in, setting_rows
from .pictures import Picture, render
from .sections import shown_parties
from .sentences import (
    collaboration_warnings,
    cost_sentences,
    outcome,
    promise_sentences,
    release_sentences,
    released_sentence,
    scheme_sentence,
    uncovered,
)

__all__ = [
    "ReleasedRun",
    "draw_released",
    "own_statement",
    "own_statement_page",
    "released_data",
    "released_page",
]


@dataclass(frozen=True, eq=False)
class ReleasedRun:
    """What was made of the parties' releases.

    Attributes:
        names: the parties' names.
        releases: one of each.
        collaboration: promises and a draw.
        uncertainty: of noise and features.
        agreement: the digest of what the parties agreed on.
    """

    names: tuple[str, ...]
    releases: list[Release]
    collaboration: Collaboration
    uncertainty: Uncertainty
    agreement: str


def released_data(run: ReleasedRun, *, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All numbers of a run, as plain objects for `files.write_json`.

    Args:
        run: what was made of the releases.
        settings: what the run can be repeated with.

    Returns:
        Dicts with text keys, lists, text and finite numbers; None where there is none.
    """
    promises, draw = run.collaboration.promises, run.collaboration.draw
    scheme, errors = promises.scheme, run.uncertainty
    with np.errstate(over="ignore"):
        factors = np.exp([sent.epsilon for sent in run.releases])
    columns = {
        "name": run.names,
        "rows": [sent.size for sent in run.releases],
        "epsilon": [
            "infinity" if np.isinf(sent.epsilon) else sent.epsilon
            for sent in run.releases
        ],
        "delta": [sent.delta for sent in run.releases],
        "factor": factors,
        "sigma": [sent.sigma for sent in run.releases],
        "own_value": scheme.own_values,
        "own_value_error": errors.own_value_errors,
        "shapley_value": scheme.shapley_values,
        "shapley_error": errors.shapley_errors,
        "normalized_shapley": scheme.normalized_shapley,
        "normalized_shapley_error": errors.normalized_shapley_errors,
        "reward_value": scheme.reward_values,
        "reward_value_error": errors.reward_value_errors,
        "above_next": errors.above_next,
        "rows_handed_out": [len(reward.indices) for reward in draw.rewards],
        "final_value": [reward.final_value for reward in draw.rewards],
        "stop_reason": [reward.stop_reason for reward in draw.rewards],
        "outcome": [outcome(r.stop_reason, len(r.indices)) for r in draw.rewards],
    }
    return plain(
        {
            "settings": settings,
            "agreement": run.agreement,
            "scheme": {
                "name": scheme.scoring,
                "words": scheme_sentence(scheme.scoring),
            },
            "neighbours": run.releases[0].neighbours,
            "num_features": len(run.releases[0].embedding),
            "length_scale": promises.length_scale,
            "num_candidates": len(promises.candidates),
            "max_reward_value": scheme.max_reward_value,
            "rho": scheme.rho,
            "inverse_temperature": draw.inverse_temperature,
            "num_resamples": errors.num_resamples,
            "ranking": errors.ranking,
            "parties": [
                dict(zip(columns, row, strict=True))
                for row in zip(*columns.values(), strict=True)
            ],
            "warnings": collaboration_warnings(run.collaboration, run.names),
            "sentences": release_sentences(run.releases, errors, run.names),
        }
    )


def draw_released(run: ReleasedRun) -> dict[str, Picture]:
    """The pictures of the page: values with their errors, and how values rose."""
    shown = shown_parties(run.uncertainty.scheme)
    draw = run.collaboration.draw
    figures = {
        "uncertainty": plots.plot_uncertainty(
            run.uncertainty, run.names, parties=shown
        ),
        "values": plots.plot_values(draw, run.names, parties=shown),
    }
    return {name: render(figure) for name, figure in figures.items()}


def released_page(
    run: ReleasedRun, pictures: Mapping[str, Picture], *, settings: Mapping[str, Any]
) -> str:
    """The mediator's page of a run, for `files.write_text`.

    Args:
        run: what was made of the releases.
        pictures: what `draw_released` drew of it.
        settings: what the run can be repeated with.

    Returns:
        One self-contained page, without scripts.
    """
    data = released_data(run, settings=settings)
    warnings = data["warnings"]
    return filled_in(
        "released.html.j2",
        data=data,
        pictures=pictures,
        section={"before": {"Promises": warnings} if warnings else {}, "files": None},
        promised=promise_sentences(run.releases, run.names),
        released=released_sentence(run.releases),
        uncovered=_items(run.releases),
        cost=cost_sentences(run.uncertainty, run.names),
        settings=list(setting_rows({"agreement": run.agreement, **settings})),
    )


def own_statement(
    run: ReleasedRun, party: int, *, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What one party is told, and nothing of the others but how many they are.

    Args:
        run: what was made of the releases.
        party: its number.
        settings: those of `released_data`; its release among the "inputs".

    Returns:
        Plain objects, for `files.write_json` and for `own_statement_page`.
    """
    sent = [run.releases[party]]
    data = released_data(run, settings={})
    return {
        **data["parties"][party],
        "num_parties": len(run.names),
        "num_resamples": data["num_resamples"],
        "agreement": run.agreement,
        "release": settings["inputs"][party],
        "promised": promise_sentences(sent, [run.names[party]]),
        "released": released_sentence(sent),
        "not_covered": _items(sent),
    }


def own_statement_page(statement: Mapping[str, Any]) -> str:
    """The statement as a page."""
    return filled_in("released_statement.html.j2", party=statement)


def _items(releases: list[Release]) -> list[str]:
    return [f"{words[0].upper()}{words[1:]}." for words in uncovered(releases)]
