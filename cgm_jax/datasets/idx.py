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

from cgm_jax._shared.checks import as_path

from .data_errors import DamagedDataError

__all__ = ["read_idx"]

_UNSIGNED_BYTE = 8
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: str | Path) -> UInt8[np.ndarray, "..."]:
    """Read images or labels from an idx file, as it is or compressed by gzip.

    Args:
        path: the file; whether it is compressed is seen in its first bytes.

    Returns:
        In 0..255, shape ``(n,)`` for labels and ``(n, height, width)`` for images.

    Raises:
        DamagedDataError: if the file is not idx, or not as long as its header says.
        OSError: if the file cannot be read.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "labels-idx1-ubyte")
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        >>> read_idx(path)
        array([7, 2, 1], dtype=uint8)
    """
    path = as_path(path)
    try:
        return _parsed(_content(path))
    except ValueError as error:
        raise DamagedDataError(path, f"{error}; get the file again") from error


def _parsed(content: bytes) -> UInt8[np.ndarray, "..."]:
    if len(content) < 4 or content[:2] != b"\0\0" or content[3] == 0:
        raise ValueError(
            "expected an idx file, whose first two bytes are 0 and whose fourth counts "
            f"dimensions; found {content[:4].hex(' ') or 'an empty file'}"
        )
    if content[2] != _UNSIGNED_BYTE:
        raise ValueError(
            "expected entries of type 0x08 (unsigned byte), as images and labels have; "
            f"found type 0x{content[2]:02x}"
        )
    num_dimensions = content[3]
    start = 4 + 4 * num_dimensions
    if len(content) < start:
        raise ValueError(
            f"expected a header of {start} bytes for {num_dimensions} dimensions, "
            f"found {len(content)} bytes"
        )
    # Python integers: a damaged header may announce more bytes than int64 counts.
    shape = [int(n) for n in np.frombuffer(content[4:start], ">u4")]
    expected, found = math.prod(shape), len(content) - start
    if found != expected:
        raise ValueError(
            f"expected {expected} bytes of data ({' x '.join(map(str, shape))}), as "
            f"the header says; found {found}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"expected a whole gzip file, found one that does not unpack ({error})"
        ) from error
