"""One strict configuration for every test (the rest of it is in ``pyproject.toml``)."""

import jax
import pytest

# x[:, None] + y is written out, never left to broadcasting by accident.
jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_report_header() -> str:
    return f"jax {jax.__version__}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put every docstring example into the short run: one use of each function."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker("smoke")
