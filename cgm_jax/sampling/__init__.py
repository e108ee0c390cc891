"""Which synthetic points each party gets."""

from .marginal_values import marginal_values as marginal_values
from .marginal_values import updated_sigma_s as updated_sigma_s
from .marginal_values import updated_sigma_st as updated_sigma_st
from .weighted_sampling import Reward as Reward
from .weighted_sampling import weighted_sampling as weighted_sampling

__all__ = [
    "Reward",
    "marginal_values",
    "updated_sigma_s",
    "updated_sigma_st",
    "weighted_sampling",
]
