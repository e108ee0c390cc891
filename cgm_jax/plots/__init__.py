"""Pictures of a collaboration, for people.

Every function takes results and returns a matplotlib figure of its own, made without
pyplot: nothing is shown, written or remembered. Save one with
``figure.savefig("values.svg")``; layers of points are rasterised in it. Names are one a
party, or a ``ValueError`` is raised. Figure 1 is `plot_reward_over_temperatures`,
Figure 2 `plot_correlations`.
"""

from .columns import plot_columns, plot_pairs
from .contributions import plot_contributions, plot_uncertainty
from .correlations import plot_correlations
from .feasible_region import plot_feasible_region
from .gains import plot_gains
from .generator import plot_samples, plot_training
from .generators import plot_generators
from .margins import plot_margins
from .plane import Embedding, Plane, plane_of
from .privacy import plot_privacy_plan
from .rewards import (
    MAX_DOTS,
    plot_own_and_reward,
    plot_reward,
    plot_reward_over_temperatures,
    plot_rewards,
)
from .values import plot_values

__all__ = [
    "MAX_DOTS",
    "Embedding",
    "Plane",
    "plane_of",
    "plot_columns",
    "plot_contributions",
    "plot_correlations",
    "plot_feasible_region",
    "plot_gains",
    "plot_generators",
    "plot_margins",
    "plot_own_and_reward",
    "plot_pairs",
    "plot_privacy_plan",
    "plot_reward",
    "plot_reward_over_temperatures",
    "plot_rewards",
    "plot_samples",
    "plot_training",
    "plot_uncertainty",
    "plot_values",
]
__dir__ = __all__.copy
