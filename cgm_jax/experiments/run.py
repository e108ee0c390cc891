"""One experiment of Section 6: promises, a draw at every β, and what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Key

from cgm_jax._shared.progress import Progress, silent
from cgm_jax.collaboration import Collaboration, Draw, Promises, promise
from cgm_jax.evaluation import Evaluation, evaluate_rewards
from cgm_jax.kernels import Kernel
from cgm_jax.rewards import InfeasibleError

from .data import ExperimentData

__all__ = ["BETAS", "Experiment", "run_experiment"]

BETAS = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, eq=False)
class Experiment:
    """What one way of sharing the data leads to.

    Attributes:
        draws: a draw that keeps the promises, at each β.
        evaluation: the metrics, where they were asked for.
    """

    data: ExperimentData
    promises: Promises
    draws: dict[float, Draw]
    evaluation: Evaluation | None

    @property
    def greediest(self) -> Collaboration:
        """The promises, and the draw of the largest β, which has the fewest points."""
        return Collaboration(self.promises, self.draws[max(self.draws)])


def run_experiment(
    key: Key[Array, ""],
    data: ExperimentData,
    *,
    inverse_temperatures: Sequence[int | float] = BETAS,
    evaluate: bool = True,
    kernel: Kernel | None = None,
    relax: bool = False,
    max_candidates: int | None = None,
    measured: tuple[Sequence[np.ndarray], np.ndarray] | None = None,
    mesh: Mesh | None = None,
    progress: Progress = silent,
) -> Experiment:
    """Value the parties' data, promise rewards, draw them at every β, and measure.

    Args:
        key: a typed key; the draw at the k-th β uses ``fold_in(key, k)``.
        data: who owns what, and the candidates.
        inverse_temperatures: β of the draws, at least one, all different.
        evaluate: whether to compute the metrics, which takes longer than the rest.
        kernel: of the points, brought to the smallest length scale at which no party's
            data have a negative value; by default the squared exponential.
        relax: as in `promise`; only with the most candidates allowed.
        max_candidates: where the promises cannot be kept, the candidates are doubled up
            to this number, by default four times as many as there are.
        measured: as in `evaluate_rewards`.
        mesh: as in `promise`.
        progress: called with the stage and the share of it that is done.

    Raises:
        RewardSchemeError: if the promises cannot be kept with these candidates.

    Example:
        >>> from cgm_jax.experiments import credit_ratings_data
        >>> (data,) = credit_ratings_data(["unequal"], num_candidates=200)
        >>> few = {"relax": True, "max_candidates": 200}  # the paper has 100,000
        >>> options = {"inverse_temperatures": [8], "evaluate": False, **few}
        >>> experiment = run_experiment(jax.random.key(0), data, **options)
        >>> experiment.promises.scheme.is_relaxed
        True
    """
    most = 4 * len(data.candidates) if max_candidates is None else max_candidates
    while True:
        more = min(2 * len(data.candidates), most)
        is_last = data.grown is None or more <= len(data.candidates)
        try:
            promises = promise(
                data.parties,
                data.candidates,
                kernel=kernel,
                search_length_scale=kernel is not None,
                relax=relax and is_last,
                mesh=mesh,
                progress=progress,
            )
            break
        except InfeasibleError:
            if data.grown is None or is_last:
                raise
            data = data.grown(more)
    betas = [float(beta) for beta in inverse_temperatures]
    keys = [jax.random.fold_in(key, k) for k in range(len(betas))]
    many = promises.draw_many(keys, inverse_temperatures=betas, progress=progress)
    draws = dict(zip(betas, many, strict=True))
    evaluation = None
    if evaluate:
        evaluation = evaluate_rewards(
            promises,
            list(draws.values()),
            data.labels,
            data.candidate_labels,
            num_classes=data.num_classes,
            measured=measured,
            progress=progress,
        )
    return Experiment(data, promises, draws, evaluation)
