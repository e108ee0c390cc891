"""Which synthetic points each party gets."""

from .marginal_values import marginal_values as marginal_values
from .marginal_values import updated_sigma_s as updated_sigma_s
from .marginal_values import updated_sigma_st as updated_sigma_st
from .picking import CandidateSet as CandidateSet
from .picking import Lane as Lane
from .picking import pick_many as pick_many
from .weighted_sampling import Reward as Reward
from .weighted_sampling import weighted_sampling as weighted_sampling

__all__ = [
    "CandidateSet",
    "Lane",
    "Reward",
    "marginal_values",
    "pick_many",
    "updated_sigma_s",
    "updated_sigma_st",
    "weighted_sampling",
]
