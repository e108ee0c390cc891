"""Where synthetic points come from: the generative model of Sec. 2 and 6.

A `Generator` has two methods, ``fit`` and ``sample``. `KernelDensity` adds a little
noise to real rows, `GaussianMixture` is the simulated data's own, `ProductMixture`
is a density of tables that can be computed exactly, and `MMDGAN` learns to make rows
out of noise; `IndependentColumns` and `BootstrapRows` are what they are compared with.
`TableGenerator` makes any of them draw rows of a table that may be handed out. None of
these gives a privacy guarantee. `EmbeddingGenerator` learns from releases in the place
of rows, and keeps what they promise (`privacy`).
"""

import importlib
from typing import TYPE_CHECKING, Any

from .base import Generator
from .gaussian_mixture import GaussianMixture
from .kernel_density import KernelDensity

if TYPE_CHECKING:
    from .baselines import BootstrapRows, IndependentColumns
    from .embedding_generator import EmbeddingGenerator, EmbeddingGeneratorModel
    from .mmd_gan import MMDGAN, MMDGANModel
    from .product_mixture import ProductMixture, ProductMixtureModel
    from .table_model import TableModel
    from .table_rows import CoarseTableError, TableGenerator
else:  # a type checker would take any name for one of the package

    def __getattr__(name: str) -> Any:
        # Flax takes longer to import than the rest of the package together, and a
        # collaboration with given candidates needs no tables.
        folder = {
            "BootstrapRows": ".baselines",
            "CoarseTableError": ".table_rows",
            "EmbeddingGenerator": ".embedding_generator",
            "EmbeddingGeneratorModel": ".embedding_generator",
            "IndependentColumns": ".baselines",
            "MMDGAN": ".mmd_gan",
            "MMDGANModel": ".mmd_gan",
            "ProductMixture": ".product_mixture",
            "ProductMixtureModel": ".product_mixture",
            "TableGenerator": ".table_rows",
            "TableModel": ".table_model",
        }.get(name)
        if folder is not None:
            return getattr(importlib.import_module(folder, __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "MMDGAN",
    "BootstrapRows",
    "CoarseTableError",
    "EmbeddingGenerator",
    "EmbeddingGeneratorModel",
    "GaussianMixture",
    "Generator",
    "IndependentColumns",
    "KernelDensity",
    "MMDGANModel",
    "ProductMixture",
    "ProductMixtureModel",
    "TableGenerator",
    "TableModel",
]
__dir__ = __all__.copy
