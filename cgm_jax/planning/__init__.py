"""A plan before a run: bytes and seconds of every step, and what would fit instead.

`plan` is arithmetic on sizes: bytes of the arrays that each step makes, and how much it
has to compute. `measured_rates` times this device for two seconds, and makes seconds of
that. ``cgm-jax plan`` prints both; `promise` and `collaborate` refuse what cannot fit.
"""

from .plans import Part, Plan, plan
from .rates import Rates, measured_rates
from .stages import Task

__all__ = ["Part", "Plan", "Rates", "Task", "measured_rates", "plan"]
__dir__ = __all__.copy
