"""From the name of a data set to the experiments on it, with everything made once.

real points → pool → classifier, features, generator → candidates → both splits
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array, Key

from cgm_jax._shared.checks import check_callable
from cgm_jax._shared.progress import Progress, silent
from cgm_jax.datasets import LabelledImages, paper_results
from cgm_jax.datasets.splits import Split
from cgm_jax.features.umap import umap_class

from .candidates import PaperGenerator, SyntheticOptions, table_candidates
from .data import SPLITS, ExperimentData, Sharing, credit_ratings_data, share
from .image_candidates import ImageFeatures, SuppliedFeatures, image_candidates
from .recipes import RECIPES, Labelled, Recipe

__all__ = ["ExperimentOptions", "prepare_experiments"]

Make = Callable[[int], list[ExperimentData]]
"""The data of all splits with so many candidates."""


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions:
    """What may differ from the data set's own setting, which None stands for.

    ``candidates`` is an .npy file of synthetic points to use instead of a generator,
    ``num_steps`` are an MMD-GAN's, ``features`` what UMAP reduces instead of pixels, as
    Inception's pool3 in the paper, ``path`` where the data are, ``seed`` is UMAP's.
    """

    generator: PaperGenerator | None = None
    candidates: Path | None = None
    num_candidates: int | None = None
    num_steps: int | None = None
    bandwidth: float = 0.05
    party_size: int | None = None
    features: ImageFeatures | SuppliedFeatures | None = None
    path: Path | None = None
    seed: int = 0


def prepare_experiments(
    key: Key[Array, ""],
    dataset: str,
    splits: Sequence[Split] = SPLITS,
    options: ExperimentOptions = ExperimentOptions(),
    *,
    progress: Progress = silent,
) -> list[ExperimentData]:
    """Load a data set, make its candidates and features, and share it.

    Args:
        key: a typed key, for who owns what and for the candidates.
        dataset: one of `RECIPES`.
        splits: "equal-disjoint" or "unequal" or both.
        options: where they differ from the data set's own setting.
        progress: called with what is under way and the share that is done.

    Returns:
        One per split, in the order asked for.

    Raises:
        ValueError: for an unknown data set or split, or points that do not fit.
        DataNotFoundError: if the data are not on this machine.
        DamagedDataError: if a file is not what it should be.
        ModuleNotFoundError: if a package of the extra "images" is not installed.

    Example:
        >>> key, options = jax.random.key(0), ExperimentOptions(num_candidates=50)
        >>> (data,) = prepare_experiments(key, "credit-ratings", ["unequal"], options)
        >>> data.candidates.shape
        (50, 2)
    """
    check_callable(progress, "progress")
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
    split_key, candidates_key = jax.random.split(key)
    if recipe.load is None:
        make = _credit_ratings(candidates_key, splits, options, synthetic, progress)
    else:
        umap_class()  # if it is missing, now is the time to say so
        data = recipe.load(options.path)
        shared = share(
            split_key,
            data.labels,
            party_size=options.party_size,
            max_party_size=recipe.max_party_size,
        )
        make = _from_real_points(
            candidates_key, recipe, data, shared, splits, options, synthetic, progress
        )
    if synthetic.file is not None:  # with its own number of points
        return make(synthetic.num_candidates)
    make = cache(make)  # splits that grow alike share what they grow to

    def grown_to(num: int) -> list[ExperimentData]:
        return [
            replace(data, grown=lambda more, i=i: grown_to(more)[i])
            for i, data in enumerate(make(num))
        ]

    return grown_to(synthetic.num_candidates)


def _credit_ratings(
    key: Key[Array, ""],
    splits: Sequence[Split],
    options: ExperimentOptions,
    synthetic: SyntheticOptions,
    progress: Progress,
) -> Make:
    """The paper's parties; the exact mixture's candidates unless others are wanted."""
    if options.generator is None and options.candidates is None:
        return lambda num: credit_ratings_data(splits, num_candidates=num)
    exact = credit_ratings_data(splits, num_candidates=1)
    # All splits are shares of the same customers, so the first one's pool is theirs.
    pool = np.concatenate(exact[0].parties)
    labels = np.concatenate(exact[0].labels)
    draw = table_candidates(key, pool, labels, synthetic, progress=progress)

    def make(num: int) -> list[ExperimentData]:
        drawn = draw(num)
        return [
            replace(
                data,
                candidates=drawn.points,
                candidate_labels=drawn.labels,
                candidates_note=drawn.note,
                model=drawn.model,
            )
            for data in exact
        ]

    return make


def _from_real_points(
    key: Key[Array, ""],
    recipe: Recipe,
    data: Labelled,
    shared: Sharing,
    splits: Sequence[Split],
    options: ExperimentOptions,
    synthetic: SyntheticOptions,
    progress: Progress,
) -> Make:
    """Points of a table or images, of which the pool is a part."""
    from cgm_jax.features import umap_features

    pool, labels = data.points[shared.pool], data.labels[shared.pool]
    if isinstance(data, LabelledImages):
        features, draw = image_candidates(
            key,
            data,
            shared.pool,
            synthetic,
            features=options.features,
            seed=options.seed,
            progress=progress,
        )
        column = "feature"
    else:
        features, column = pool, "component"
        draw = table_candidates(key, pool, labels, synthetic, progress=progress)
    progress("UMAP for the pictures", 0.0)
    plane = umap_features(features, num_coordinates=2, seed=options.seed)

    def make(num: int) -> list[ExperimentData]:
        drawn = draw(num)
        places = plane(drawn.points)
        experiments = []
        for split in splits:
            owned = shared.owned[split]
            images = None
            if drawn.images is not None:
                images = [pool[rows] for rows in owned], drawn.images
            experiment = ExperimentData(
                title=recipe.title,
                split=split,
                parties=[features[rows] for rows in owned],
                labels=[labels[rows] for rows in owned],
                candidates=drawn.points,
                candidate_labels=drawn.labels,
                num_classes=recipe.num_classes,
                columns=tuple(f"{column} {i + 1}" for i in range(features.shape[1])),
                candidates_note=drawn.note,
                paper=paper_results(recipe.paper, split),
                is_stand_in=recipe.is_stand_in,
                places=([plane.pool[rows] for rows in owned], places),
                model=drawn.model,
                images=images,
            )
            experiments.append(experiment)
        return experiments

    return make
