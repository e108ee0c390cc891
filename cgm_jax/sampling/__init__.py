"""Which synthetic points each party gets (Sec. 4.2, Algorithm 1).

β is the inverse temperature, Δ_x what a candidate adds (`marginal_values`), and Eq. 22
and 23 are `updated_sigma_s` and `updated_sigma_st`. A pick costs O(|G| d) instead of
the paper's O(|G| (s + t) d), because the witness function of every candidate is updated
by one kernel column, and on a CPU several picks take one look at all candidates.
Parties are drawn side by side on all cores.
"""

from .lanes import lanes
from .marginal_values import marginal_values, updated_sigma_s, updated_sigma_st
from .pick_many import pick_many
from .picking import CandidateSet, Lane
from .stopping import Reward
from .weighted_sampling import weighted_sampling

__all__ = [
    "CandidateSet",
    "Lane",
    "Reward",
    "lanes",
    "marginal_values",
    "pick_many",
    "updated_sigma_s",
    "updated_sigma_st",
    "weighted_sampling",
]
__dir__ = __all__.copy
