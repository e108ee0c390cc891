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
    """``cgm_jax.gram.gram_sums`` for cgm_jax/kernels/gram.py."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


FILES = sorted(ROOT.rglob("*.py"))
MODULES = [module_name(path) for path in FILES]
PACKAGES = [module_name(path) for path in FILES if path.name == "__init__.py"]

# The house: a folder imports only from those before it.
LAYERS = [
    "_shared",
    "_version",
    "kernels",
    "embeddings",
    "gram",
    "valuation",
    "privacy",
    "two_sample",
    "evidence",
    "scoring",
    "learning",
    "rewards",
    "sampling",
    "tables",
    "metrics",
    "generators",
    "datasets",
    "features",
    "planning",
    "collaboration",
    "audit",
    "evaluation",
    "files",
    "experiments",
    "plots",
    "report",
    "mediation",
    "cli",
]
# All up to data sets but one, which reads Arrow's columns.
NUMERICAL = [name for name in LAYERS[: LAYERS.index("datasets")] if name != "tables"]
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


def folder_of(name: str) -> str:
    """``kernels`` for cgm_jax.kernels.gram; `` `` for anything else."""
    return name.split(".")[1] if name.startswith("cgm_jax.") else ""


@pytest.mark.medium
def test_folders_are_one_ordered_list():
    wrong = [
        f"{module_name(path)} imports {name}"
        for path in FILES
        if (folder := folder_of(module_name(path))) in LAYERS
        for name in imported_names(path)
        if name.split(".")[0] == "cgm_jax"
        and folder_of(name) not in LAYERS[: LAYERS.index(folder) + 1]
    ]
    assert not wrong, wrong
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == {
        *LAYERS[:1],
        *LAYERS[2:],
        "_version.py",
        "__init__.py",
        "__main__.py",
    }


@pytest.mark.medium
def test_numerical_folders_know_no_files_and_no_pictures():
    for path in FILES:
        if folder_of(module_name(path)) in NUMERICAL:
            imported = {name.split(".")[0] for name in imported_names(path)}
            if path.name == "results.py":  # `to_frame`, where it is installed
                imported -= {"pandas"}
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


@pytest.mark.medium
def test_the_trap_catches_a_device():
    code = "import jax.numpy as jnp; jnp.zeros(3)"
    with pytest.raises(AssertionError, match="no_such_platform"):
        run_python(code)


@pytest.mark.medium
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


@pytest.mark.medium
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


def test_public_names_exist_and_are_documented():
    for name in MODULES:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", ()):
            thing = getattr(module, public)
            if inspect.isclass(thing) or is_function(thing):
                assert inspect.getdoc(thing), f"{name}.{public} has no docstring"


def test_functions_of_the_public_interface_have_an_example():
    for name in (name for name in PACKAGES if name.count(".") <= 1):
        package = importlib.import_module(name)
        for public in package.__all__:
            thing = getattr(package, public)
            if is_function(thing):
                assert ">>> " in (thing.__doc__ or ""), f"{name}.{public}: no example"
