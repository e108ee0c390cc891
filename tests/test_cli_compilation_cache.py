"""Compiled programs that the command line keeps from one command to the next."""

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

SCRIPT = (
    "import sys, jax, jax.numpy as jnp\n"
    "from cgm_jax.cli import main\n"
    "try: main(sys.argv[1:])\n"
    "except SystemExit as stopped: code = stopped.code\n"
    "jax.jit(lambda x: x + 1)(jnp.ones(3)).block_until_ready()\n"
    "sys.exit(code)"
)


def run(folder: Path, *words: str, **variables: str) -> str:
    """A command in a fresh process, then the compilation of a small program."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in (VARIABLE, "JAX_COMPILATION_CACHE_DIR")
    }
    environment |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder), **variables}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def example(folder: Path) -> list[str]:
    return ["example", "digits", str(folder / "example")]


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is Linux's")
def test_programs_are_kept_in_the_users_cache_folder(tmp_path: Path):
    run(tmp_path, *example(tmp_path))
    (kept,) = (tmp_path / "cgm-jax").iterdir()
    assert kept.name.endswith(f"-jax-{jax.__version__}")
    assert any(kept.iterdir())


def test_a_variable_and_an_option_turn_it_off(tmp_path: Path):
    run(tmp_path, *example(tmp_path / "a"), **{VARIABLE: "off"})
    run(tmp_path, "--no-compilation-cache", *example(tmp_path / "b"))
    assert not (tmp_path / "cgm-jax").exists()


def test_the_variable_names_another_folder(tmp_path: Path):
    run(tmp_path, *example(tmp_path), **{VARIABLE: str(tmp_path / "other")})
    assert any((tmp_path / "other").iterdir())
    assert not (tmp_path / "cgm-jax").exists()


def test_the_users_own_folder_of_jax_is_respected(tmp_path: Path):
    own = str(tmp_path / "own")
    run(
        tmp_path,
        *example(tmp_path),
        JAX_COMPILATION_CACHE_DIR=own,
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )
    assert any(Path(own).iterdir())
    assert not (tmp_path / "cgm-jax").exists()


def test_without_a_writable_folder_the_work_goes_on(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    run(tmp_path, *example(tmp_path), **{VARIABLE: str(tmp_path / "file")})


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
