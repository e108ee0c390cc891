"""The experiments of Section 6, from a data set's name to the paper's numbers.

`prepare_experiments` loads and shares the data and makes candidates, `run_experiment`
promises, draws at every β and measures, `compare` sets the numbers beside the paper's.
"""

from .beside_paper import Comparison as Comparison
from .beside_paper import compare as compare
from .data import SPLITS as SPLITS
from .data import ExperimentData as ExperimentData
from .data import credit_ratings_data as credit_ratings_data
from .image_candidates import SuppliedFeatures as SuppliedFeatures
from .prepare import ExperimentOptions as ExperimentOptions
from .prepare import prepare_experiments as prepare_experiments
from .recipes import RECIPES as RECIPES
from .run import BETAS as BETAS
from .run import Experiment as Experiment
from .run import run_experiment as run_experiment

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
