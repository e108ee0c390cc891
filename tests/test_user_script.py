"""The program that strict type checkers read: it runs, and it leaves out no name."""

import ast
import runpy
from pathlib import Path
from types import ModuleType

import pytest

import cgm_jax

SCRIPT = Path(__file__).with_name("user_script.py")


@pytest.mark.slow
def test_the_script_runs():
    runpy.run_path(str(SCRIPT), run_name="__main__")


@pytest.mark.smoke
def test_the_script_uses_every_public_name():
    nodes = list(ast.walk(ast.parse(SCRIPT.read_text("utf-8"))))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used |= {node.id for node in nodes if isinstance(node, ast.Name)}
    public = {name: getattr(cgm_jax, name) for name in cgm_jax.__all__}
    folders = [thing for thing in public.values() if isinstance(thing, ModuleType)]
    assert len(folders) == 17
    missing = [
        f"{folder.__name__}.{name}"
        for folder in [cgm_jax, *folders]
        for name in folder.__all__
        if name not in used
    ]
    assert not missing, missing
