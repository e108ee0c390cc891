"""What a collaboration left the parties with: Section 6, and nearness to real rows."""

from .evaluate import Evaluation as Evaluation
from .evaluate import evaluate_rewards as evaluate_rewards

__all__ = ["Evaluation", "evaluate_rewards"]
