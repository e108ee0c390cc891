"""Which synthetic points each party gets."""

from .increments import marginal_values as marginal_values
from .increments import updated_sigma_s as updated_sigma_s
from .increments import updated_sigma_st as updated_sigma_st
from .weighted import Reward as Reward
from .weighted import weighted_sampling as weighted_sampling

__all__ = [
    "Reward",
    "marginal_values",
    "updated_sigma_s",
    "updated_sigma_st",
    "weighted_sampling",
]
