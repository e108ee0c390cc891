"""Scorings as objects that JSON can hold, and back."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np

from cgm_jax.valuation import BetaShapley

from .base import Scoring

__all__ = ["describe_scoring", "rebuild_scoring"]


def describe_scoring(scoring: Scoring) -> dict[str, Any]:
    """Its class and its fields."""
    return _described(scoring)


def rebuild_scoring(facts: Mapping[str, Any]) -> Scoring | None:
    """The scoring that was described; None of a class that is not this package's."""
    try:
        return _rebuilt(facts)
    except _Unknown:
        return None


class _Unknown(Exception):
    """A class of somebody's own."""


def _described(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: getattr(value, each.name) for each in fields(value)}
        described = {name: _described(part) for name, part in parts.items()}
        return {"kind": type(value).__name__, **described}
    if isinstance(value, tuple | list | np.ndarray):
        return [_described(part) for part in value]
    value = value.item() if isinstance(value, np.generic) else value
    is_plain = isinstance(value, bool | int | float | str | None)
    return value if is_plain else {"kind": type(value).__name__}


def _rebuilt(value: Any) -> Any:
    if isinstance(value, Mapping):
        kind = _kind(value["kind"])
        parts = {name: _rebuilt(part) for name, part in value.items() if name != "kind"}
        return kind(**parts)
    return tuple(map(_rebuilt, value)) if isinstance(value, list) else value


def _kind(name: str) -> type:
    """One of this package's classes, by its name."""
    scoring = import_module("cgm_jax.scoring")
    if name == "BetaShapley":
        return BetaShapley
    if name not in scoring.__all__:
        raise _Unknown
    return getattr(scoring, name)
