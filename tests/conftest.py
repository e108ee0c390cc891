"""One strict configuration for every test (the rest of it is in ``pyproject.toml``)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import pytest

if TYPE_CHECKING:
    from small_runs import SmallRun

# Commands that tests call keep no programs in the user's cache folder.
os.environ.setdefault("CGM_JAX_COMPILATION_CACHE", "off")

# x[:, None] + y is written out, never left to broadcasting by accident.
jax.config.update("jax_numpy_rank_promotion", "raise")


# Compiled programs are pieces of memory that Linux counts, by default up to 65,530.
MOST_PIECES = 25_000


@pytest.fixture(scope="module", autouse=True)
def few_programs() -> Iterator[None]:
    """Forget compiled programs where so many have come together that memory ends."""
    yield
    pieces = Path("/proc/self/maps")
    if pieces.exists() and pieces.read_bytes().count(b"\n") > MOST_PIECES:
        jax.clear_caches()


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> "SmallRun":
    """One run of the command on three files; not to be changed."""
    # Where types are checked, that starts after this file and before the package.
    from small_runs import run_small_files

    return run_small_files(tmp_path_factory.mktemp("small_run"))


@pytest.fixture
def by_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of few points by tiles, as those of many points in many dimensions are."""
    monkeypatch.setattr("cgm_jax.gram.few_dimensions.FEW", 0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long and some tests don't see: see ``small_runs.make_quick``."""
    from small_runs import make_quick

    make_quick(monkeypatch)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``quick``; pictures are counted, but their figures are not even made."""
    from small_runs import make_no_figures

    make_no_figures(monkeypatch)


@pytest.fixture(scope="module")
def quickly_judged() -> Iterator[None]:
    """An MMD-GAN is evaluated, calibrated and judged by hundreds of points.

    By thousands, as by default, that takes longer than a short training.
    """
    from cgm_jax.generators.mmd_gan import calibration, loop

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "NUM_EVALUATED", 300)
        patch.setattr(loop, "NUM_JUDGED", 300)
        patch.setattr(calibration, "NUM_LANDMARKS", 32)
        yield


def pytest_report_header() -> str:
    return f"jax {jax.__version__}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put every docstring example into the short run: one use of each function."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker("smoke")
