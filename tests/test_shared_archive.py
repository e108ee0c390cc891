"""Archives of arrays and facts: what comes back, and what is refused."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from cgm_jax._shared.archive import (
    ArchiveError,
    archive_errors,
    named_arrays,
    read_archive,
    with_arrays,
    with_prefix,
    write_archive,
)
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax._shared.publishing import publish

ARRAYS = {"x": np.arange(6.0).reshape(2, 3), "names": np.array(["a", "ü"])}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "saved.npz"
    write_archive(path, "thing", {"rows": [1, 2], "note": "ü"}, ARRAYS)
    return path


def test_facts_and_arrays_come_back(path):
    facts, arrays = read_archive(path, "thing")
    assert facts == {"format": "cgm-jax thing 1", "rows": [1, 2], "note": "ü"}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)
    assert [file.name for file in path.parent.iterdir()] == ["saved.npz"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def empty(path):
    path.write_bytes(b"")


def altered(path):
    whole = path.read_bytes()
    middle = whole.index(b"x.npy") + 60
    path.write_bytes(whole[:middle] + b"\0\1\2" + whole[middle + 3 :])


def text(path):
    path.write_text("age,income\n31,2\n")


def bare_pickle(path):
    path.write_bytes(pickle.dumps({"weights": [1.0]}))


def a_pickle(path):
    np.savez(path, facts=np.array([{}], dtype=object))


def no_facts(path):
    np.savez(path, x=np.zeros(2))


def another_kind(path):
    np.savez(path, facts=np.array(json.dumps({"format": "cgm-jax other 1"})))


@pytest.mark.parametrize(
    "damage", [cut, empty, altered, text, bare_pickle, a_pickle, no_facts, another_kind]
)
def test_damage_is_one_error_with_the_path_and_advice(damage, path):
    damage(path)
    with pytest.raises(ArchiveError, match="expected a saved thing") as caught:
        read_archive(path, "thing", advice="make it again")
    assert str(caught.value) == f"{path}: {caught.value.sentence}"
    assert caught.value.sentence.endswith("; make it again.")
    assert "pickle" not in caught.value.sentence  # NumPy would have it loaded so


def test_an_absent_file_is_not_damage(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_archive(tmp_path / "absent.npz", "thing")


def test_an_error_inside_an_error_is_told_once(path):
    cut(path)
    with (
        pytest.raises(ArchiveError, match=r"; save it again with this version\.$"),
        archive_errors(path, "outer thing"),
    ):
        read_archive(path, "thing")


def test_a_tree_comes_back_by_names_and_a_misfit_is_an_error():
    tree = {"layers": [np.zeros(2), np.ones((1, 2), np.float32)]}
    arrays = named_arrays(tree)
    assert arrays.keys() == {"layers.0", "layers.1"}
    again = with_arrays(tree, arrays)
    np.testing.assert_array_equal(again["layers"][1], tree["layers"][1], strict=True)
    assert with_prefix(arrays, "layers.").keys() == {"0", "1"}
    with pytest.raises(ValueError, match=r"arrays of other names: layers\.0"):
        with_arrays(tree, {"layers.1": arrays["layers.1"]})
    with pytest.raises(ValueError, match=r"layers\.0 of shape \(3,\)"):
        with_arrays(tree, {**arrays, "layers.0": np.zeros(3)})


def test_publishing_makes_the_folder_and_leaves_one_file(tmp_path):
    path = tmp_path / "bank_a" / "note.txt"
    publish(path, lambda file: file.write(b"hello\n"))
    assert path.read_text() == "hello\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_digest_is_of_names_shapes_and_numbers_in_any_order():
    x, y = np.zeros(2), np.ones(3)
    digest = digest_of_arrays({"x": x, "y": y})
    assert digest == digest_of_arrays({"y": y, "x": x})
    others = ({"x": x[:, None], "y": y}, {"z": x, "y": y}, {"x": y[:2], "y": y})
    assert digest not in map(digest_of_arrays, others)
