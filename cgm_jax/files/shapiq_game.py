"""A game written to a file that shapiq reads, for its many other indices and plots.

The format is that of ``shapiq.Game.save_values(..., as_npz=True)``: NumPy's compressed
archive of all values, of the membership of their coalitions, of the number of players
and of the value of the empty coalition, which shapiq subtracts if asked to normalise.
"""

from pathlib import Path

import numpy as np
from jaxtyping import ArrayLike, Float

from cgm_jax.valuation.coalitions import membership, num_parties

from .atomic import write_atomically
from .input_errors import UsageError

__all__ = ["write_shapiq_game"]


def write_shapiq_game(
    path: str | Path, values: Float[ArrayLike, " coalitions"]
) -> None:
    """Publish a table of coalition values as a game for shapiq.

    In shapiq, party i is player i::

        game = shapiq.Game(n_players=n, normalize=False)
        game.load_values("game.npz")
        game.exact_values("k-SII", order=2)

    Args:
        path: the file, whose name ends in ``.npz``.
        values: value of each coalition, indexed by bitmask, shape ``(2**n,)``, n <= 24.

    Raises:
        UsageError: if the name does not end in ``.npz``, as shapiq expects.
        ValueError: if ``values`` is not a table of ``2**n`` finite numbers.
        FileAccessError: if the system refuses.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "gloves.npz")
        >>> write_shapiq_game(path, np.array([0.0, 0, 0, 1, 0, 1, 0, 1]))
        >>> with np.load(path) as archive:
        ...     archive["coalitions"][archive["values"] == 1].astype(int)
        array([[1, 1, 0],
               [1, 0, 1],
               [1, 1, 1]])

    Reference:
        Muschalik et al.: shapiq: Shapley Interactions for Machine Learning, 2024.
    """
    if Path(path).suffix != ".npz":
        raise UsageError(f"{path}: expected a file name that ends in .npz")
    table = np.asarray(values, np.float64)
    if table.ndim != 1 or not np.isfinite(table).all():
        raise ValueError(
            "Expected one finite value per coalition, got an array of shape "
            f"{table.shape}, or one with NaN or infinity."
        )
    n = num_parties(len(table))

    write_atomically(
        path,
        lambda file: np.savez_compressed(
            file,
            values=table,
            coalitions=membership(n, np.int8).astype(bool),
            n_players=n,
            normalization_value=table[0],
        ),
    )
