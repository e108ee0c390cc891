"""Collaborative generative modelling with fair synthetic data rewards, in JAX.

Several parties pool data; each is paid with synthetic data in proportion to what its
own data added (Tay, Xu, Foo, Low, AAAI 2022). `collaborate` goes the whole way in one
call, `promise` and `Promises.draw` in two; the folders hold the steps.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import (
        audit,
        datasets,
        embeddings,
        evidence,
        features,
        generators,
        gram,
        kernels,
        learning,
        metrics,
        planning,
        privacy,
        rewards,
        sampling,
        scoring,
        tables,
        two_sample,
        valuation,
    )
    from .collaboration import (
        Collaboration,
        Draw,
        Growing,
        Promises,
        collaborate,
        promise,
    )
    from .planning import Plan, plan

__all__ = [
    "Collaboration",
    "Draw",
    "Growing",
    "Plan",
    "Promises",
    "__version__",
    "audit",
    "collaborate",
    "datasets",
    "embeddings",
    "evidence",
    "features",
    "generators",
    "gram",
    "kernels",
    "learning",
    "metrics",
    "plan",
    "planning",
    "privacy",
    "promise",
    "rewards",
    "sampling",
    "scoring",
    "tables",
    "two_sample",
    "valuation",
]
__dir__ = __all__.copy

# The folder that each name is from, other than the folders themselves.
_FOLDERS = {
    **dict.fromkeys(
        ("Collaboration", "Draw", "Growing", "Promises", "collaborate", "promise"),
        "collaboration",
    ),
    **dict.fromkeys(("Plan", "plan"), "planning"),
}


def __getattr__(name: str) -> Any:
    """A folder or a name of one, imported when it is first asked for.

    Nothing is imported before: commands answer Ctrl-C from their first moment.
    """
    if name not in __all__:
        raise AttributeError(f"module 'cgm_jax' has no attribute {name!r}")
    folder = import_module(f".{_FOLDERS.get(name, name)}", __name__)
    value = getattr(folder, name) if name in _FOLDERS else folder
    globals()[name] = value
    return value
