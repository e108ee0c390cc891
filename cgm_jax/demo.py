"""The paper's five banks, at the paper's size, beside the paper's numbers."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool

from .collaboration import Collaboration, Progress, collaborate
from .datasets import PaperResults, credit_ratings, paper_results
from .datasets.splits import Split

__all__ = ["BETAS", "SPLITS", "Experiment", "run_experiment"]

BETAS = (1, 2, 4, 8)
SPLITS: tuple[Split, ...] = ("equal-disjoint", "unequal")

# Nearer to its limit than this share, a reward value is met where v is flat, and the
# number of points varies by a factor of two between seeds.
AT_LIMIT = 1e-3


@dataclass(frozen=True, eq=False)
class Experiment:
    """One split of the banks' customers: our results and the paper's."""

    split: Split
    collaborations: dict[int, Collaboration]
    """The same promises, kept by a draw at each β."""

    paper: PaperResults

    @property
    def promised(self) -> Collaboration:
        """Any of the collaborations: what was promised does not depend on β."""
        return next(iter(self.collaborations.values()))

    @property
    def is_at_limit(self) -> Bool[np.ndarray, " n"]:
        """Whether r_i is within 0.1 % of v(D_i ∪ G), the most party i can be given."""
        limit = self.promised.upper_values
        return self.promised.scheme.reward_values > (1 - AT_LIMIT) * limit


def run_experiment(
    split: Split,
    *,
    seed: int = 0,
    num_candidates: int = 100_000,
    progress: Progress | None = None,
) -> Experiment:
    """Value the banks' data, promise rewards, and draw them at every β of the paper.

    Args:
        split: how the customers are shared among the banks.
        seed: seed of the draws; the data are the paper's.
        num_candidates: |G|; the paper's numbers are for 100,000.
        progress: called with the stage and the share of it that is done.

    Returns:
        The results beside the paper's.

    Reference:
        Tay et al. 2022, Sec. 6 and App. I.
    """
    data = credit_ratings(split, num_candidates=num_candidates)
    key = jax.random.key(seed)

    def told(beta: int) -> Progress:
        def tell(stage: str, share: float) -> None:
            if progress is not None:
                progress(f"{stage}, beta = {beta}", share)

        return tell

    first, *others = BETAS
    promised = collaborate(
        jax.random.fold_in(key, first),
        data.parties,
        data.candidates,
        inverse_temperature=first,
        progress=told(first),
    )
    collaborations = {first: promised}
    for beta in others:
        collaborations[beta] = promised.redraw(
            jax.random.fold_in(key, beta), inverse_temperature=beta, progress=told(beta)
        )
    return Experiment(split, collaborations, paper_results("credit-ratings", split))
