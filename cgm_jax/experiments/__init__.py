"""The experiments of Section 6, from a data set's name to the paper's numbers."""

from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .data import SPLITS as SPLITS
from .data import ExperimentData as ExperimentData
from .data import credit_ratings_data as credit_ratings_data
from .images import SuppliedFeatures as SuppliedFeatures
from .kernel_comparison import KernelComparison as KernelComparison
from .kernel_comparison import compare_kernels as compare_kernels
from .prepare import ExperimentOptions as ExperimentOptions
from .prepare import prepare_experiments as prepare_experiments
from .recipes import RECIPES as RECIPES
from .run import BETAS as BETAS
from .run import Experiment as Experiment
from .run import run_experiment as run_experiment
from .two_sample_power import POWER_PROBLEMS as POWER_PROBLEMS
from .two_sample_power import PowerOptions as PowerOptions
from .two_sample_power import PowerResults as PowerResults
from .two_sample_power import estimate_power as estimate_power

__all__ = [
    "BETAS",
    "POWER_PROBLEMS",
    "RECIPES",
    "SPLITS",
    "Comparison",
    "Experiment",
    "ExperimentData",
    "ExperimentOptions",
    "KernelComparison",
    "PowerOptions",
    "PowerResults",
    "SuppliedFeatures",
    "compare",
    "compare_kernels",
    "credit_ratings_data",
    "estimate_power",
    "prepare_experiments",
    "run_experiment",
]
