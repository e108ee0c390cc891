"""Shapley's relatives that know more of the parties than their data.

`Departures`: who may leave, with which probability. The value of S has in the score of
each of its members the weight ∫ q^{|S|−1} Π_{j∈S} p_j Π_{j∉S} (1 − q p_j) dq, the same
for all: F1 and F4 hold as for Shapley's where all p are positive. F2 and F3 compare two
parties, and hold where all p are the same.

`Precedence`: who comes first. Marginal contributions to those before, hence F1; nothing
else, unless all come together.

`Quotient`: which parties are one, as evidence has it. A cluster is one player, whose
score its parties share by their points: only of singletons is that Shapley's.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from cgm_jax._shared.checks import as_real, as_whole, one_each
from cgm_jax._shared.sharded import on_host
from cgm_jax.evidence import clusters_by_evidence
from cgm_jax.valuation import (
    asymmetric_shapley,
    quotient_semivalues,
    semivalues_with_departures,
)

from .base import FAIR, RATIONAL, HandedIn, check_length

__all__ = ["Departures", "Precedence", "Quotient"]


@dataclass(frozen=True)
class Departures:
    """Shapley values, averaged over who stays.

    Attributes:
        stay: the probability that a party stays, between 0 and 1: one for all, or one
            of each.

    Raises:
        ValueError: if a probability is not between 0 and 1.

    Example:
        Two parties with the same data; the second may leave:

        >>> import cgm_jax
        >>> parties = [np.zeros((2, 1)), np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> scoring = Departures((1.0, 0.5, 1.0))
        >>> scheme = cgm_jax.promise(parties, grid, scoring=scoring).scheme
        >>> bool(scheme.shapley_values[1] < scheme.shapley_values[0] / 2)
        True

    Reference:
        Tian, Sim, Fan, Low, *DeRDaVa*, AAAI 2024.
    """

    stay: float | int | tuple[float | int, ...] = field(metadata={"per_party": True})

    name = "departures"
    needs_rows = False

    def __post_init__(self) -> None:
        if np.ndim(self.stay) > 0:  # type: ignore[arg-type]
            each_one = one_each(self.stay, "probabilities to stay")
            object.__setattr__(self, "stay", tuple(each_one))
        for each in self._all:
            if as_real(each, "probability to stay", smallest=0.0) > 1:
                raise ValueError(
                    f"Expected probabilities to stay between 0 and 1, got {each}."
                )

    @property
    def _all(self) -> tuple[float | int, ...]:
        return self.stay if isinstance(self.stay, tuple) else (self.stay,)

    @property
    def proved(self) -> tuple[str, ...]:
        """F1; F4 if nobody leaves for sure; F2 and F3 if all stay as likely."""
        fair = ["F1"]
        if min(self._all) > 0:
            is_even = len(set(self._all)) == 1
            fair = list(FAIR) if is_even else ["F1", "F4"]
        return (*RATIONAL, *fair)

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """The values of who may leave."""
        stay: float | Float[np.ndarray, " n"]
        if isinstance(self.stay, tuple):
            check_length(self.stay, handed_in, "a probability to stay")
            stay = np.array(self.stay, float)
        else:
            stay = float(self.stay)
        return np.asarray(semivalues_with_departures(handed_in.sums, stay))


@dataclass(frozen=True)
class Precedence:
    """Shapley values over the orders in which nobody comes before an earlier group.

    Attributes:
        order: the group of every party, whole numbers >= 0; smaller ones come first.

    Raises:
        ValueError: if one is no whole number, or negative.

    Example:
        The third party has copied the first:

        >>> import cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1)), np.zeros((2, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> scoring = Precedence((0, 0, 1))
        >>> scheme = cgm_jax.promise(parties, grid, scoring=scoring).scheme
        >>> bool(scheme.shapley_values[2] < scheme.shapley_values[0] / 5)
        True

    Reference:
        Frye, Rowat, Feige, NeurIPS 2020; Zheng et al. 2025 (arXiv 2511.12863).
    """

    order: tuple[int, ...] = field(metadata={"per_party": True})

    name = "precedence"
    needs_rows = False

    def __post_init__(self) -> None:
        groups = (
            as_whole(each, "place in the order", smallest=0)
            for each in one_each(self.order, "places in the order")
        )
        object.__setattr__(self, "order", tuple(groups))

    @property
    def proved(self) -> tuple[str, ...]:
        """F1, and all if everybody is in one group."""
        return RATIONAL + (FAIR if len(set(self.order)) <= 1 else FAIR[:1])

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """Asymmetric Shapley values."""
        check_length(self.order, handed_in, "a place in the order")
        return np.asarray(asymmetric_shapley(handed_in.sums, np.array(self.order)))


@dataclass(frozen=True)
class Quotient:
    """Shapley values of clusters of parties, shared by points inside each.

    Attributes:
        clusters: the number of each party's cluster; by default those that the rows
            give evidence of (``evidence.clusters_by_evidence``).

    Raises:
        ValueError: if one is no whole number, or negative.

    Example:
        The third party has copied the first, and the two are taken for one:

        >>> import cgm_jax
        >>> rng = np.random.default_rng(0)
        >>> first, second = rng.normal(size=(2, 60, 2)) + np.array([[[0.0]], [[1.0]]])
        >>> parties, grid = [first, second, first], rng.normal(0.5, 1.5, (500, 2))
        >>> scheme = cgm_jax.promise(parties, grid, scoring=Quotient()).scheme
        >>> bool(np.isclose(*scheme.shapley_values[[0, 2]]))
        True

    Reference:
        Burnat, Davidson 2026 (arXiv 2605.07663).
    """

    clusters: tuple[int, ...] | None = field(default=None, metadata={"per_party": True})

    name = "quotient"

    def __post_init__(self) -> None:
        if self.clusters is not None:
            given = one_each(self.clusters, "clusters")
            numbers = (as_whole(k, "cluster", smallest=0) for k in given)
            object.__setattr__(self, "clusters", tuple(numbers))

    @property
    def needs_rows(self) -> bool:
        """Whether the clusters are to be found."""
        return self.clusters is None

    @property
    def proved(self) -> tuple[str, ...]:
        """F1 to F4 where the clusters are known to be of one party each."""
        clusters = self.clusters
        is_shapley = clusters is not None and len(set(clusters)) == len(clusters)
        return RATIONAL + (FAIR if is_shapley else ())

    def scores(self, handed_in: HandedIn) -> Float[np.ndarray, " n"]:
        """The values of clusters, shared by points."""
        if self.clusters is None:
            points = [on_host(x) for x in handed_in.points_for(self.name)]
            clusters = clusters_by_evidence(points)
        else:
            check_length(self.clusters, handed_in, "a cluster")
            clusters = np.array(self.clusters)
        return np.asarray(quotient_semivalues(handed_in.sums, clusters))
