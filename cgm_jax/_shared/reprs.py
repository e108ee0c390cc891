"""Results in one line, however large their arrays are."""

from dataclasses import fields
from typing import Any

__all__ = ["short_repr"]


def short_repr(result: Any) -> str:
    """The fields of a dataclass: arrays by their shape, collections by their length."""
    facts = (f"{f.name}={_short(getattr(result, f.name))}" for f in fields(result))
    return f"{type(result).__name__}({', '.join(facts)})"


def _short(value: Any) -> str:
    if hasattr(value, "shape") and value.shape:
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict | list | tuple) and not hasattr(value, "_fields"):
        return f"<{len(value)}>"
    return repr(value)
