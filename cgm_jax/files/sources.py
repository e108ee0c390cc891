"""From paths on a command line to party names and the bytes of regular files.

A party's name is that of its file without the extension, and later that of its folder.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .input_errors import InputError, UsageError, access_error

FileKind = Literal["csv", "parquet", "npy"]

RESERVED_NAMES = {"mediator"}  # the mediator's own folder, beside the parties'

_KINDS: dict[str, FileKind] = {".csv": "csv", ".parquet": "parquet", ".npy": "npy"}
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)

# What the first bytes of a file say it is; text has none.
_SIGNATURES = {
    b"PAR1": "parquet",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",  # NPZ and Excel among them
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0": "old Excel",
    b"\x89HDF": "HDF5",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Source:
    """A party's name, the path of its file, and the kind its extension claims."""

    name: str
    path: Path
    kind: FileKind


def check_sources(paths: Sequence[str | Path], *, least: int = 2) -> tuple[Source, ...]:
    """Check everything that can be known before any file is read.

    The parties are sorted by their names: the order of the paths changes nothing.
    """
    if len(paths) < least:
        raise UsageError(
            f"expected the files of at least two parties, found {len(paths)}; give one "
            "file per party"
        )
    for path in paths:
        if _ADDRESS.match(str(path)):
            raise UsageError(
                f"{path}: expected a file on this machine, found an address; nothing "
                "is fetched: download the file and give its path"
            )
    sources: list[Source] = []
    first_of_file: dict[tuple[int, int], Path] = {}
    first_of_name: dict[str, Path] = {}
    for path in map(Path, paths):
        try:
            status = path.stat()
        except OSError as error:
            raise access_error(path, "opened", error) from None
        _check_regular(path, status)
        file_id = (status.st_dev, status.st_ino)
        if file_id in first_of_file:
            raise UsageError(
                f"{path}: expected one file per party, found the same file as "
                f"{first_of_file[file_id]}; give each file once"
            )
        first_of_file[file_id] = path
        source = _check_name(path)
        name = _folded(source)
        if name in first_of_name:
            raise InputError(
                "expected party names that differ, found that of "
                f"{first_of_name[name]} again; rename one of the files",
                file=path,
            )
        first_of_name[name] = path
        sources.append(source)
    return tuple(sorted(sources, key=_folded))


def read_bytes(source: Source) -> bytes:
    """Read a party's file, once: what is parsed is what the digest is of."""
    path = source.path
    try:
        # Not blocking: opening a FIFO would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _check_regular(path, status)
            data = file.read(status.st_size + 1)  # never more, whatever it is
    except OSError as error:
        raise access_error(path, "read", error) from None
    if len(data) != status.st_size:
        raise InputError(
            "expected a finished file, found one that changes while it is read; wait "
            "until it is written and try again",
            file=path,
        )
    _check_kind(source, data)
    return data


def _folded(source: Source) -> str:
    """Some file systems take names that differ in case or accents for one folder."""
    return unicodedata.normalize("NFC", source.name).casefold()


def _check_name(path: Path) -> Source:
    name, kind = path.stem, _KINDS.get(path.suffix.lower())
    if kind is None:
        problem = (
            "expected a name that ends in .csv, .parquet or .npy; save the table as "
            "one of these"
        )
    elif name.startswith(".") or "\\" in name or not name.isprintable():
        problem = (
            "expected a file name that can name the party's folder (printable, no "
            "leading dot, no backslash); rename the file"
        )
    elif name.casefold() in RESERVED_NAMES:
        problem = (
            f"expected a party name other than {name}, which is the mediator's folder; "
            "rename the file"
        )
    else:
        return Source(name, path, kind)
    raise InputError(problem, file=path)


def _check_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    found = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, device or socket"
    raise InputError(
        f"expected a file, found {found}; give the party's file itself", file=path
    )


def _check_kind(source: Source, data: bytes) -> None:
    signatures = (kind for start, kind in _SIGNATURES.items() if data.startswith(start))
    found = next(signatures, "csv")
    if not data:
        problem = "expected a table, found an empty file; copy or save it again"
    elif data.startswith(_UTF16):
        problem = "expected UTF-8 text, found UTF-16; save the table as CSV in UTF-8"
    elif found == source.kind:
        return
    else:
        what = "text" if found == "csv" else f"a {found} file"
        advice = (
            "give it the extension of what it is, or save it again"
            if found in _KINDS.values()
            else "unpack it or save its table as CSV, Parquet or NPY"
        )
        problem = (
            f"expected a {source.kind} file as its name says, found {what}; {advice}"
        )
    raise InputError(problem, file=source.path)
