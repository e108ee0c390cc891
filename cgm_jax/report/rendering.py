"""Pages for people: one file each, without scripts or links to anything outside."""

from collections.abc import Mapping
from decimal import Decimal
from numbers import Integral
from typing import Any

__all__ = ["render_page"]

_STOP_WORDS = {
    "reached": "reached",
    "exhausted": "no candidates left",
    "stalled": "value stopped rising",
    "max_picks": "limit on points",
}


def render_page(template: str, **values: Any) -> str:
    """A template of the package, filled in; text is escaped, names must exist."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cgm_jax.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=_number, share=_share, signed_share=_signed_share, stop=_stop
    )
    return environment.get_template(template).render(**values) + "\n"


def _number(value: float | Integral | None) -> str:
    """Four significant digits, and no exponent unless the number is very small."""
    if value is None:
        return "–"
    if isinstance(value, Integral):
        return f"{int(value):,}"
    text = f"{value:#.4g}"
    return text if 0 < abs(value) < 1e-7 else f"{Decimal(text):,f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _signed_share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f} %".replace("-", "−")


def _stop(reward: Mapping[str, Any]) -> str:
    if reward["stop_reason"] == "reached" and not reward["num_points"]:
        return "own data suffice"
    return _STOP_WORDS[reward["stop_reason"]]
