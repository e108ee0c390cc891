"""Features from an array file."""

import numpy as np
import pytest

from cgm_jax.features import read_features


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_as_they_are(tmp_path, dtype):
    features = np.random.default_rng(0).normal(size=(5, 3)).astype(dtype)
    np.save(tmp_path / "pool3.npy", features)
    read = read_features(tmp_path / "pool3.npy", num_points=5)
    np.testing.assert_array_equal(read, features, strict=True)


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.zeros((4, 3)), ValueError, r"each of the 5 images.*\(4, 3\)"),
        (np.zeros(5), ValueError, r"\(n, d\), one row per point, got \(5,\)"),
        (np.full((5, 2), np.inf), ValueError, "NaN or infinity in row 0"),
        (np.full((5, 2), "x"), TypeError, "real numbers"),
    ],
)
def test_what_is_refused(tmp_path, array, error, message):
    path = tmp_path / "pool3.npy"
    np.save(path, array)
    with pytest.raises(error, match=message) as caught:
        read_features(path, num_points=5)
    assert str(path) in str(caught.value)


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "pool3.npy"
    np.save(path, np.zeros((5, 3)))
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match=r"pool3\.npy: expected an array"):
        read_features(path, num_points=5)
    np.save(path, np.array([{}] * 5, object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"pool3\.npy: expected an array"):
        read_features(path, num_points=5)
    np.savez(tmp_path / "many.npz", a=np.zeros((5, 3)))
    with pytest.raises(ValueError, match="found an archive of arrays"):
        read_features(tmp_path / "many.npz", num_points=5)
