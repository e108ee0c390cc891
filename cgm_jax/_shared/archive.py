"""Files of arrays and facts: an ``.npz`` archive with one JSON text, and no pickles.

A tree of arrays (the parameters of a network) goes into one by the paths of its leaves.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import jax
import numpy as np

from .checks import as_path
from .publishing import publish

__all__ = [
    "ArchiveError",
    "Arrays",
    "Mismatch",
    "archive_errors",
    "named_arrays",
    "read_archive",
    "with_arrays",
    "with_prefix",
    "write_archive",
]

Arrays = dict[str, np.ndarray]
# Raised by archives that were cut short or altered, or hold other things than numbers.
DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    EOFError,
    RuntimeError,  # zipfile, of entries that claim to be encrypted
    BadZipFile,
    zlib.error,
)
ZIP = b"PK\x03\x04"  # the first bytes of every archive
ADVICE = "save it again with this version"


class ArchiveError(ValueError):
    """A file is not the archive that it should be: what came, and what to do."""

    def __init__(self, path: str | Path, sentence: str):
        self.path, self.sentence = Path(path), sentence
        super().__init__(f"{path}: {sentence}")


class Mismatch(ValueError):
    """What an archive holds instead of what it should, to follow "found"."""


def write_archive(
    path: str | Path, kind: str, facts: Mapping[str, Any], arrays: Mapping[str, Any]
) -> None:
    """Write an archive, complete or not at all, in place of what is there."""
    text = json.dumps({"format": _format(kind), **facts})
    named: dict[str, Any] = {"facts": np.array(text), **arrays}
    publish(path, lambda file: np.savez_compressed(file, **named))


def read_archive(
    path: str | Path, kind: str, *, advice: str = ADVICE
) -> tuple[dict[str, Any], Arrays]:
    """Read the facts and arrays that `write_archive` wrote."""
    # Opened here: where the archive is damaged, NumPy leaves its file open.
    path = as_path(path)
    with archive_errors(path, kind, advice=advice), open(path, "rb") as file:
        if file.read(len(ZIP)) != ZIP:
            raise Mismatch("a file of another kind")
        file.seek(0)
        arrays = dict(np.load(file, allow_pickle=False))
        if "facts" not in arrays:
            raise Mismatch("arrays that something else saved")
        facts = json.loads(str(arrays.pop("facts")))
        if facts["format"] != _format(kind):
            raise Mismatch(f"one of the format {facts['format']!r}")
        return facts, arrays


@contextmanager
def archive_errors(
    path: str | Path, kind: str, *, advice: str = ADVICE
) -> Iterator[None]:
    """Turn what fails on damaged facts or arrays into one `ArchiveError`.

    The words of NumPy and of the parsers are left out: some advise to load the file
    unsafely.
    """
    try:
        yield
    except ArchiveError:
        raise
    except DAMAGE as error:
        found = str(error) if isinstance(error, Mismatch) else "a damaged one"
        raise ArchiveError(
            path,
            f"expected a saved {kind} of this version of cgm-jax, found "
            f"{found}; {advice}.",
        ) from error


def named_arrays(tree: Any) -> Arrays:
    """The leaves of a tree by their paths, on the host."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {_name(path): np.asarray(leaf) for path, leaf in leaves}


def with_arrays(template: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The tree whose leaves `named_arrays` gave, checked against a template."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    expected = {_name(path): leaf for path, leaf in leaves}
    if differing := sorted(set(expected) ^ set(arrays)):
        raise Mismatch(f"arrays of other names: {', '.join(differing[:3])}")
    for name, leaf in expected.items():
        array = arrays[name]
        if array.shape != leaf.shape or array.dtype != leaf.dtype:
            raise Mismatch(
                f"{name} of shape {array.shape} and dtype {array.dtype} where "
                f"{leaf.shape} and {leaf.dtype} belong"
            )
    return jax.tree.unflatten(structure, [arrays[name] for name in expected])


def with_prefix(arrays: Mapping[str, np.ndarray], prefix: str) -> Arrays:
    """The arrays whose names start with ``prefix``, by the rest of their names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _format(kind: str) -> str:
    return f"cgm-jax {kind} 1"


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
