"""The package as a whole: import direction, import cost, and documented names."""

import ast
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cgm_jax

pytestmark = pytest.mark.smoke

ROOT = Path(cgm_jax.__file__).parent


def module_name(path: Path) -> str:
    """``cgm_jax.kernels.gram`` for cgm_jax/kernels/gram.py."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def part_of(path: Path) -> str:
    """``kernels`` for cgm_jax/kernels/gram.py, ``cautions`` for cgm_jax/cautions.py."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def is_shared(part: str) -> bool:
    return part.startswith("_") and part != "__init__"


FILES = sorted(ROOT.rglob("*.py"))
MODULES = [module_name(path) for path in FILES]
PACKAGES = [module_name(path) for path in FILES if path.name == "__init__.py"]

# What each part of the package (a folder or a file directly in cgm_jax) may import. A
# file such as cgm_jax/_arrays.py is shared by all parts and may import none of them.
NUMERICAL = {"kernels", "valuation", "rewards", "sampling", "generators", "metrics"}
LIBRARY = NUMERICAL | {
    "datasets",
    "features",
    "collaboration",
    "evaluation",
    "privacy",
    "uncertainty",
    "experiments",
    "scrutiny",
    "pages",
    "__init__",
}
ALLOWED = {
    "kernels": set(),
    "valuation": {"kernels"},
    "rewards": {"kernels", "valuation", "sampling"},
    "sampling": {"kernels", "valuation"},
    "generators": {"kernels", "valuation"},
    "metrics": {"kernels", "valuation"},
    "datasets": {"generators"},
    "features": {"generators"},
    "cautions": {"kernels", "rewards", "sampling"},
    "uncertainty": {"kernels", "valuation", "rewards"},
    "collaboration": (NUMERICAL - {"metrics"}) | {"cautions", "uncertainty"},
    "evaluation": {"collaboration", "metrics"},
    "experiments": LIBRARY,
    "pages": set(),
    "privacy": {"collaboration", "generators", "metrics", "pages"},
    "scrutiny": {"collaboration", "metrics", "rewards"},
    "reaudit": {"files", "kernels", "rewards"},
    "files": LIBRARY,
    "plots": LIBRARY,
    "report": LIBRARY | {"plots"},
    "candidates": LIBRARY | {"files"},
    "mediation": LIBRARY | {"files", "report", "candidates"},
    "console": LIBRARY
    | {
        "mediation",
        "candidates",
        "experiment_tables",
        "kernel_tables",
        "power_tables",
    },
    "experiment_tables": LIBRARY,
    "kernel_tables": LIBRARY | {"experiment_tables"},
    "power_tables": LIBRARY | {"experiment_tables"},
    "reproduction": LIBRARY | {"plots", "files", "report"},
    "cli": LIBRARY
    | {
        "plots",
        "files",
        "report",
        "candidates",
        "mediation",
        "reproduction",
        "reaudit",
        "console",
    },
    "__main__": {"cli"},
    "__init__": LIBRARY,
}
FOR_PEOPLE = {"jinja2", "matplotlib", "pandas", "pyarrow", "rich", "typer"}
HEAVY = FOR_PEOPLE | {"cvxpy", "flax", "optax", "orbax", "sklearn", "umap"}


def imported_names(path: Path) -> Iterator[str]:
    """Absolute names of everything a file imports, wherever in the file."""
    package = ["cgm_jax", *path.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imported_parts(path: Path) -> set[str]:
    """Parts of the package that a file imports; ``__init__`` for cgm_jax itself."""
    parts = set()
    for name in imported_names(path):
        head, *rest = name.split(".")
        if head == "cgm_jax":
            is_part = rest and rest[0] in ALLOWED | dict.fromkeys(map(part_of, FILES))
            parts.add(rest[0] if is_part else "__init__")
    return parts


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_go_one_way(path: Path):
    part = part_of(path)
    assert part in ALLOWED or is_shared(part), f"say in ALLOWED what {part} may import"
    imported = {name for name in imported_parts(path) if not is_shared(name)}
    forbidden = imported - {part} - ALLOWED.get(part, set())
    assert not forbidden, f"{part} must not import {sorted(forbidden)}"


@pytest.mark.parametrize("part", sorted(NUMERICAL))
def test_numerical_parts_know_no_files_and_no_pictures(part: str):
    for path in FILES:
        if part_of(path) == part:
            imported = {name.split(".")[0] for name in imported_names(path)}
            assert not imported & FOR_PEOPLE, path


def run_python(code: str) -> list[str]:
    """Run a program in a fresh interpreter where touching any device is an error."""
    trap = {**os.environ, "JAX_PLATFORMS": "no_such_platform"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=trap,
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_trap_catches_a_device():
    code = "import jax.numpy as jnp; jnp.zeros(3)"
    with pytest.raises(AssertionError, match="no_such_platform"):
        run_python(code)


def test_importing_the_package_is_cheap_and_changes_no_setting():
    added = run_python(
        "import sys, jax\n"
        "modules, settings = set(sys.modules), dict(jax.config.values)\n"
        "import cgm_jax\n"
        "assert dict(jax.config.values) == settings\n"
        "print(*(set(sys.modules) - modules))"
    )
    assert "cgm_jax" in added
    assert not {name.split(".")[0] for name in added} & HEAVY


def test_importing_every_module_touches_no_device_and_changes_no_setting():
    run_python(
        "import importlib, jax\n"
        "settings = dict(jax.config.values)\n"
        f"for name in {MODULES!r}:\n"
        "    importlib.import_module(name)\n"
        "assert dict(jax.config.values) == settings"
    )


def is_function(thing: object) -> bool:
    return inspect.isroutine(inspect.unwrap(thing))  # unwrap: what jit returns


@pytest.mark.parametrize("name", MODULES)
def test_public_names_exist_and_are_documented(name: str):
    module = importlib.import_module(name)
    for public in module.__all__:
        thing = getattr(module, public)
        if inspect.isclass(thing) or is_function(thing):
            assert inspect.getdoc(thing), f"{name}.{public} has no docstring"


@pytest.mark.parametrize("name", PACKAGES)
def test_functions_of_the_public_interface_have_an_example(name: str):
    package = importlib.import_module(name)
    for public in package.__all__:
        thing = getattr(package, public)
        if is_function(thing):
            assert ">>> " in (thing.__doc__ or ""), f"{name}.{public} has no example"
