"""Image loaders on small files in the true forms, and where they are looked for."""

import gzip

import numpy as np
import pytest
from image_files import contents, write_idx_folder
from sklearn.datasets import load_digits

from cgm_jax._shared.archive import write_archive
from cgm_jax.datasets import (
    DamagedDataError,
    DataNotFoundError,
    cifar10,
    digits,
    fashion_mnist,
    mnist,
)

RNG = np.random.default_rng(0)
LABELS = np.arange(14) % 10
IMAGES = RNG.integers(256, size=(14, 28, 28))
IMAGES[0, 0, :2] = 0, 255
COLOURS = RNG.integers(256, size=(12, 3, 32, 32))  # channel by channel


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """No data anywhere: a cache of the test's own, and the network forbidden."""

    def no_network(*_args, **_kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CGM_JAX_DATA", raising=False)
    monkeypatch.setattr("socket.socket.connect", no_network)


def as_points(images):
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def check_mnist_form(load, path):
    train, test = load(path), load(path, part="test")
    np.testing.assert_array_equal(train.points, as_points(IMAGES[:12]), strict=True)
    np.testing.assert_array_equal(test.points, as_points(IMAGES[12:]), strict=True)
    np.testing.assert_array_equal(train.labels, LABELS[:12], strict=True)
    np.testing.assert_array_equal(test.labels, LABELS[12:], strict=True)
    assert train.shape == (28, 28, 1)
    assert train.points[0, :2].tolist() == [0, 1]


@pytest.mark.parametrize("load", [mnist, fashion_mnist])
@pytest.mark.parametrize("form", ["gz", "plain", "dotted"])
def test_idx_folder(tmp_path, load, form):
    pack, end = (gzip.compress, ".gz") if form == "gz" else (bytes, "")
    folder = write_idx_folder(tmp_path / "data", IMAGES, LABELS, pack=pack, end=end)
    if form == "dotted":
        for file in folder.iterdir():
            file.rename(folder / file.name.replace("-idx", ".idx"))
    check_mnist_form(load, folder)


@pytest.mark.parametrize("given", ["file", "folder"])
def test_fetched_arrays(tmp_path, given):
    file = tmp_path / "copy.npz"
    pixels = IMAGES.reshape(14, -1).astype(np.uint8)
    write_archive(file, "data set", {}, {"pixels": pixels, "labels": LABELS})
    check_mnist_form(mnist, file if given == "file" else tmp_path)


def test_cifar10_puts_the_channels_last(tmp_path):
    file = tmp_path / "cifar10.npz"
    pixels = COLOURS.reshape(12, -1).astype(np.uint8)
    write_archive(file, "data set", {}, {"pixels": pixels, "labels": LABELS[:12]})
    train, test = cifar10(file), cifar10(file, part="test")
    assert (len(train.points), len(test.points)) == (10, 2)
    assert train.shape == (32, 32, 3)
    images = train.points.reshape(10, 32, 32, 3)
    for i, row, column, channel in [(0, 0, 0, 0), (3, 5, 31, 2), (9, 30, 2, 1)]:
        expected = np.float32(COLOURS[i, channel, row, column]) / np.float32(255)
        assert images[i, row, column, channel] == expected


def test_digits_are_the_bundled_ones():
    data, (ink, labels) = digits(), load_digits(return_X_y=True)
    np.testing.assert_array_equal(data.points * 16, ink.astype(np.float32))
    np.testing.assert_array_equal(data.labels, labels)
    assert data.points.min() == 0
    assert data.points.max() == 1


def test_named_path_then_variable_then_cache(tmp_path, monkeypatch):
    def folder(place, shift):
        return write_idx_folder(tmp_path / place, IMAGES, (LABELS + shift) % 10)

    named = folder("named", 1)
    folder("data/mnist", 2)
    monkeypatch.setenv("CGM_JAX_DATA", str(tmp_path / "data"))
    assert mnist(named).labels[0] == 1
    assert mnist().labels[0] == 2
    with pytest.raises(DataNotFoundError, match=f"at {tmp_path / 'no'}, found nothing"):
        mnist(tmp_path / "no", download=True)


def test_missing_data_say_where_they_may_come_from(tmp_path, monkeypatch):
    with pytest.raises(DataNotFoundError) as caught:
        fashion_mnist()
    cached = tmp_path / "cache" / "cgm-jax" / "fashion-mnist.npz"
    command = "`cgm-jax fetch fashion-mnist`"
    for part in ("CGM_JAX_DATA (not set)", str(cached), command, "datasets.digits"):
        assert part in str(caught.value)
    monkeypatch.setenv("CGM_JAX_DATA", str(tmp_path / "data"))
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "data" / "cifar10")):
        cifar10()
    assert contents(tmp_path) == {}


def test_damaged_idx_files_are_named_and_left(tmp_path):
    folder = write_idx_folder(tmp_path / "data", IMAGES, LABELS)
    images = folder / "train-images-idx3-ubyte.gz"
    labels = folder / "train-labels-idx1-ubyte.gz"
    whole = contents(folder)

    images.write_bytes(whole[images.name][:-20])
    before = contents(folder)
    with pytest.raises(DamagedDataError, match=images.name):
        mnist(folder)
    assert contents(folder) == before

    images.write_bytes(whole[labels.name])
    with pytest.raises(DamagedDataError, match=r"28 x 28 pixels.*shape 12;"):
        mnist(folder)
    images.write_bytes(whole[images.name])
    labels.write_bytes(whole["t10k-labels-idx1-ubyte.gz"])
    with pytest.raises(DamagedDataError, match=r"each of the 12 images.*\(2,\)"):
        mnist(folder)
    labels.unlink()
    with pytest.raises(DataNotFoundError, match=r"train-labels-idx1-ubyte\.gz"):
        mnist(folder)


def test_other_files_are_refused(tmp_path):
    for place in (tmp_path, tmp_path / "mnist.csv"):
        (tmp_path / "mnist.csv").write_text("a,b\n1,2\n")
        with pytest.raises(DataNotFoundError, match=r"idx files.*found 0 of these"):
            mnist(place)
    for name in ("one.npz", "two.npz"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataNotFoundError, match="found 2 of these"):
        mnist(tmp_path)
    with pytest.raises(DamagedDataError, match="expected a saved data set"):
        mnist(tmp_path / "one.npz")


def test_unknown_part(tmp_path):
    with pytest.raises(ValueError, match="got 'validation'"):
        mnist(tmp_path, part="validation")
