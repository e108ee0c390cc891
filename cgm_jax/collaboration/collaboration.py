"""The whole way in one call: promises, and a draw that keeps them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.arrays import (
    ArrayLike,
    Points,
    aligned,
    as_parties,
    as_points,
    as_sequence,
)
from cgm_jax._shared.checks import as_key, as_whole, check_kind
from cgm_jax._shared.precision import on_numbers
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.results import Result
from cgm_jax._shared.sharded import on_host
from cgm_jax._shared.workers import beside
from cgm_jax.embeddings import FeatureMap
from cgm_jax.generators.base import Generator, check_generator
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.deep import Network
from cgm_jax.privacy import Release
from cgm_jax.rewards import InfeasibleError
from cgm_jax.sampling.compiling import compile_beside
from cgm_jax.scoring import Scoring
from cgm_jax.scoring.semivalues import SHAPLEY

from .from_releases import are_releases, check_no_features, checked_releases
from .promises import Draw, Promises
from .promising import check_memory, checked_kernel, promise
from .saving import load_parts, save_collaboration

__all__ = ["Collaboration", "Growing", "collaborate"]


@dataclass(frozen=True, eq=False, repr=False)
class Collaboration(Result):
    """What was promised, and what was handed out."""

    promises: Promises
    """What the parties' data are worth and what was promised for them."""

    draw: Draw
    """The synthetic points of every party."""

    def __post_init__(self) -> None:
        check_kind(self.promises, Promises)
        check_kind(self.draw, Draw)

    def __repr__(self) -> str:
        return f"Collaboration({self.promises!r}, {self.draw!r})"

    def save(self, path: str | Path) -> None:
        """Write everything to a file, as `save_kernel` does.

        Args:
            path: the file, by custom ``.npz``; one that is there is replaced.

        Raises:
            TypeError, OSError: as in `save_kernel`.

        Example:
            >>> import tempfile
            >>> path = Path(tempfile.mkdtemp(), "collaboration.npz")
            >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
            >>> grid = np.linspace(-1, 2, 50)[:, None]
            >>> collaborate(jax.random.key(0), parties, grid).save(path)
            >>> Collaboration.load(path).promises.candidates.shape
            (50, 1)
        """
        save_collaboration(path, self)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        network: Network | None = None,
        features: FeatureMap | None = None,
        scoring: Scoring | None = None,
    ) -> "Collaboration":
        """Read what `save` wrote; arguments and errors are those of `load_kernel`.

        Of a collaboration of releases, hand in their features again, too; and the
        scoring, where it was your own.
        """
        parts = load_parts(path, network=network, features=features, scoring=scoring)
        return cls(*parts)


@dataclass(frozen=True)
class Growing:
    """A generator, and how many candidates it draws (Tay et al. 2022, App. F).

    Attributes:
        generator: is fitted to the pool.
        num: number of candidates that are drawn at first.
        at_most: the number is doubled up to this one, until the promises can be kept.
    """

    generator: Generator
    num: int = 10_000
    at_most: int = 160_000

    def __post_init__(self) -> None:
        check_generator(self.generator)
        for name in ("num", "at_most"):
            as_whole(getattr(self, name), name, smallest=1)
        if self.num > self.at_most:
            raise ValueError(
                f"Expected 1 <= num <= at_most, got {self.num} and {self.at_most}."
            )


@on_numbers()
def collaborate(
    key: Key[Array, ""],
    parties: Sequence[Float[ArrayLike, "_ d"]] | Sequence[Release],
    candidates: Float[ArrayLike, "g d"] | Generator | Growing,
    *,
    features: FeatureMap | None = None,
    agreement: str = "",
    kernel: Kernel | None = None,
    search_length_scale: bool = False,
    inverse_temperature: float = 1.0,
    scoring: Scoring = SHAPLEY,
    joined: Sequence[int] | Int[np.ndarray, " n"] | None = None,
    stability: bool = True,
    fairness_weight: float = 1e-3,
    relax: bool = False,
    mesh: Mesh | None = None,
    progress: Progress = silent,
) -> Collaboration:
    """Value the parties' data, promise fair reward values, and draw the rewards.

    The options that are not named here are those of `promise`.

    Args:
        key: a typed key, split once into that of the candidates and that of the draw.
        parties: the parties' points, arrays of shape ``(n_i, d)``; sizes may differ. Or
            the releases of all of them.
        candidates: the synthetic points G to hand out, shape ``(g, d)``; or a
            generator, which is fitted to the pool (`generators.EmbeddingGenerator` to
            releases) and draws 10,000 points, doubled
            until the promises can be kept (`Growing` for other numbers).
        inverse_temperature: β >= 0: the larger, the fewer points a party gets.
        relax: as in `promise`; only with the most candidates allowed.
        mesh: as in `promise`. A generator is fitted, and rewards are drawn, by one
            device; in several processes all do the same.
        progress: as in `promise`, with the stage "sampling" besides.

    Returns:
        What was promised and handed out.

    Raises:
        InfeasibleError: if no reward values keep the promises with these candidates, or
            with the most that the generator may draw.
        MemoryError, NoContributionError, ValueError: as in `promise`.

    Example:
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = collaborate(jax.random.key(0), parties, grid)
        >>> [reward.stop_reason for reward in result.draw.rewards]
        ['reached', 'reached']

    Reference:
        Tay et al. 2022, Sec. 3 to 5 and App. F.
    """
    key = as_key(key)
    check_kind(scoring, Scoring)
    if are_releases(parties):
        points, features = checked_releases(
            parties, features, kernel, scoring, search_length_scale=search_length_scale
        )
        used, num_columns = features.kernel, features.num_dimensions
    else:
        check_no_features(features, agreement)
        if not isinstance(candidates, Generator | Growing):
            *parties, candidates = aligned(*as_sequence(parties), candidates)
        rows = cast(Sequence[Points], parties)
        points = as_parties(rows, sharded=True)
        used = checked_kernel(points, kernel, search_length_scale=search_length_scale)
        num_columns = points[0].shape[1]
    source = _as_source(candidates)
    wait_for_program = _get_ready(key, used, source, num_columns)
    candidates_key, draw_key = jax.random.split(key)
    sets = _candidate_sets(candidates_key, points, num_columns, source)
    while True:
        drawn, is_last = next(sets)
        try:
            promises = promise(
                points,
                drawn,
                features=features,
                agreement=agreement,
                kernel=kernel,
                search_length_scale=search_length_scale,
                scoring=scoring,
                joined=joined,
                stability=stability,
                fairness_weight=fairness_weight,
                relax=relax and is_last,
                mesh=mesh,
                progress=progress,
            )
        except InfeasibleError as error:
            if not is_last:
                continue
            if isinstance(source, Growing):
                error.add_note(f"With the most candidates allowed, {len(drawn)}.")
            raise
        wait_for_program()
        draw = promises.draw(
            draw_key, inverse_temperature=inverse_temperature, progress=progress
        )
        return Collaboration(promises, draw)


def _as_source(
    candidates: Float[ArrayLike, "g d"] | Generator | Growing,
) -> Points | Growing:
    if isinstance(candidates, Growing):
        return candidates
    if isinstance(candidates, Generator | type) or hasattr(candidates, "fit"):
        return Growing(candidates)  # type: ignore[arg-type]
    return as_points(candidates, "candidates", sharded=True)


def _get_ready(
    key: Key[Array, ""], kernel: Kernel, source: Points | Growing, num_columns: int
) -> Callable[[], None]:
    """Import CVXPY and compile the program of the draw, beside what comes before."""
    beside(partial(import_module, "cvxpy"))
    if isinstance(source, Growing):
        return compile_beside(key, kernel, (source.num, num_columns), np.float32)
    return compile_beside(key, kernel, source.shape, source.dtype)


def _candidate_sets(
    key: Key[Array, ""],
    parties: Sequence[Points] | Sequence[Release],
    num_columns: int,
    candidates: Points | Growing,
) -> Iterator[tuple[Points, bool]]:
    """Sets of candidates to try one after the other, and whether each is the last.

    A larger set begins with the smaller one.
    """
    if not isinstance(candidates, Growing):
        yield candidates, True
        return

    def check(num: int) -> None:
        if not are_releases(parties):
            points = cast(list[Points], parties)
            check_memory(points, None, num, search_length_scale=False)

    fit_key, sample_key = jax.random.split(key)
    num = candidates.num
    check(num)  # before a fit of minutes
    model = candidates.generator.fit(fit_key, _learned_from(parties, candidates))
    while True:
        check(num)
        is_last = num == candidates.at_most
        sample = candidates.generator.sample(sample_key, model, num)
        points, shape = as_points(sample, "sample"), (num, num_columns)
        if points.shape != shape:
            raise ValueError(
                f"Expected {shape[0]} points of {shape[1]} columns from `sample` of "
                f"{candidates.generator}, got shape {points.shape}."
            )
        yield points, is_last
        num = min(2 * num, candidates.at_most)


def _learned_from(
    parties: Sequence[Points] | Sequence[Release], candidates: Growing
) -> Any:
    """What a generator is fitted to: all rows in one, or the releases as they are."""
    learns_from_releases = getattr(candidates.generator, "learns_from_releases", False)
    if learns_from_releases is not isinstance(parties[0], Release):
        raise ValueError(
            "Expected candidates or an EmbeddingGenerator with releases, and another "
            f"generator with rows, got {type(candidates.generator).__name__}."
        )
    if learns_from_releases:
        return parties
    return np.concatenate([*map(on_host, parties)])
