"""How good the outcome is: closeness to the reference, use, and whether both follow α.

The metrics of D_i ∪ G_i in Sec. 6: `reverse_kl_divergence`, `wasserstein2_gaussians`,
`class_imbalance`, `svm_accuracies`; and how near synthetic rows are to real ones.
Everything here takes plain arrays; `cgm_jax.evaluation` measures a whole collaboration.
"""

from .class_imbalance import class_imbalance as class_imbalance
from .correlation import CorrelationSummary as CorrelationSummary
from .correlation import correlation as correlation
from .correlation import correlation_summary as correlation_summary
from .discrepancy import mmd2_to_reference as mmd2_to_reference
from .nearest_real import NearestReal as NearestReal
from .nearest_real import ToReal as ToReal
from .nearest_real import nearest_real as nearest_real
from .nearest_real import to_real as to_real
from .neighbors import nearest_distances as nearest_distances
from .reverse_kl import reverse_kl_divergence as reverse_kl_divergence
from .reverse_kl import reverse_kl_divergences as reverse_kl_divergences
from .shared_rows import SharedRows as SharedRows
from .shared_rows import shared_rows as shared_rows
from .svm import svm_accuracies as svm_accuracies
from .svm import svm_accuracy as svm_accuracy
from .wasserstein import wasserstein2_gaussians as wasserstein2_gaussians

__all__ = [
    "CorrelationSummary",
    "NearestReal",
    "SharedRows",
    "ToReal",
    "class_imbalance",
    "correlation",
    "correlation_summary",
    "mmd2_to_reference",
    "nearest_distances",
    "nearest_real",
    "reverse_kl_divergence",
    "reverse_kl_divergences",
    "shared_rows",
    "svm_accuracies",
    "svm_accuracy",
    "to_real",
    "wasserstein2_gaussians",
]
