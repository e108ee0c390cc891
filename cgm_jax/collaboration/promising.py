"""What each party is promised: from the parties' points to fair reward values.

    length scale → Gram sums → coalition values → Shapley values → reward scheme

Releases may stand in the place of the parties' points (`privacy`): their features fix
the kernel, and the sums are estimates. Everything depends on the reference set T: when
the candidates grow (App. F), all of it is computed anew. For more than 20 parties no
table of all 2^n coalition values is made: Shapley values come from the sums in
polynomial time, and stability needs n coalitions.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, Int

from cgm_jax._shared.arrays import (
    ArrayLike,
    Points,
    aligned,
    as_parties,
    as_points,
    as_sequence,
)
from cgm_jax._shared.checks import check_callable, check_flag, check_kind
from cgm_jax._shared.precision import on_numbers
from cgm_jax._shared.progress import Progress, silent
from cgm_jax.embeddings import FeatureMap
from cgm_jax.gram import GramSums, gram_sums, smallest_length_scale
from cgm_jax.kernels import Kernel, SquaredExponential
from cgm_jax.kernels.base import scalar_length_scale
from cgm_jax.planning import plan
from cgm_jax.privacy import Release, sums_from_releases
from cgm_jax.rewards import scheme_from_sums
from cgm_jax.scoring import HandedIn, Scoring, TimeAware
from cgm_jax.scoring.semivalues import SHAPLEY
from cgm_jax.valuation import coalition_values
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .from_releases import are_releases, check_no_features, checked_releases
from .outliers import find_outlier
from .promises import Promises

__all__ = ["check_memory", "checked_kernel", "coalition_table", "promise"]


@on_numbers()
def promise(
    parties: Sequence[Float[ArrayLike, "_ d"]] | Sequence[Release],
    candidates: Float[ArrayLike, "g d"],
    *,
    features: FeatureMap | None = None,
    agreement: str = "",
    kernel: Kernel | None = None,
    search_length_scale: bool = False,
    scoring: Scoring = SHAPLEY,
    joined: Sequence[int] | Int[np.ndarray, " n"] | None = None,
    stability: bool = True,
    fairness_weight: float = 1e-3,
    relax: bool = False,
    mesh: Mesh | None = None,
    progress: Progress = silent,
) -> Promises:
    """Value the parties' data and promise fair reward values.

    Every point counts as one. Where points are to have weights of their own, make
    ``gram_sums(kernel, parties, candidates, weights=weights)``; its sums are what
    `rewards.scheme_from_sums` and `sampling.weighted_sampling` take.

    Args:
        parties: the parties' points, arrays of shape ``(n_i, d)``; sizes may differ.
            Float64 points are computed in float64, others in float32. Or the releases
            of all of them.
        candidates: the synthetic points G to hand out, shape ``(g, d)``.
        features: what releases were made with; their kernel is the one to value with.
        agreement: what releases were made with, too (`privacy.release`).
        kernel: used as it is; by default the squared exponential at the smallest length
            scale at which no party's data have a negative value.
        search_length_scale: bring the given kernel to that length scale, too.
        scoring: the rule that scores contributions, from `scoring`; the paper's by
            default. With releases, one that needs no rows.
        joined: when each party joined, whole numbers >= 0, for `scoring.TimeAware`.
        stability: whether no coalition may do better alone (R6, the paper's choice);
            otherwise only no party (R4).
        fairness_weight: ε, the weight of ρ in the linear programme.
        relax: where no reward values keep all bounds, lower the bounds by the least
            common factor instead of raising an error (see `solve_reward_scheme`).
        mesh: devices that share the length scale and the sums, as in `gram_sums`.
        progress: called with the stage ("length scale", "kernel sums", "reward scheme")
            and the share of it that is done.

    Returns:
        What was valued and promised.

    Raises:
        InfeasibleError: if no reward values keep the promises with these candidates.
        MemoryError: if it would not fit into memory; it says what would (see `plan`).
        NoContributionError: if no party adds anything to the others' data.
        ValueError: if shapes do not fit, an entry is not finite, an option is out of
            range, the kernel has no length scale to be searched, features are not those
            of releases, or the scoring needs rows that releases hide.

    Example:
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> promises = promise(parties, np.linspace(-1, 2, 50)[:, None])
        >>> promises.scheme.normalized_shapley.round(2)
        array([0.87, 1.  ])

    Reference:
        Tay et al. 2022, Sec. 3, 4.1 and 5.
    """
    outlier = None
    check_kind(scoring, Scoring)
    check_flag(search_length_scale, "search_length_scale")
    check_callable(progress, "progress")
    if joined is not None:
        scoring = TimeAware(joined, scoring)  # type: ignore[arg-type]
    if are_releases(parties):
        points, features = checked_releases(
            parties, features, kernel, scoring, search_length_scale=search_length_scale
        )
        used, drawn = features.kernel, as_points(candidates, "candidates")
        progress("kernel sums", 0.0)
        sums = sums_from_releases(points, features, drawn, agreement=agreement)
    else:
        check_no_features(features, agreement)
        *parties, candidates = aligned(*as_sequence(parties), candidates)
        rows = cast(Sequence[Points], parties)
        points = as_parties(rows, sharded=True)
        drawn = as_points(candidates, "candidates", sharded=True)
        used = checked_kernel(points, kernel, search_length_scale=search_length_scale)
        is_searched = kernel is None or search_length_scale
        check_memory(points, drawn, len(drawn), search_length_scale=is_searched)
        if is_searched:
            progress("length scale", 0.0)
            scale = smallest_length_scale(used, points, drawn, mesh=mesh)
            used = used.with_length_scale(scale)
        if kernel is None:  # that of another kernel need not be one of points
            outlier = find_outlier(scalar_length_scale(used), points, drawn, mesh)
        progress("kernel sums", 0.0)
        sums = gram_sums(used, points, drawn, mesh=mesh)
    progress("reward scheme", 0.0)
    table = coalition_table(sums)
    known = None if features is not None else cast(list[Points], points)
    scheme = scheme_from_sums(
        sums,
        table,
        scores=scoring.scores(HandedIn(used, known, drawn, sums)),
        scoring=scoring.name,
        stability=stability,
        fairness_weight=fairness_weight,
        relax=relax,
    )
    return Promises(
        points, drawn, used, sums, table, scheme, outlier, features, scoring
    )


def checked_kernel(
    parties: list[Points], kernel: Kernel | None, *, search_length_scale: bool
) -> Kernel:
    """The kernel to value with, if the parties can be valued with it at all."""
    if len(parties) < 2:
        raise ValueError(
            "Expected at least two parties, got one: it has nobody to pool with."
        )
    used = SquaredExponential(1.0) if kernel is None else kernel
    if search_length_scale and np.isnan(scalar_length_scale(used)):
        raise ValueError(
            "Expected a kernel with one length scale to search for it, got "
            f"{type(used).__name__} that has none, one per dimension, or parts that do "
            "not share one. Bring it to one by `with_length_scale`, or use it as it is."
        )
    return used


def check_memory(
    parties: list[Points],
    candidates: Points | None,
    num_candidates: int,
    *,
    search_length_scale: bool,
) -> None:
    """Raise a `MemoryError` if so many candidates do not fit, made or still to be."""
    known = parties if candidates is None else [*parties, candidates]
    plan(
        [len(points) for points in parties],
        parties[0].shape[1],
        num_candidates,
        dtype=np.result_type(*(points.dtype for points in known)),
        search_length_scale=search_length_scale,
    ).check()


def coalition_table(sums: GramSums) -> Float[np.ndarray, " coalitions"] | None:
    """v_c of all coalitions, unless there are too many."""
    if sums.num_parties > MAX_TABLE_PARTIES:
        return None
    return np.asarray(coalition_values(sums))
