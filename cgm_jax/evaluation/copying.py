r"""How many drawn rows are copies, by held-out rows that the generator never saw.

Of a drawn row, let b be the number of the n training rows that are nearer to it than
the nearest of h held-out rows.

- The share nearer to training rows than to as many held-out ones is the mean of
  :math:`1 - \binom{n - b}{h} / \binom{n}{h}`, over all subsets of h training rows:
  ½ of a generator that copies nothing, and :math:`\frac12 + \frac{h}{2n}` of a copier.
- The share that is copied: :math:`(s - p) / (1 - p)` with s the share of rows with
  b > 0 and p = n / (n + h), what s is by chance: 0 and 1, whatever the sizes.

Ties count half, or in proportion.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.results import Result

__all__ = ["Copying", "copying"]

SIGNIFICANT = 1.645  # one-sided, at 5 %
COPIED = 0.4  # a share of copies that is too many
_ROWS_AT_ONCE = 200


@dataclass(frozen=True, eq=False, repr=False)
class Copying(Result):
    """How near drawn rows are to those that were learned.

    Attributes:
        nearer_share: of drawn rows, nearer to training rows than to as many held-out
            ones.
        copied_share: 0 of a generator that copies nothing, up to chance; 1 of a copier.
        error: about a standard error of the latter, were nothing copied.
    """

    nearer_share: float
    copied_share: float
    error: float

    @property
    def is_copier(self) -> bool:
        """Whether two in five rows or more are copies, significantly at 5 %."""
        return self.copied_share > max(COPIED, SIGNIFICANT * self.error)


def copying(
    drawn: Float[np.ndarray, "m d"],
    training: Float[np.ndarray, "n d"],
    held_out: Float[np.ndarray, "h d"],
) -> Copying:
    """Compare the distances of drawn rows to training rows and to held-out ones.

    Args:
        drawn: at least one row, in columns of one scale.
        training: what was learned; at least as many as are held out.
        held_out: at least one row that was not.
    """
    from scipy.special import gammaln

    # Of one precision: an equal row is at distance 0 of what is drawn in float32.
    rows, real, control = (
        x.astype(np.float32).astype(np.float64) for x in (drawn, training, held_out)
    )
    counts = [
        _counts(rows[i : i + _ROWS_AT_ONCE], real, control)
        for i in range(0, len(rows), _ROWS_AT_ONCE)
    ]
    nearer, equal, equal_control = np.concatenate(counts, axis=1)
    m, n, h = len(rows), len(real), len(control)

    def without(count: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """The chance that a subset has none of so many training rows."""
        rest = np.maximum(n - count, h)
        log = gammaln(rest + 1) - gammaln(rest - h + 1)
        return np.where(
            n - count < h, 0, np.exp(log - gammaln(n + 1) + gammaln(n - h + 1))
        )

    share = 1 - (without(nearer) + without(nearer + equal)) / 2
    by_chance = n / (n + h)
    is_nearer = np.where(nearer > 0, 1, equal / (equal + equal_control))
    expected = m / (n + h)  # drawn rows whose nearest row is one that is held out
    return Copying(
        float(share.mean()),
        float((is_nearer.mean() - by_chance) / (1 - by_chance)),
        math.sqrt((1 + 1 / expected) / h),
    )


def _counts(
    rows: Float[np.ndarray, "m d"],
    real: Float[np.ndarray, "n d"],
    control: Float[np.ndarray, "h d"],
) -> Float[np.ndarray, "3 m"]:
    """Real rows that are nearer than the nearest of the control, or as near, of each.

    Squared distances are those of a matrix product: they differ if by more than
    rounding.
    """
    sizes = [np.square(x).sum(axis=1) for x in (rows, real, control)]
    to_real, to_control = (
        sizes[0][:, None] + size[None] - 2 * rows @ x.T
        for x, size in zip((real, control), sizes[1:], strict=True)
    )
    nearest = to_control.min(axis=1, keepdims=True)
    rounding = 1e-12 * (sizes[0][:, None] + max(s.max() for s in sizes))
    return np.stack(
        [
            (to_real < nearest - rounding).sum(axis=1),
            (np.abs(to_real - nearest) <= rounding).sum(axis=1),
            (to_control <= nearest + rounding).sum(axis=1),
        ]
    ).astype(float)
