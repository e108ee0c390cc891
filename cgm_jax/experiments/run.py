"""One experiment of Section 6: promises, a draw at every β, and what came of them.

Reference: Tay et al. 2022, Sec. 6 and App. I.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from cgm_jax.collaboration.collaboration import Collaboration, Progress, collaborate
from cgm_jax.evaluation.evaluate import Evaluation, evaluate_rewards
from cgm_jax.kernels import Kernel

from .data import ExperimentData

__all__ = ["BETAS", "Experiment", "run_experiment"]

BETAS = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, eq=False)
class Experiment:
    """What one way of sharing the data leads to."""

    data: ExperimentData
    """Who owns what, and what is handed out."""

    collaborations: dict[float, Collaboration]
    """The same promises, kept by a draw at each β."""

    evaluation: Evaluation | None
    """The metrics, where they were asked for."""

    @property
    def promised(self) -> Collaboration:
        """Any of the collaborations: what was promised does not depend on β."""
        return next(iter(self.collaborations.values()))


def run_experiment(
    data: ExperimentData,
    *,
    betas: Sequence[int | float] = BETAS,
    seed: int = 0,
    evaluate: bool = True,
    kernel: Kernel | None = None,
    measured: tuple[Sequence[np.ndarray], np.ndarray] | None = None,
    progress: Progress | None = None,
) -> Experiment:
    """Value the parties' data, promise rewards, draw them at every β, and measure.

    Args:
        data: who owns what, and the candidates.
        betas: inverse temperatures, at least one, all different.
        seed: seed of the draws.
        evaluate: whether to compute the metrics, which takes longer than the rest.
        kernel: of the points, brought to the smallest length scale at which no party's
            data have a negative value; by default the squared exponential.
        measured: other coordinates of the parties' points and of the candidates, for
            the metrics that have no kernel (see `evaluate_rewards`).
        progress: called with the stage and the share of it that is done.

    Returns:
        The results.

    Raises:
        RewardSchemeError: if the promises cannot be kept with these candidates.

    Example:
        >>> from cgm_jax.experiments import prepare_experiments
        >>> (data,) = prepare_experiments("credit-ratings", ["unequal"])
        >>> experiment = run_experiment(data, betas=[8], evaluate=False)
        >>> f"{experiment.promised.scheme.max_reward_value:.4f}"
        '0.0898'

    Reference:
        Tay et al. 2022, Sec. 6.
    """
    key = jax.random.key(seed)

    def told(beta: float) -> Progress:
        def tell(stage: str, share: float) -> None:
            if progress is not None:
                progress(f"{stage}, beta = {beta:g}", share)

        return tell

    first, *others = map(float, betas)
    promised = collaborate(
        jax.random.fold_in(key, int(first)),
        data.parties,
        data.candidates,
        kernel=kernel,
        search_length_scale=kernel is not None,
        inverse_temperature=first,
        progress=told(first),
    )
    collaborations = {first: promised}
    for beta in others:
        collaborations[beta] = promised.redraw(
            jax.random.fold_in(key, int(beta)),
            inverse_temperature=beta,
            progress=told(beta),
        )
    evaluation = None
    if evaluate:
        evaluation = evaluate_rewards(
            list(collaborations.values()),
            data.labels,
            data.candidate_labels,
            num_classes=data.num_classes,
            measured=measured,
            progress=progress,
        )
    return Experiment(data, collaborations, evaluation)
