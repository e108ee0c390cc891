"""One file that appears complete or not at all, whenever the process is killed."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .checks import as_path

__all__ = ["create_beside", "publish", "sync_folder"]


def publish(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Publish a file: at any moment it is absent, the complete old or the new one.

    It is written under a temporary name, forced to disk and renamed. Only a killed
    process leaves that file behind, ``.cgm-jax-*.tmp``.
    """
    path = as_path(path)
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
        sync_folder(path.parent.parent)
    descriptor, temporary = create_beside(path)
    try:
        with open(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C, too
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def create_beside(path: Path) -> tuple[int, Path]:
    """A new file in the folder of ``path``, open for writing."""
    temporary = path.with_name(f".cgm-jax-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(temporary, flags, 0o666), temporary


def sync_folder(folder: Path) -> None:
    """Force a folder's names to disk."""
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened, and a rename is on disk at once
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
