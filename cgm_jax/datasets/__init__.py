"""The paper's data sets and its ways of sharing data among parties."""

from .credit_ratings import CreditRatings as CreditRatings
from .credit_ratings import credit_ratings as credit_ratings
from .digits import DIGIT_FEATURES as DIGIT_FEATURES
from .digits import digits_parties as digits_parties
from .errors import DamagedDataError as DamagedDataError
from .errors import DataNotFoundError as DataNotFoundError
from .idx import read_idx as read_idx
from .images import LabelledImages as LabelledImages
from .images import fashion_mnist as fashion_mnist
from .paper import PaperResults as PaperResults
from .paper import paper_results as paper_results
from .splits import LabelledParties as LabelledParties
from .splits import paper_proportions as paper_proportions
from .splits import split_by_proportions as split_by_proportions

__all__ = [
    "DIGIT_FEATURES",
    "CreditRatings",
    "DamagedDataError",
    "DataNotFoundError",
    "LabelledImages",
    "LabelledParties",
    "PaperResults",
    "credit_ratings",
    "digits_parties",
    "fashion_mnist",
    "paper_proportions",
    "paper_results",
    "read_idx",
    "split_by_proportions",
]
