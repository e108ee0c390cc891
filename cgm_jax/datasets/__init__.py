"""The paper's data sets and its ways of sharing data among parties.

App. I.1 to I.4: `credit_ratings` (CR), `credit_card` (CC), `mnist`, `cifar10`. Tables
1 to 4 are `split_by_proportions`, Tables 5 to 16 `paper_results`.
"""

from .credit_card import amount_classes as amount_classes
from .credit_card import credit_card as credit_card
from .credit_card import transactions_stand_in as transactions_stand_in
from .credit_ratings import CreditRatings as CreditRatings
from .credit_ratings import credit_ratings as credit_ratings
from .data_errors import DamagedDataError as DamagedDataError
from .data_errors import DataNotFoundError as DataNotFoundError
from .data_errors import DownloadError as DownloadError
from .digits import DIGIT_FEATURES as DIGIT_FEATURES
from .digits import digits as digits
from .digits import digits_parties as digits_parties
from .download import fetch as fetch
from .idx import read_idx as read_idx
from .images import cifar10 as cifar10
from .images import fashion_mnist as fashion_mnist
from .images import mnist as mnist
from .labelled import LabelledImages as LabelledImages
from .labelled import LabelledPoints as LabelledPoints
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
