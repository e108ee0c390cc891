"""Publishing files: each appears complete or not at all, whenever the run is killed."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from cgm_jax._shared.publishing import create_beside, publish

from .input_errors import UsageError, access_error

__all__ = [
    "check_output_dir",
    "prepare_output_dir",
    "write_atomically",
    "write_text",
]


def check_output_dir(path: str | Path, *, overwrite: bool = False) -> None:
    """Refuse a folder that `prepare_output_dir` would refuse; nothing is created.

    Args:
        path: the output folder, which need not exist.
        overwrite: accept a folder that holds something.

    Raises:
        UsageError: if the folder holds something and ``overwrite`` is false, or if it
            is a link or not a folder.
        FileAccessError: if it cannot be looked into.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> check_output_dir(folder)
        >>> _ = (folder / "report.json").write_text("{}")
        >>> check_output_dir(folder, overwrite=True)
        >>> check_output_dir(folder)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        cgm_jax.files.input_errors.UsageError: ...: expected an empty folder, found ...
    """
    out = Path(path)
    try:
        _check_folder(out)
        if not overwrite and out.exists() and any(out.iterdir()):
            raise UsageError(
                f"{out}: expected an empty folder, found something in it; choose "
                "another --out, or replace what an older or unfinished run left with "
                "--overwrite"
            )
    except OSError as error:
        raise access_error(out, "read", error) from None


def prepare_output_dir(
    path: str | Path, folders: Sequence[str] = (), *, overwrite: bool = False
) -> Path:
    """Make sure, before any work, that results can be written to a folder later.

    Args:
        path: the output folder, which is created if it does not exist.
        folders: names of the folders in it that files will be written to later.
        overwrite: accept a folder that holds something; nothing but files of the same
            names will be replaced.

    Returns:
        The path of the folder.

    Raises:
        UsageError: if the folder holds something and ``overwrite`` is false, or if it
            or one of ``folders`` is a link or not a folder.
        FileAccessError: if it cannot be created or written to.

    Example:
        >>> import tempfile
        >>> out = Path(tempfile.mkdtemp())
        >>> prepare_output_dir(out, ["bank_a", "mediator"]) == out
        True
    """
    out = Path(path)
    try:
        for folder in (out, *(out / name for name in folders)):
            _check_folder(folder)
        check_output_dir(out, overwrite=overwrite)
        out.mkdir(parents=True, exist_ok=True)
        descriptor, probe = create_beside(out / "probe")
        os.close(descriptor)
        probe.unlink()
    except OSError as error:
        raise access_error(out, "written to", error) from None
    return out


def write_atomically(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    r"""Publish a file: at any moment it is absent, the complete old or the new one.

    Only a killed process leaves its temporary file behind, ``.cgm-jax-*.tmp``.

    Args:
        path: the file, in a folder that is created if needed; a link is replaced.
        write: is given the open temporary file and writes all of it.

    Raises:
        FileAccessError: if the system refuses, as when the disk is full. Then, as after
            any exception of ``write``, the old file is as it was.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "bank_a", "note.txt")
        >>> write_atomically(path, lambda file: file.write(b"hello\n"))
        >>> path.read_text(), len(list(path.parent.iterdir()))
        ('hello\n', 1)
    """
    path = Path(path)
    try:
        publish(path, write)
    except OSError as error:
        raise access_error(path, "written", error) from None


def write_text(path: str | Path, text: str) -> None:
    r"""Publish a text file in UTF-8, as `write_atomically` does.

    Args:
        path: the file.
        text: its contents; line ends are written as they are.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "note.txt")
        >>> write_text(path, "α = 1\n")
        >>> path.read_text("utf-8")
        'α = 1\n'
    """
    data = text.encode("utf-8")
    write_atomically(path, lambda file: file.write(data))


def _check_folder(folder: Path) -> None:
    # Through a link, results would land and replace files where nobody looks for them.
    if folder.is_symlink():
        found = "a link; give the folder it points to"
    elif folder.exists() and not folder.is_dir():
        found = "a file; choose another --out"
    else:
        return
    raise UsageError(f"{folder}: expected a folder, found {found}")
