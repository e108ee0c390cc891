"""The program of the extension guide runs, and each part of it reaches the rewards."""

import re
from pathlib import Path

import pytest
from programs import ROOT, run_program

GUIDE = (ROOT / "EXTENDING.md").read_text("utf-8")


@pytest.mark.slow
def test_the_program_of_the_guide_runs(tmp_path: Path):
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 8
    lines = run_program("\n".join(blocks), tmp_path).splitlines()
    names = ["Cauchy kernel", "own rule", "deep kernel", "own generator"]
    for name in [*names, "rows of a table"]:
        (line,) = (line for line in lines if line.startswith(name))
        assert line.count("reached") == 2, line
    assert "p-value 0.001" in lines
