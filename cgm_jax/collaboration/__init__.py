"""The whole order: from the parties' points to promises, and to rewards."""

from .collaboration import Collaboration as Collaboration
from .collaboration import collaborate as collaborate
from .uncertainty import Uncertainty as Uncertainty

__all__ = ["Collaboration", "Uncertainty", "collaborate"]
