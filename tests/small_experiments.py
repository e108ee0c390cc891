"""Experiments on little data: five parties in two splits, and images of three."""

from dataclasses import replace
from functools import cache

import numpy as np

from cgm_jax.datasets import paper_results
from cgm_jax.datasets.splits import Split
from cgm_jax.experiments import SPLITS, ExperimentData


def experiment_data(
    split: Split, parties: list[np.ndarray], candidates: np.ndarray
) -> ExperimentData:
    """Points whose class is on which side of 0.5 their first number is."""
    return ExperimentData(
        title="Small data",
        split=split,
        parties=parties,
        labels=[(points[:, 0] > 0.5).astype(int) for points in parties],
        candidates=candidates,
        candidate_labels=(candidates[:, 0] > 0.5).astype(int),
        num_classes=5,
        columns=("x", "y")[: candidates.shape[1]],
        candidates_note="A few candidates.",
        paper=paper_results("credit-ratings", split),
        is_stand_in=False,
    )


@cache
def line_data(split: Split = "unequal") -> ExperimentData:
    """Five parties on a line, whose promises can be kept with 300 candidates."""
    rng = np.random.default_rng(0)
    parties = [rng.normal(i / 2, 1, (30, 1)).astype(np.float32) for i in range(5)]
    return experiment_data(
        split, parties, np.linspace(-3, 5, 300, dtype=np.float32)[:, None]
    )


@cache
def center_data(num_candidates: int) -> list[ExperimentData]:
    """Five groups of points, a party each ("equal-disjoint") or spread over all.

    Few candidates leave no room for stable promises to the former. More candidates
    begin with fewer.
    """
    rng = np.random.default_rng(0)
    centers = np.array([[0, 0], [1, 0], [0.4, 0.9], [-0.7, 0.6], [0.4, -0.9]])
    pool = [rng.normal(center, 0.4, (30, 2)).astype(np.float32) for center in centers]
    spread = [np.concatenate([points[i::5] for points in pool]) for i in range(5)]
    candidates = rng.normal(centers[rng.integers(5, size=1000)], 0.4)
    candidates = candidates[:num_candidates].astype(np.float32)
    return [
        replace(
            experiment_data(split, parties, candidates),
            grown=lambda num, i=i: center_data(num)[i],
        )
        for i, (split, parties) in enumerate(zip(SPLITS, (pool, spread), strict=True))
    ]


def images_of(labels: np.ndarray, seed: int) -> np.ndarray:
    """3 × 3 pixels, one of them bright by the class, in noise."""
    noise = np.random.default_rng(seed).uniform(0, 0.3, (len(labels), 9))
    return np.clip(noise + 0.7 * np.eye(9)[labels], 0, 1).astype(np.float32)


def image_data() -> ExperimentData:
    """Three parties' images of 3 × 3 pixels; four of the pixels are the features."""
    labels = [np.arange(40) % 3, np.arange(40) % 3, np.arange(40) % 2]
    candidate_labels = np.arange(300) % 3
    images = [images_of(y, i) for i, y in enumerate(labels)]
    candidate_images = images_of(candidate_labels, 9)
    return ExperimentData(
        title="Small",
        split="unequal",
        parties=[x[:, :4] for x in images],
        labels=labels,
        candidates=candidate_images[:, :4],
        candidate_labels=candidate_labels,
        num_classes=3,
        columns=("a", "b", "c", "d"),
        candidates_note="",
        paper=paper_results("mnist", "unequal"),
        is_stand_in=True,
        images=(images, candidate_images),
    )
