"""Releases in the place of the parties' rows: what is checked before sums are made."""

from collections.abc import Sequence
from typing import Any, TypeGuard

from cgm_jax._shared.arrays import as_sequence
from cgm_jax.embeddings import FeatureMap
from cgm_jax.kernels import Kernel
from cgm_jax.privacy import Release
from cgm_jax.scoring import Scoring

__all__ = ["are_releases", "check_no_features", "checked_releases"]


def are_releases(parties: Any) -> TypeGuard[Sequence[Release]]:
    """Whether parties sent releases; some with rows and some without are refused."""
    sent = [isinstance(party, Release) for party in as_sequence(parties)]
    if any(sent) and not all(sent):
        raise TypeError(
            "Expected the rows of all parties or the releases of all, got "
            f"{sum(sent)} releases of {len(sent)} parties; rows can be released, too."
        )
    return all(sent)


def checked_releases(
    releases: Sequence[Release],
    features: FeatureMap | None,
    kernel: Kernel | None,
    scoring: Scoring,
    *,
    search_length_scale: bool,
) -> tuple[list[Release], FeatureMap]:
    """Releases of two parties or more, and features that no option contradicts."""
    if features is None:
        raise ValueError(
            "Expected the features that the releases were made with; hand them in as "
            "`features`."
        )
    if search_length_scale:
        raise ValueError(
            "Expected a public length scale, got search_length_scale=True: releases "
            "are made with one kernel."
        )
    if kernel is not None and kernel != features.kernel:
        raise ValueError(
            f"Expected the kernel of the features, {features.kernel}, got {kernel}; "
            "leave it out."
        )
    if scoring.needs_rows:
        raise ValueError(
            f"Expected a scheme that needs no rows, got {scoring.name}: releases hide "
            "them. Choose one of the sums alone, such as shapley."
        )
    if len(sent := list(releases)) < 2:
        raise ValueError(
            "Expected at least two parties, got one: it has nobody to pool with."
        )
    return sent, features


def check_no_features(features: FeatureMap | None, agreement: str) -> None:
    """Raise for options that only releases have."""
    if features is not None or agreement:
        raise ValueError(
            "Expected features and an agreement only with releases in the parties' "
            "place, got rows; `gram.gram_sums` takes features of rows."
        )
