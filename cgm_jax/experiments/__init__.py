"""The experiments of Section 6, from a data set's name to the paper's numbers.

`prepare_experiments` loads and shares the data and makes candidates, `run_experiment`
promises, draws at every β and measures, `compare` sets the numbers beside the paper's.
"""

from .beside_paper import Comparison, compare
from .data import SPLITS, ExperimentData, credit_ratings_data
from .image_candidates import SuppliedFeatures
from .prepare import ExperimentOptions, prepare_experiments
from .recipes import RECIPES
from .run import BETAS, Experiment, run_experiment

__all__ = [
    "BETAS",
    "RECIPES",
    "SPLITS",
    "Comparison",
    "Experiment",
    "ExperimentData",
    "ExperimentOptions",
    "SuppliedFeatures",
    "compare",
    "credit_ratings_data",
    "prepare_experiments",
    "run_experiment",
]
__dir__ = __all__.copy
