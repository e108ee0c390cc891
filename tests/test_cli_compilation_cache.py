"""Compiled programs that the command line keeps from one command to the next."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from small_runs import cgm_jax

from cgm_jax import __version__
from cgm_jax.cli import compilation_cache
from cgm_jax.cli.compilation_cache import VARIABLE, cache_folder

# A command and then the compilation of a small program, in a fork for every case: what
# takes long is to import.
SCRIPT = """
import json, os, sys
import jax, jax.numpy as jnp
from cgm_jax.cli import app, main  # app: once for all cases

def run(words, variables):
    os.environ.update(variables)
    try:
        main([*words, "example", "--help"])
    except SystemExit as stopped:
        assert not stopped.code
    assert jax.jit(lambda x: x + 1)(jnp.ones(3))[0] == 2

for case in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        code = 1
        try:
            run(*case)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0, case
"""


def run(*cases: tuple[list[str], dict[str, object]], **variables: str) -> None:
    """Commands with options and variables of the environment, and some of all."""
    own = {
        name: value
        for name, value in os.environ.items()
        if name not in (VARIABLE, "JAX_COMPILATION_CACHE_DIR")
    }
    words = json.dumps(cases, default=str)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, words],
        env=own | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The users' folders after a command each."""
    names = "nothing", "off", "option", "other", "unwritable"
    homes = {name: tmp_path_factory.mktemp(name) for name in names}
    (homes["unwritable"] / "file").write_text("not a folder")
    variables = {name: {"HOME": x, "XDG_CACHE_HOME": x} for name, x in homes.items()}
    variables["off"][VARIABLE] = "off"
    variables["other"][VARIABLE] = homes["other"] / "other"
    variables["unwritable"][VARIABLE] = homes["unwritable"] / "file"
    options = {"option": ["--no-compilation-cache"]}
    run(*((options.get(name, []), variables[name]) for name in names))
    return homes


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is Linux's")
@pytest.mark.medium
def test_programs_are_kept_in_the_users_cache_folder(homes: dict[str, Path]):
    (kept,) = (homes["nothing"] / "cgm-jax").iterdir()
    assert kept.name.endswith(f"-jax-{jax.__version__}")
    assert any(kept.iterdir())


@pytest.mark.parametrize("name", ["off", "option"])
@pytest.mark.medium
def test_a_variable_and_an_option_turn_it_off(homes: dict[str, Path], name: str):
    assert not list(homes[name].iterdir())


@pytest.mark.medium
def test_the_variable_names_another_folder(homes: dict[str, Path]):
    (kept,) = (homes["other"] / "other").iterdir()
    assert any(kept.iterdir())
    assert not (homes["other"] / "cgm-jax").exists()


@pytest.mark.medium
def test_without_a_writable_folder_the_work_goes_on(homes: dict[str, Path]):
    assert [path.name for path in homes["unwritable"].iterdir()] == ["file"]


@pytest.mark.medium
def test_the_users_own_folder_of_jax_is_respected(tmp_path: Path):
    own = tmp_path / "own"
    variables = {"HOME": tmp_path, "XDG_CACHE_HOME": tmp_path}
    run(
        ([], variables),
        JAX_COMPILATION_CACHE_DIR=str(own),  # which JAX reads when it is imported
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )
    assert any(own.iterdir())
    assert not (tmp_path / "cgm-jax").exists()


def test_the_version_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "other"))
    assert cgm_jax("--version") == 0
    words = capsys.readouterr().out
    assert f"cgm-jax {__version__}" in words
    assert str(tmp_path / "other") in words
    monkeypatch.setenv(VARIABLE, "off")
    assert cgm_jax("--version") == 0
    assert "not kept" in capsys.readouterr().out


def test_every_system_has_its_cache_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    for system, part in (
        ("linux", ".cache"),
        ("darwin", "Caches"),
        ("win32", "local"),
    ):
        monkeypatch.setattr(compilation_cache.sys, "platform", system)
        folder = cache_folder()
        assert folder is not None and part in folder.parts
