"""CVXPY, imported in a quarter of the time.

Most of the time that it takes is that of `scipy.stats`, all of SciPy's distributions,
of which it uses one function, in an atom that no linear programme has.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

__all__ = ["import_cvxpy"]

_STATISTICS = "scipy.stats"


def import_cvxpy() -> ModuleType:
    """The module ``cvxpy``; `scipy.stats` is loaded when it is first used."""
    if "cvxpy" not in sys.modules and _STATISTICS not in sys.modules:
        stand_in = _StandIn(_STATISTICS)
        sys.modules[_STATISTICS] = stand_in
        try:
            return importlib.import_module("cvxpy")
        finally:
            if sys.modules.get(_STATISTICS) is stand_in:
                del sys.modules[_STATISTICS]
    return importlib.import_module("cvxpy")


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def function(*args: Any, **options: Any) -> Any:
            return getattr(_statistics(self), name)(*args, **options)

        return function


def _statistics(stand_in: ModuleType) -> ModuleType:
    if sys.modules.get(_STATISTICS) is stand_in:
        del sys.modules[_STATISTICS]
    return importlib.import_module(_STATISTICS)
