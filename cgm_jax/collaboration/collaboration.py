"""The whole way in one call: promises, and a draw that keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
from jaxtyping import Array, ArrayLike, Float, Key

from cgm_jax._shared.arrays import as_parties
from cgm_jax._shared.progress import Progress, silent
from cgm_jax.generators.base import Generator
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.deep import Network
from cgm_jax.rewards import InfeasibleError

from .draw import Draw
from .growing import Growing, candidate_sets
from .promises import Promises, checked_kernel, promise
from .saving import load_parts, save_collaboration

__all__ = ["Collaboration", "collaborate"]


@dataclass(frozen=True, eq=False, repr=False)
class Collaboration:
    """What was promised, and what was handed out."""

    promises: Promises
    """What the parties' data are worth and what was promised for them."""

    draw: Draw
    """The synthetic points of every party."""

    def __repr__(self) -> str:
        return f"Collaboration({self.promises!r}, {self.draw!r})"

    def save(self, path: str | Path) -> None:
        """Write everything to a file, complete or not at all.

        Args:
            path: the file, by custom ``.npz``; one that is there is replaced.

        Raises:
            TypeError: if the kernel is not made of kernels of this package.
            OSError: if the system refuses.

        Example:
            >>> import tempfile
            >>> import numpy as np
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
        cls, path: str | Path, *, network: Network | None = None
    ) -> "Collaboration":
        """Read what `save` wrote.

        Args:
            path: the file.
            network: as in `load_kernel`.

        Returns:
            The collaboration, number by number.

        Raises:
            ValueError: if the file does not hold one, is damaged, or needs a network.
            OSError: if it cannot be read.
        """
        return cls(*load_parts(path, network=network))


def collaborate(
    key: Key[Array, ""],
    parties: Sequence[Float[ArrayLike, "_ d"]],
    candidates: Float[ArrayLike, "g d"] | Generator | Growing,
    *,
    kernel: Kernel | None = None,
    search_length_scale: bool = False,
    inverse_temperature: float = 1.0,
    stability: bool = True,
    fairness_weight: float = 1e-3,
    relax: bool = False,
    progress: Progress = silent,
) -> Collaboration:
    """Value the parties' data, promise fair reward values, and draw the rewards.

    Args:
        key: a typed key, split once into that of the candidates and that of the draw.
        parties: the parties' points, arrays of shape ``(n_i, d)``; sizes may differ.
        candidates: the synthetic points G to hand out, shape ``(g, d)``; or a
            generator, which is fitted to the pool and draws 10,000 points, doubled
            until the promises can be kept (`Growing` for other numbers).
        kernel: as in `promise`.
        search_length_scale: as in `promise`.
        inverse_temperature: β >= 0: the larger, the fewer points a party gets.
        stability: as in `promise`.
        fairness_weight: as in `promise`.
        relax: as in `promise`; only with the most candidates allowed.
        progress: called with the stage ("length scale", "kernel sums", "reward scheme",
            "sampling") and the share of it that is done.

    Returns:
        What was promised and handed out.

    Raises:
        InfeasibleError: if no reward values keep the promises with these candidates, or
            with the most that the generator may draw.
        NoContributionError: if no party adds anything to the others' data.
        ValueError: as in `promise`.

    Example:
        >>> import numpy as np
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = collaborate(jax.random.key(0), parties, grid)
        >>> [reward.stop_reason for reward in result.draw.rewards]
        ['reached', 'reached']

    Reference:
        Tay et al. 2022, Sec. 3 to 5 and App. F.
    """
    candidates_key, draw_key = jax.random.split(key)
    points = as_parties(parties)
    checked_kernel(points, kernel, search_length_scale=search_length_scale)
    sets = candidate_sets(candidates_key, points, candidates)
    while True:
        drawn, is_last = next(sets)
        try:
            promises = promise(
                points,
                drawn,
                kernel=kernel,
                search_length_scale=search_length_scale,
                stability=stability,
                fairness_weight=fairness_weight,
                relax=relax and is_last,
                progress=progress,
            )
        except InfeasibleError as error:
            if not is_last:
                continue
            if isinstance(candidates, Generator | Growing):
                error.add_note(f"With the most candidates allowed, {len(drawn)}.")
            raise
        draw = promises.draw(
            draw_key, inverse_temperature=inverse_temperature, progress=progress
        )
        return Collaboration(promises, draw)
