"""The devices that share the work of a command, in one process or several."""

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh
from typer import Option

from cgm_jax.files import UsageError, prepare_output_dir

from . import progress_bar, screen

Devices = Annotated[
    str | None, Option(help="Devices that share the work: a number, or all.")
]
Distributed = Annotated[
    bool,
    Option(
        "--distributed",
        help="This is one of several processes, with all of their devices; a launcher "
        "such as srun or mpirun started them, and the first writes the files.",
    ),
]


def mesh_of(devices: str | None, *, distributed: bool) -> Mesh | None:
    """The devices asked for, in a row; None if the usual one does all."""
    if distributed:
        _join()
        if devices not in (None, "all"):
            raise UsageError(
                f"--devices: expected all in several processes, got {devices}"
            )
        devices = "all"
    if devices is None:
        return None
    every = jax.devices()
    number = len(every) if devices == "all" else _number(devices)
    if not 1 <= number <= len(every):
        raise UsageError(
            f"--devices: expected all, or a number from 1 to {len(every)}, which JAX "
            f"finds here, got {devices}; JAX_NUM_CPU_DEVICES makes several of a CPU"
        )
    if number == 1:
        return None
    return jax.make_mesh((number,), ("devices",), devices=every[:number])


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _join() -> None:
    try:
        jax.distributed.initialize()
    except (RuntimeError, ValueError) as error:
        raise UsageError(
            "--distributed: expected to be started by a launcher that JAX knows, such "
            f"as srun or mpirun, but JAX said: {error}"
        ) from error
    if jax.process_index():
        screen.console.quiet = progress_bar.errors.quiet = True


def output_dir(
    path: Path, folders: Sequence[str] = (), *, overwrite: bool = False
) -> Path:
    """As `prepare_output_dir`; what other processes than the first write is dropped."""
    if jax.process_count() == 1:
        return prepare_output_dir(path, folders, overwrite=overwrite)
    refused = None
    if jax.process_index() == 0:
        try:
            prepare_output_dir(path, folders, overwrite=overwrite)
        except (UsageError, OSError) as error:
            refused = error
    else:
        path = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, path, ignore_errors=True)
    if multihost_utils.broadcast_one_to_all(np.int32(refused is not None)):
        raise refused or UsageError("the first process cannot write its folder")
    return path
