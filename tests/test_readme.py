"""The README's program runs as it is printed, and its commands exist."""

import importlib
import re
from pathlib import Path

import pytest
from programs import ROOT, run_program

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.smoke
def test_the_python_program_runs(tmp_path: Path):
    programs = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(programs) == 1
    assert run_program(programs[0], tmp_path).count("reached") == 3


def test_names_in_the_paper_table_exist():
    import cgm_jax

    table = README.split("## The paper, in code")[1].split("\n## ")[0]
    names = set(re.findall(r"`(\w+\.\w+)", table))
    assert len(names) > 10
    for name in names:
        folder, attribute = name.split(".")
        if (ROOT / "cgm_jax" / folder).exists():  # otherwise a class
            importlib.import_module(f"cgm_jax.{folder}")
        assert hasattr(getattr(cgm_jax, folder), attribute), name


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "test", "benchmark"):
        assert f"make {target}" in README
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
