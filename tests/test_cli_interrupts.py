"""Ctrl-C at any moment of a command: one line, and code 130."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from small_runs import one_line_error

from cgm_jax.cli import interrupts
from cgm_jax.cli.app import new_app, run_app

# Interrupts itself at the import of a module, as if Ctrl-C were pressed there.
PROGRAM = """
import importlib.abc, os, signal, sys

class Pressed(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
from cgm_jax.cli import main
sys.meta_path.insert(0, Pressed())
main(["--help"])
"""


@pytest.mark.parametrize("module", ["numpy", "jax", "cgm_jax.kernels", "typer"])
@pytest.mark.medium
def test_while_modules_are_imported(module: str):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


@pytest.fixture
def default_handler():
    """As on a terminal, whatever the tests were started from."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Dropping:
    """An object whose destruction is interrupted: Python drops the exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def test_one_that_a_callback_drops_is_raised_again(
    default_handler, monkeypatch, capsys
):
    monkeypatch.setattr(interrupts, "PATIENCE", 0.05)
    app, waiting = new_app("one", "One command."), threading.Event()

    @app.command()
    def command() -> None:
        Dropping()
        while not waiting.wait(0.01):
            pass

    with pytest.raises(SystemExit) as stopped, interrupts.heard_interrupts() as ready:
        ready()
        run_app(app, [])
    assert stopped.value.code == 130
    assert "run again with --overwrite" in one_line_error(capsys)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_one_that_is_ignored_stays_ignored(default_handler):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts.heard_interrupts() as ready:
        ready()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
