"""What stands for an image in the valuation, and what it shows (App. I.3-I.4).

`umap_features` reduces pixels to eight numbers; `ImageClassifier` supplies labels of
generated images, and features where the paper has Inception's pool3.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .supplied import read_features
from .umap import UmapFeatures, umap_features

if TYPE_CHECKING:
    from .image_classifier import ImageClassifier, ImageClassifierModel
else:  # a type checker would take any name for one of the package

    def __getattr__(name: str) -> Any:
        # Flax takes longer to import than the rest of the package together.
        if name in ("ImageClassifier", "ImageClassifierModel"):
            return getattr(importlib.import_module(".image_classifier", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ImageClassifier",
    "ImageClassifierModel",
    "UmapFeatures",
    "read_features",
    "umap_features",
]
__dir__ = __all__.copy
