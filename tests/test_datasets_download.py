"""Fetching: scikit-learn against OpenML's answers, and a cache that is checked."""

import hashlib
import io
import json
import urllib.error
import urllib.request
import urllib.response
from email.message import Message

import numpy as np
import pytest
from image_files import arff_text, contents, image_arff, openml_answers

from cgm_jax.datasets import (
    DamagedDataError,
    DownloadError,
    amount_classes,
    cifar10,
    credit_card,
    download,
    fashion_mnist,
    fetch,
    mnist,
)

RNG = np.random.default_rng(0)
LABELS = np.arange(14) % 10
PIXELS = RNG.integers(256, size=(14, 784))
COLOURS = RNG.integers(256, size=(12, 3, 32, 32))
CARD_COLUMNS = ["V1", "V2", "V3", "V4", "V5", "Amount", "Class"]
CARDS = np.column_stack([RNG.normal(size=(10, 5)), np.arange(10), np.arange(10) % 2])


class OpenML(urllib.request.HTTPSHandler):
    """Answers for www.openml.org, without the network; counts what is asked."""

    def __init__(self):
        super().__init__()
        self.answers, self.asked = {}, []

    def https_open(self, request):
        self.asked.append(request.selector)
        assert request.host == "www.openml.org"
        if request.selector not in self.answers:
            raise urllib.error.URLError("no route to host")
        headers = Message()
        headers["Content-Type"] = "application/octet-stream"
        body = io.BytesIO(self.answers[request.selector])
        answer = urllib.response.addinfourl(body, headers, request.full_url, 200)
        answer.msg = "OK"
        return answer


@pytest.fixture
def openml(tmp_path, monkeypatch):
    handler = OpenML()
    urllib.request.install_opener(urllib.request.build_opener(handler))
    monkeypatch.setattr(download, "_NUM_RETRIES", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CGM_JAX_DATA", raising=False)
    yield handler
    urllib.request.install_opener(None)


def serve_mnist(openml, pixels=PIXELS, data_id=554):
    text = image_arff(pixels, LABELS)
    openml.answers |= openml_answers(data_id, "mnist_784", text)


@pytest.mark.parametrize(
    ("name", "load", "data_id"),
    [("mnist", mnist, 554), ("fashion-mnist", fashion_mnist, 40996)],
)
def test_fetched_images(openml, name, load, data_id):
    serve_mnist(openml, data_id=data_id)
    train = load(download=True)
    expected = PIXELS[:12].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(train.points, expected, strict=True)
    np.testing.assert_array_equal(train.labels, LABELS[:12], strict=True)

    openml.asked.clear()
    assert load(part="test").labels.tolist() == LABELS[12:].tolist()
    fetch(name)
    assert openml.asked == []  # from the cache


@pytest.mark.medium
def test_fetched_cifar10_is_the_table(openml):
    text = image_arff(COLOURS.reshape(12, -1), LABELS[:12])
    openml.answers = openml_answers(40927, "CIFAR_10", text)
    fetched = cifar10(download=True)
    images = COLOURS[:10].transpose(0, 2, 3, 1).reshape(10, -1)
    expected = images.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(fetched.points, expected, strict=True)
    np.testing.assert_array_equal(fetched.labels, LABELS[:10])


def test_fetched_credit_card_is_the_table(openml):
    rows = [[*row[:-1].tolist(), int(row[-1])] for row in CARDS]
    text = arff_text(CARD_COLUMNS, rows, classes=(0, 1))
    openml.answers = openml_answers(1597, "creditcard", text, target="Class")
    fetched = credit_card(download=True)
    np.testing.assert_array_equal(fetched.points, CARDS[:, :4].astype(np.float32))
    np.testing.assert_array_equal(fetched.labels, amount_classes(CARDS[:, -2]))


def test_the_digest_is_noted_beside_the_file(openml, tmp_path):
    serve_mnist(openml)
    cached = fetch("mnist")
    assert cached == tmp_path / "cache" / "cgm-jax" / "mnist.npz"
    note = json.loads(cached.with_suffix(".json").read_text())
    assert note["sha256"] == hashlib.sha256(cached.read_bytes()).hexdigest()
    assert sorted(contents(cached.parent)) == ["mnist.json", "mnist.npz"]


@pytest.mark.parametrize("damage", ["altered", "cut", "no note", "bad note"])
@pytest.mark.medium
def test_a_damaged_file_is_reported_and_left(openml, damage):
    serve_mnist(openml)
    cached = fetch("mnist")
    whole, note = cached.read_bytes(), cached.with_suffix(".json")
    if damage == "altered":
        at = len(whole) // 2
        cached.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    elif damage == "cut":
        cached.write_bytes(whole[:-1])
    elif damage == "no note":
        note.unlink()
    else:
        note.write_text("[]")
    before = contents(cached.parent)
    openml.asked.clear()
    for use in (mnist, lambda: mnist(download=True), lambda: fetch("mnist")):
        with pytest.raises(DamagedDataError, match=r"SHA-256.*replace=True") as caught:
            use()
        assert str(caught.value).startswith(str(cached))
    assert contents(cached.parent) == before
    assert openml.asked == []

    fetch("mnist", replace=True)
    assert mnist().labels.tolist() == LABELS[:12].tolist()


def test_a_copy_of_a_fetched_file_can_be_named(openml, tmp_path):
    serve_mnist(openml)
    copy = tmp_path / "copy.npz"
    copy.write_bytes(fetch("mnist").read_bytes())
    assert mnist(copy).labels.tolist() == LABELS[:12].tolist()
    copy.write_bytes(copy.read_bytes()[:-30])
    with pytest.raises(DamagedDataError, match=r"copy\.npz: expected a saved data set"):
        mnist(copy)


def test_nothing_is_fetched_unasked(openml):
    with pytest.raises(FileNotFoundError):
        mnist()
    assert openml.asked == []


def test_no_network(openml, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)  # between two tries
    with pytest.raises(DownloadError, match=r"mnist could not.*no route to host"):
        mnist(download=True)
    assert contents(tmp_path) == {}


def test_what_is_not_as_openml_says_is_refused(openml, tmp_path):
    serve_mnist(openml)
    address = "/data/v1/download/7/mnist_784.arff"
    openml.answers[address] = openml.answers[address].replace(b"@DATA", b"@DATA\n% x")
    with pytest.raises(DownloadError, match="md5 checksum"):
        fetch("mnist")
    assert contents(tmp_path) == {}


def test_pixels_out_of_range_are_refused(openml, tmp_path):
    serve_mnist(openml, PIXELS + 1)
    with pytest.raises(DownloadError, match=r"not in 0\.\.255"):
        fetch("mnist")
    assert contents(tmp_path) == {}


def test_unknown_name():
    with pytest.raises(ValueError, match=r"one of mnist, .*got 'imagenet'"):
        fetch("imagenet")
