"""NPY files: what is read, and every refusal."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from party_files import npy_bytes, read_parties, refused, refused_usage, write_csv

ARRAY = np.array([[1.5, -2.0, 3.25], [4.0, 5.0, 918273.625]])


def refusal(tmp_path: Path, data: bytes):
    good = write_csv(tmp_path, "good.npy", npy_bytes(ARRAY))
    error = refused([good, write_csv(tmp_path, "it.npy", data)])
    assert error.file == tmp_path / "it.npy"
    return error


@pytest.mark.parametrize(
    "array",
    [
        ARRAY,
        np.asfortranarray(ARRAY),
        ARRAY.astype(">f8"),
        ARRAY.astype(np.float32),
        ARRAY.astype(">f4"),
        ARRAY.astype(np.longdouble),
    ],
)
def test_every_order_and_width_reads_the_same(tmp_path: Path, array: np.ndarray):
    paths = [write_csv(tmp_path, f"{n}.npy", npy_bytes(array)) for n in "ab"]
    parties = read_parties(paths)
    assert parties.columns == parties.header == ("x0", "x1", "x2")
    assert parties.points[0].dtype == np.float64
    np.testing.assert_array_equal(parties.points[0], ARRAY)


@pytest.mark.parametrize("dtype", ["u1", ">i2", "i8", "u8", "f2"])
def test_whole_numbers_of_every_width(tmp_path: Path, dtype: str):
    array = np.array([[1, 2], [3, 100]], dtype)
    paths = [write_csv(tmp_path, f"{n}.npy", npy_bytes(array)) for n in "ab"]
    np.testing.assert_array_equal(read_parties(paths).points[0], [[1, 2], [3, 100]])


def test_headers_of_version_2(tmp_path: Path):
    paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
    for path in paths:
        with path.open("wb") as file:
            np.lib.format.write_array(file, ARRAY, version=(2, 0))
    np.testing.assert_array_equal(read_parties(paths).points[1], ARRAY)


def test_big_whole_numbers(tmp_path: Path):
    array = np.array([[2**63 + 2**40], [2**53 + 1]], np.uint64)
    paths = [write_csv(tmp_path, f"{n}.npy", npy_bytes(array)) for n in "ab"]
    expected = [[float(2**63 + 2**40)], [2.0**53]]
    np.testing.assert_array_equal(read_parties(paths).points[0], expected)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.float64(918273.645), "two dimensions"),
        (ARRAY[0], "two dimensions"),
        (ARRAY[None], "two dimensions"),
        (np.empty((3, 0)), "two dimensions"),
        (ARRAY.astype(complex), "complex numbers"),
        (ARRAY > 0, "truth values"),
        (ARRAY.astype(object), "Python objects"),
        (ARRAY.astype(str), "text"),
        (ARRAY.astype("S"), "text"),
        (np.zeros((2, 3), "M8[D]"), "dates"),
        (np.zeros((2, 3), "m8[D]"), "time spans"),
        (np.zeros((2, 3), [("a", "f8")]), "structured"),
        (np.zeros((2, 3), [("a", "O")]), "structured"),
        (np.zeros((2, 3), "V8"), "structured"),
        (ARRAY[:1], "at least 2 rows"),
        (np.empty((0, 3)), "at least 2 rows"),
    ],
)
def test_arrays_that_are_refused(tmp_path: Path, array: np.ndarray, found: str):
    assert found in refusal(tmp_path, npy_bytes(array)).sentence


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (-np.inf, "infinite"),
        (1e39, "larger"),
        (np.longdouble("1e4000"), "infinite"),
    ],
)
def test_numbers_that_are_refused(tmp_path: Path, number: float, found: str):
    array = ARRAY.astype(np.longdouble)
    array[1, 2] = number
    error = refusal(tmp_path, npy_bytes(array))
    assert (error.column, error.row) == ("x2", 2) and found in error.sentence


def test_nan_is_a_missing_cell(tmp_path: Path):
    array = ARRAY.copy()
    array[1, 2] = np.nan
    paths = [write_csv(tmp_path, f"{n}.npy", npy_bytes(array)) for n in "ab"]
    found = read_parties(paths).tables[1]["x2"]
    assert found.is_missing.tolist() == [False, True]


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_pickles_are_never_loaded(tmp_path: Path):
    bomb = np.empty((2, 3), object)
    bomb[:] = Bomb()
    data = npy_bytes(bomb)
    refusal(tmp_path, data)
    refusal(tmp_path, pickle.dumps(Bomb()))
    with pytest.raises(pytest.fail.Exception):  # the bomb is live
        np.load(tmp_path / "it.npy", allow_pickle=True)


def with_header(header: str, body: bytes = b"\0" * 48) -> bytes:
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def test_headers_of_python_2(tmp_path: Path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 3L)}"
    data = with_header(header, ARRAY.tobytes())
    paths = [write_csv(tmp_path, f"{n}.npy", data) for n in "ab"]
    np.testing.assert_array_equal(read_parties(paths).points[0], ARRAY)


@pytest.mark.parametrize(
    "shape", ["(1000000000000, 3)", "(10**12, 3)", "(3, 3)", "(1, 3)", "(-2, -3)"]
)
def test_a_header_that_promises_another_size_allocates_nothing(
    tmp_path: Path, shape: str
):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + "}"
    error = refusal(tmp_path, with_header(header))
    assert "header" in error.sentence


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{",
        "{" * 5000,
        "{'descr': '<f8'}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (2, 3)}",
        "{'descr': 'nonsense', 'fortran_order': False, 'shape': (2, 3)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2.0, 3)}",
        "__import__('os').getcwd()",
    ],
)
def test_damaged_headers(tmp_path: Path, header: str):
    error = refusal(tmp_path, with_header(header))
    assert "damaged or unknown" in error.sentence


@pytest.mark.parametrize("version", [b"\x03\x00", b"\x00\x07"])
def test_unknown_versions(tmp_path: Path, version: bytes):
    data = npy_bytes(ARRAY)
    error = refusal(tmp_path, data[:6] + version + data[8:])
    assert "version" in error.sentence


@pytest.mark.medium
def test_every_truncation_is_refused(tmp_path: Path):
    data = npy_bytes(ARRAY)
    for length in range(6, len(data)):
        refusal(tmp_path, data[:length])


def test_a_second_array_in_the_file_is_not_ignored(tmp_path: Path):
    error = refusal(tmp_path, npy_bytes(ARRAY) * 2)
    assert "more than one array" in error.sentence


def test_arrays_must_have_the_same_columns(tmp_path: Path):
    assert refusal(tmp_path, npy_bytes(ARRAY[:, :2])).column == "x2"
    assert refusal(tmp_path, npy_bytes(np.hstack([ARRAY, ARRAY]))).column == "x3"


@pytest.mark.parametrize("order", [1, -1])
def test_arrays_are_not_mixed_with_named_columns(tmp_path: Path, order: int):
    table = write_csv(tmp_path, "table.csv", "x0,x1,x2\n1,2,3\n4,5,6\n")
    array = write_csv(tmp_path, "array.npy", npy_bytes(ARRAY))
    error = refused([table, array][::order])
    assert error.file == array and "named columns" in error.sentence


def test_labels_in_arrays_are_a_usage_error(tmp_path: Path):
    paths = [write_csv(tmp_path, f"{n}.npy", npy_bytes(ARRAY)) for n in "ab"]
    assert "--label-column" in refused_usage(paths, label_column="x0")
