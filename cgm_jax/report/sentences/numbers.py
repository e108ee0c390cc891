"""Numbers as people read them."""

from decimal import Decimal
from numbers import Integral

__all__ = ["number_words"]


def number_words(value: float | Integral | None) -> str:
    """Four significant digits, and no exponent unless the number is very small."""
    if value is None:
        return "–"
    if isinstance(value, Integral):
        return f"{int(value):,}"
    text = f"{value:#.4g}"
    return text if 0 < abs(value) < 1e-7 else f"{Decimal(text):,f}"
