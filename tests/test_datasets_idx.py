"""The idx reader: true files as they are, damaged ones named with what was found."""

import gzip

import numpy as np
import pytest

from cgm_jax.datasets import DamagedDataError, read_idx

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 10
WHOLE = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]) + IMAGES.tobytes()
# Without the time: what names a test must be the same in every process.
PACKED = gzip.compress(WHOLE, mtime=0)


def written(tmp_path, content, name="train-images-idx3-ubyte"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_images(tmp_path, pack):
    images = read_idx(written(tmp_path, pack(WHOLE)))
    np.testing.assert_array_equal(images, IMAGES, strict=True)
    images[0, 0, 0] = 1  # the caller's own


def test_labels(tmp_path):
    labels = read_idx(str(written(tmp_path, bytes([0, 0, 8, 1, 0, 0, 0, 2, 9, 0]))))
    np.testing.assert_array_equal(labels, np.array([9, 0], np.uint8), strict=True)


def test_lengths_are_big_endian(tmp_path):
    content = bytes([0, 0, 8, 1, 0, 0, 1, 2]) + bytes(258)
    assert read_idx(written(tmp_path, content)).shape == (258,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"<html>not found</html>", "expected an idx file.*found 3c 68 74 6d"),
        (b"\0\0\x08\0", "expected an idx file"),
        (b"\0\0\x0d" + WHOLE[3:], "type 0x08.*found type 0x0d"),
        (WHOLE[:9], "header of 16 bytes for 3 dimensions, found 9"),
        (WHOLE[:-1], r"expected 24 bytes of data \(2 x 3 x 4\).*found 23"),
        (WHOLE + b"\0", "expected 24 bytes.*found 25"),
        (WHOLE[:4] + b"\xff" * 12 + WHOLE[16:], "found 24"),
        (PACKED[:-5], "whole gzip file"),
        (PACKED[:-12] + bytes(12), "whole gzip file"),
        (PACKED[:4], "whole gzip file"),
        (gzip.compress(WHOLE[:-1], mtime=0), "found 23"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, message):
    path = written(tmp_path, content, "damaged.gz")
    with pytest.raises(DamagedDataError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert isinstance(caught.value, ValueError)
    assert path.read_bytes() == content


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        read_idx(tmp_path / "nothing-here")
