"""Scorings by the names that the command line knows."""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
from jaxtyping import Float, Int

from cgm_jax._shared.checks import one_each
from cgm_jax.valuation import BetaShapley

from .base import Scoring
from .distribution import Distribution
from .family import Departures, Precedence, Quotient
from .joining import TimeAware
from .points import SumOfPoints
from .robust import Robust
from .semivalues import Semivalues, Shapley

__all__ = ["NAMES", "SCORINGS", "check_scheme", "scoring_named"]

_ALL: tuple[Scoring, ...] = (
    Shapley(),
    Semivalues("banzhaf"),
    Semivalues(BetaShapley(4, 1)),
    Semivalues("leave-one-out"),
    SumOfPoints(),
    Robust(),
    Distribution(),
    Quotient(),
)
SCORINGS: dict[str, Scoring] = {each.name: each for each in _ALL}
NAMES = (*SCORINGS, "departures", "precedence")  # these must know more


def scoring_named(
    name: str,
    *,
    joined: Sequence[int] | Int[np.ndarray, " n"] | None = None,
    stay: float | int | Sequence[float | int] | Float[np.ndarray, " n"] | None = None,
) -> Scoring:
    """The scoring of a name.

    Args:
        name: "shapley", the paper's; "banzhaf", all coalitions alike; "beta-shapley",
            Beta(4, 1), which looks at small coalitions most; "leave-one-out", what all
            others lack without the party; "points", the sum over a party's points;
            "robust", Shapley's within 4 % of each other; "distribution", how near a
            party is to the mixture of all; "quotient", Shapley's with parties of the
            same rows taken for one; "departures", Shapley's of parties that may leave;
            "precedence", Shapley's with those first who joined first.
        joined: when each party joined, whole numbers >= 0: the order for "precedence",
            and for every other scoring `TimeAware` of it.
        stay: the probability that a party stays, one or one of each, for "departures".

    Returns:
        The scoring.

    Raises:
        ValueError: if there is none of that name (it says which there are), or it must
            know what was not handed in, or has no use for what was.

    Example:
        >>> scoring_named("banzhaf")
        Semivalues(weighting='banzhaf')
        >>> scoring_named("departures", stay=0.9)
        Departures(stay=0.9)
        >>> scoring_named("shapley", joined=[0, 0, 1]).name
        'time-aware'
    """
    check_scheme(name, has_joined=joined is not None, has_stay=stay is not None)
    times = None if joined is None else tuple(one_each(joined, "joining times"))
    if name == "robust" and times is not None:  # what is bounded last stays bounded
        return Robust(scoring_named("shapley", joined=times))
    if name == "precedence" and times is not None:
        return Precedence(times)
    if name == "departures" and stay is not None:
        is_one = np.ndim(stay) == 0  # type: ignore[arg-type]
        chances = stay if is_one else tuple(one_each(stay, "probabilities to stay"))
        scoring: Scoring = Departures(chances)  # type: ignore[arg-type]
    else:
        scoring = SCORINGS[name]
    return scoring if times is None else TimeAware(times, scoring)


def check_scheme(name: str, *, has_joined: bool, has_stay: bool) -> None:
    """Raise if there is no such scheme, or not what it must know."""
    if not isinstance(name, str) or name not in NAMES:
        near = get_close_matches(str(name), NAMES, 1, cutoff=0.5)
        meant = f"; did you mean {near[0]}?" if near else "."
        raise ValueError(
            f"Expected a scheme of {', '.join(NAMES)}, got {name!r}{meant}"
        )
    if name == "precedence" and not has_joined:
        raise ValueError(
            "Expected joining times with the scheme precedence: who comes first."
        )
    if (name == "departures") is not has_stay:
        raise ValueError(
            "Expected probabilities to stay with the scheme departures, and with no "
            f"other, got {'some' if has_stay else 'none'} with {name}."
        )
