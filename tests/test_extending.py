"""The program of the extension guide runs, and each part of it reaches the rewards."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "EXTENDING.md").read_text("utf-8")


@pytest.mark.slow
def test_the_program_of_the_guide_runs(tmp_path: Path):
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) == 6
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name in ("Cauchy kernel", "deep kernel", "own generator"):
        (line,) = (line for line in lines if line.startswith(name))
        assert line.count("reached") == 2, line
    assert "p-value 0.001" in lines
