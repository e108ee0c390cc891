"""The idx format, in which MNIST and Fashion-MNIST are published.

A header of big-endian numbers, then the entries in C order, one byte each:

    bytes 0-1   zero
    byte  2     type of the entries; 8 is unsigned byte
    byte  3     number of dimensions: 1 for labels, 3 for images
    4 bytes     length of each dimension

Reference: Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from .data_errors import DamagedDataError

__all__ = ["read_idx"]

_UNSIGNED_BYTE = 8
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | Path) -> UInt8[np.ndarray, "..."]:
    """Read images or labels from an idx file, as it is or compressed by gzip.

    Args:
        path: the file; whether it is compressed is seen in its first bytes.

    Returns:
        Whole numbers in 0..255, of shape ``(n,)`` for labels and ``(n, height, width)``
        for images.

    Raises:
        DamagedDataError: if the file is not idx or is shorter or longer than its own
            header says; it is a ``ValueError``.
        OSError: if the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "labels-idx1-ubyte")
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        >>> read_idx(path)
        array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    content = _content(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[3] == 0:
        raise DamagedDataError(
            path,
            "expected an idx file, whose first two bytes are 0 and whose fourth counts "
            f"dimensions; found {_shown(content[:4])}; get the file again",
        )
    if content[2] != _UNSIGNED_BYTE:
        raise DamagedDataError(
            path,
            "expected entries of type 0x08 (unsigned byte), as images and labels have; "
            f"found type 0x{content[2]:02x}; get the file again",
        )
    num_dimensions = content[3]
    start = 4 + 4 * num_dimensions
    if len(content) < start:
        raise DamagedDataError(
            path,
            f"expected a header of {start} bytes for {num_dimensions} dimensions, "
            f"found {len(content)} bytes; get the file again",
        )
    # Python integers: a damaged header may announce more bytes than int64 counts.
    shape = [int(n) for n in np.frombuffer(content[4:start], ">u4")]
    expected, found = math.prod(shape), len(content) - start
    if found != expected:
        sizes = " x ".join(map(str, shape))
        raise DamagedDataError(
            path,
            f"expected {expected} bytes of data ({sizes}), as the header says; found "
            f"{found}; get the file again",
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedDataError(
            path,
            f"expected a whole gzip file, found one that does not unpack ({error}); "
            "get the file again",
        ) from error


def _shown(head: bytes) -> str:
    return head.hex(" ") if head else "an empty file"
