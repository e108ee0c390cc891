"""From the name of a data set to the experiments on it, with everything made once.

    real points → pool → classifier, features, generator → candidates → both splits

Reference: Tay et al. 2022, Sec. 6, App. I.1 to I.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array, Key

from cgm_jax.collaboration.collaboration import Progress
from cgm_jax.datasets import LabelledImages, LabelledPoints, paper_results
from cgm_jax.datasets.splits import Split
from cgm_jax.features.umap import umap_class

from .candidates import GeneratorName, SyntheticOptions
from .data import SPLITS, ExperimentData, credit_ratings_data, share
from .image_candidates import (
    NUM_FEATURES,
    FeatureMap,
    SuppliedFeatures,
    image_candidates,
)
from .recipes import RECIPES, Recipe
from .table_candidates import table_candidates

__all__ = ["ExperimentOptions", "prepare_experiments"]

# Children of the seed's key that no draw uses.
SPLIT, CANDIDATES = 1_000_001, 1_000_002


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions:
    """What may differ from the data set's own setting, which None stands for."""

    generator: GeneratorName | None = None
    candidates: Path | None = None
    """An .npy file of synthetic points, to use instead of a generator."""
    num_candidates: int | None = None
    num_steps: int | None = None
    """Of an MMD-GAN's training."""
    bandwidth: float = 0.05
    party_size: int | None = None
    features: FeatureMap | SuppliedFeatures | None = None
    """What UMAP reduces instead of pixels, as Inception's pool3 in the paper."""
    path: Path | None = None
    """Where the data are."""
    seed: int = 0


def prepare_experiments(
    dataset: str,
    splits: Sequence[Split] = SPLITS,
    options: ExperimentOptions = ExperimentOptions(),
    *,
    progress: Progress | None = None,
) -> list[ExperimentData]:
    """Load a data set, make its candidates and features, and share it.

    Args:
        dataset: one of `RECIPES`.
        splits: "equal-disjoint" or "unequal" or both.
        options: where they differ from the data set's own setting.
        progress: called with what is under way and the share that is done.

    Returns:
        One a split, in the order asked for.

    Raises:
        ValueError: for an unknown data set or split, or points that do not fit.
        DataNotFoundError: if the data are not on this machine.
        DamagedDataError: if a file is not what it should be.
        ModuleNotFoundError: if a package of the extra "images" is not installed.

    Example:
        >>> options = ExperimentOptions(num_candidates=50)
        >>> (data,) = prepare_experiments("credit-ratings", ["unequal"], options)
        >>> data.candidates.shape
        (50, 2)

    Reference: Tay et al. 2022, Sec. 6, App. I.1 to I.4.
    """
    recipe = RECIPES.get(dataset)
    if recipe is None:
        raise ValueError(
            f"Expected a data set out of {', '.join(RECIPES)}, got {dataset!r}."
        )
    synthetic = SyntheticOptions(
        generator=options.generator or recipe.generator,
        file=options.candidates,
        num_candidates=options.num_candidates or recipe.num_candidates,
        num_steps=options.num_steps or recipe.num_steps,
        bandwidth=options.bandwidth,
        num_components=2 * recipe.num_classes,
    )
    if recipe.load is None:
        return _credit_ratings(splits, options, synthetic, progress)
    umap_class()  # if it is missing, now is the time to say so
    data = recipe.load(options.path)
    return _from_real_points(recipe, data, splits, options, synthetic, progress)


def _credit_ratings(
    splits: Sequence[Split],
    options: ExperimentOptions,
    synthetic: SyntheticOptions,
    progress: Progress | None,
) -> list[ExperimentData]:
    """The paper's parties; the exact mixture's candidates unless others are wanted."""
    exact = credit_ratings_data(splits, num_candidates=synthetic.num_candidates)
    if options.generator is None and options.candidates is None:
        return exact
    # All splits are shares of the same customers, so the first one's pool is theirs.
    pool = np.concatenate(exact[0].parties)
    labels = np.concatenate(exact[0].labels)
    made = table_candidates(_key(options), pool, labels, synthetic, progress=progress)
    return [
        replace(
            data,
            candidates=made.points,
            candidate_labels=made.labels,
            candidates_note=made.note,
            model=made.model,
        )
        for data in exact
    ]


def _from_real_points(
    recipe: Recipe,
    data: LabelledPoints | LabelledImages,
    splits: Sequence[Split],
    options: ExperimentOptions,
    synthetic: SyntheticOptions,
    progress: Progress | None,
) -> list[ExperimentData]:
    """Points of a table or images, of which the pool is a part."""
    from cgm_jax.features import umap_features

    split_key = jax.random.fold_in(jax.random.key(options.seed), SPLIT)
    shared = share(
        split_key,
        data.labels,
        party_size=options.party_size,
        max_party_size=recipe.max_party_size,
    )
    pool, labels = data.points[shared.pool], data.labels[shared.pool]
    if isinstance(data, LabelledImages):
        features, made = image_candidates(
            _key(options),
            data,
            shared.pool,
            synthetic,
            features=options.features,
            seed=options.seed,
            progress=progress,
        )
        columns = tuple(f"feature {i + 1}" for i in range(NUM_FEATURES))
    else:
        features = pool
        made = table_candidates(
            _key(options), pool, labels, synthetic, progress=progress
        )
        columns = tuple(f"component {i + 1}" for i in range(pool.shape[1]))
    if progress is not None:
        progress("UMAP for the pictures", 0.0)
    plane = umap_features(features, num_coordinates=2, seed=options.seed)
    places, candidate_places = plane.pool, plane(made.points)
    return [
        ExperimentData(
            title=recipe.title,
            split=split,
            parties=[features[rows] for rows in shared.owned[split]],
            labels=[labels[rows] for rows in shared.owned[split]],
            candidates=made.points,
            candidate_labels=made.labels,
            num_classes=recipe.num_classes,
            columns=columns,
            candidates_note=made.note,
            paper=paper_results(recipe.paper, split),
            is_stand_in=recipe.is_stand_in,
            places=([places[rows] for rows in shared.owned[split]], candidate_places),
            model=made.model,
            images=None
            if made.images is None
            else ([pool[rows] for rows in shared.owned[split]], made.images),
        )
        for split in splits
    ]


def _key(options: ExperimentOptions) -> Key[Array, ""]:
    return jax.random.fold_in(jax.random.key(options.seed), CANDIDATES)
