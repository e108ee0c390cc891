"""SHA-256 of files and of arrays, in hexadecimal."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

__all__ = ["digest_of_arrays", "digest_of_file"]


def digest_of_file(file: str | Path | io.BufferedReader | io.BytesIO) -> str:
    """The digest of a file's bytes, as ``sha256sum`` prints it."""
    if isinstance(file, str | Path):
        with open(file, "rb") as opened:
            return digest_of_file(opened)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def digest_of_arrays(arrays: Mapping[str, np.ndarray], *, text: str = "") -> str:
    """The digest of a text and of arrays: names, dtypes, shapes, numbers; no order."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {np.shape(arrays[name])}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
