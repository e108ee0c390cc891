"""A statement for each party, which can be handed over alone: a page, and its numbers.

Both say the same, and nothing of other parties but what `PartyStatement.share` has.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .data import plain
from .page import filled_in
from .party_statement import PartyStatement
from .pictures import Picture
from .sentences import statement_sentences

__all__ = ["statement_data", "statement_page"]

_TITLES = {
    "given": "What you gave",
    "worth": "What your data are worth",
    "promised": "What you are promised",
    "kept": "Were the promises kept?",
    "drawn": "Your reward: why so many rows, and how they were drawn",
    "quality": "How good the synthetic columns are",
    "disclosed": "What synthetic rows may hold of real ones",
    "check": "How to check this",
}


def statement_data(statement: PartyStatement) -> dict[str, Any]:
    """All that a statement says, as plain objects for `files.write_json`.

    Args:
        statement: the facts.

    Returns:
        Dicts with text keys, lists, text and finite numbers; None where a number does
        not exist or is not shown. Values depend on the rows of all and have four
        digits: with all of them, guesses of another party's rows could be tried out.
    """
    quality, share = statement.quality, statement.share
    if share is not None and share.alphas is not None:
        alphas = {name: _rounded(alpha) for name, alpha in share.alphas.items()}
        share = replace(share, alphas=alphas)
    data = {
        "party": statement.party,
        "file": statement.file,
        "file_sha256": statement.file_sha256,
        "num_rows": statement.num_rows,
        "columns": statement.columns,
        "scheme": statement.scoring,
        "contribution": _rounded(statement.contribution),
        "own_value": _rounded(statement.own_value),
        "share": share,
        "fair_share": _rounded(statement.fair_share),
        "reward_value": _rounded(statement.reward_value),
        "final_value": _rounded(statement.final_value),
        "kept": statement.is_kept,
        "missed": {name: _rounded(gap) for name, gap in statement.missed.items()},
        "stable": statement.is_stable,
        "reward": {
            "file": statement.reward_file,
            "sha256": statement.reward_sha256,
            "num_points": statement.num_points,
            "stop_reason": statement.stop_reason,
            "num_equal_to_own": statement.num_equal,
            "num_near_own": statement.num_near,
            "origin": statement.origin,
        },
        "labels": statement.labels,
        "quality": None,
        "sentences": statement_sentences(statement),
    }
    if quality is not None:
        found = quality.detection
        own, synthetic = quality.missing
        columns = zip(quality.columns, quality.shapes, own, synthetic, strict=True)
        data["quality"] = {
            "shape": quality.shape,
            "trend": quality.trend,
            "logistic_detection": None if found is None else found.logistic,
            "boosted_detection": None if found is None else found.boosted,
            "columns": [
                dict(zip(("name", "shape", "missing", "synthetic"), row, strict=True))
                for row in columns
            ],
        }
    return plain(data)


def statement_page(statement: PartyStatement, pictures: Mapping[str, Picture]) -> str:
    """The statement as a page, for `files.write_text`.

    Args:
        statement: the facts.
        pictures: what `draw_statement` drew of it.

    Returns:
        One self-contained page, without scripts.
    """
    return filled_in(
        "statement.html.j2",
        data=statement_data(statement),
        titles=_TITLES,
        pictures=pictures,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
