"""How good the outcome is: closeness to the reference, use, and whether both follow α.

The metrics of D_i ∪ G_i in Sec. 6: `reverse_kl_divergence`, `wasserstein2_gaussians`,
`class_imbalance`, `svm_accuracies`; and how near synthetic rows are to real ones.
`table_quality` and `train_on_synthetic` take tables of `Cells`, all others plain
arrays; `cgm_jax.evaluation` measures a whole collaboration.
"""

from .class_imbalance import class_imbalance
from .correlation import CorrelationSummary, correlation, correlation_summary
from .discrepancy import mmd2_to_reference
from .nearest_real import NearestReal, ToReal, nearest_real, to_real
from .neighbors import nearest_distances
from .reverse_kl import reverse_kl_divergence, reverse_kl_divergences
from .svm import svm_accuracies, svm_accuracy
from .table_quality import TableQuality, table_quality
from .train_on_synthetic import TargetScore, train_on_synthetic
from .wasserstein import wasserstein2_gaussians

__all__ = [
    "CorrelationSummary",
    "NearestReal",
    "TableQuality",
    "TargetScore",
    "ToReal",
    "class_imbalance",
    "correlation",
    "correlation_summary",
    "mmd2_to_reference",
    "nearest_distances",
    "nearest_real",
    "reverse_kl_divergence",
    "reverse_kl_divergences",
    "svm_accuracies",
    "svm_accuracy",
    "table_quality",
    "to_real",
    "train_on_synthetic",
    "wasserstein2_gaussians",
]
__dir__ = __all__.copy
