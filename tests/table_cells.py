"""Columns of tables for tests: plain lists, None where a cell is missing."""

from types import SimpleNamespace

import numpy as np

_FILLED = {"number": 0.0, "whole": 0, "time": 0, "truth": False, "text": ""}
_DTYPES = {"number": float, "whole": int, "time": int, "truth": bool, "text": object}


def cells(form, values):
    is_missing = np.array([value is None for value in values])
    filled = [_FILLED[form] if value is None else value for value in values]
    values = np.array(filled, _DTYPES[form])
    return SimpleNamespace(form=form, values=values, is_missing=is_missing)
