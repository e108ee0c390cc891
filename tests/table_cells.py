"""Columns of tables for tests: plain lists, None where a cell is missing."""

import numpy as np

from cgm_jax.tables import Cells

_FILLED = {"number": np.nan, "whole": 0, "time": 0, "truth": False, "text": ""}
_DTYPES = {"number": float, "whole": int, "time": int, "truth": bool, "text": object}


def cells(form, values):
    is_missing = np.array([value is None for value in values], bool)
    filled = [_FILLED[form] if value is None else value for value in values]
    return Cells(form, np.array(filled, _DTYPES[form]), is_missing)
