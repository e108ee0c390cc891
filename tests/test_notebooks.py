"""Every notebook runs from top to bottom, and is kept small."""

from itertools import groupby
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# The kernel's own process, not the project, sets these off.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:(zmq|jupyter).*")


def test_there_are_notebooks():
    assert NOTEBOOKS


def num_outputs(cell) -> int:
    """How many outputs; what is printed slowly comes in several, kept as one."""
    kinds = [(output.output_type, output.get("name")) for output in cell.outputs]
    return sum(1 for _ in groupby(kinds))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("CGM_JAX_NOTEBOOK_SIZE", "0.005")  # where training takes long
    monkeypatch.delenv("CGM_JAX_DATA", raising=False)
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    kept = list(map(num_outputs, cells))
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    assert list(map(num_outputs, cells)) == kept, "run it and keep its outputs"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_small_and_has_its_outputs(path: Path):
    assert path.stat().st_size < 600_000
    notebook = nbformat.read(path, as_version=4)
    outputs = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not any(output.output_type == "error" for output in outputs)
