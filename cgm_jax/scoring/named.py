"""Scorings by the names that the command line knows."""

from difflib import get_close_matches

from cgm_jax.valuation import BetaShapley

from .base import Scoring
from .points import SumOfPoints
from .robust import Robust
from .semivalues import Semivalues, Shapley

__all__ = ["SCORINGS", "scoring_named"]

_ALL: tuple[Scoring, ...] = (
    Shapley(),
    Semivalues("banzhaf"),
    Semivalues(BetaShapley(4, 1)),
    Semivalues("leave-one-out"),
    SumOfPoints(),
    Robust(),
)
SCORINGS: dict[str, Scoring] = {each.name: each for each in _ALL}


def scoring_named(name: str) -> Scoring:
    """The scoring of a name.

    Args:
        name: "shapley", the paper's; "banzhaf", all coalitions alike; "beta-shapley",
            Beta(4, 1), which looks at small coalitions most; "leave-one-out", what all
            others lack without the party; "points", the sum over a party's points;
            "robust", Shapley's within 5 % of each other.

    Returns:
        The scoring.

    Raises:
        ValueError: if there is none of that name; it says which there are.

    Example:
        >>> scoring_named("banzhaf")
        Semivalues(weighting='banzhaf')
    """
    if name in SCORINGS:
        return SCORINGS[name]
    near = get_close_matches(name, SCORINGS, 1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else "."
    raise ValueError(f"Expected a scheme of {', '.join(SCORINGS)}, got {name!r}{meant}")
