"""The paper's data sets and its ways of sharing data among parties.

App. I.1 to I.4: `credit_ratings` (CR), `credit_card` (CC), `mnist`, `cifar10`. Tables
1 to 4 are `split_by_proportions`, Tables 5 to 16 `paper_results`.
"""

from .credit_card import amount_classes, credit_card, transactions_stand_in
from .credit_ratings import CreditRatings, credit_ratings
from .data_errors import DamagedDataError, DataNotFoundError, DownloadError
from .digits import DIGIT_FEATURES, digits, digits_parties
from .download import fetch
from .idx import read_idx
from .images import cifar10, fashion_mnist, mnist
from .labelled import LabelledImages, LabelledPoints
from .paper import PaperResults, paper_results
from .splits import LabelledParties, paper_proportions, split_by_proportions

__all__ = [
    "DIGIT_FEATURES",
    "CreditRatings",
    "DamagedDataError",
    "DataNotFoundError",
    "DownloadError",
    "LabelledImages",
    "LabelledParties",
    "LabelledPoints",
    "PaperResults",
    "amount_classes",
    "cifar10",
    "credit_card",
    "credit_ratings",
    "digits",
    "digits_parties",
    "fashion_mnist",
    "fetch",
    "mnist",
    "paper_proportions",
    "paper_results",
    "read_idx",
    "split_by_proportions",
    "transactions_stand_in",
]
__dir__ = __all__.copy
