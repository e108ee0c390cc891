"""Which paths become parties, and under which names."""

import os
import socket
from pathlib import Path

import pytest
from party_files import (
    GOOD_CSV,
    npy_bytes,
    parquet_bytes,
    read_parties,
    refused,
    refused_access,
    refused_usage,
    write_csv,
)

from cgm_jax.files.sources import Source, read_bytes


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_csv(tmp_path, "good.csv")


@pytest.mark.parametrize("order", [1, -1])
def test_names_are_stems_in_the_order_of_the_alphabet(tmp_path: Path, order: int):
    paths = [write_csv(tmp_path, f"{name}.csv") for name in ("b", "A 1", "Zürich.2")]
    assert read_parties(paths[::order]).names == ("A 1", "b", "Zürich.2")


def test_paths_may_be_text_and_extensions_in_capitals(tmp_path: Path, good: Path):
    assert read_parties([str(good), write_csv(tmp_path, "B.CSV")]).names == (
        "B",
        "good",
    )


@pytest.mark.parametrize("num_files", [0, 1])
def test_fewer_than_two_parties_are_a_usage_error(good: Path, num_files: int):
    assert "at least two parties" in refused_usage([good] * num_files)


@pytest.mark.parametrize(
    "address",
    ["http://host/a.csv", "https://host/a.csv", "s3://bucket/a.csv", "file:///a.csv"],
)
def test_addresses_are_never_fetched(
    good: Path, address: str, monkeypatch: pytest.MonkeyPatch
):
    def forbidden(*args, **kwargs):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "socket", forbidden)
    assert "nothing is fetched" in refused_usage([good, address])
    assert "nothing is fetched" in refused_usage([Path(address), good])


def test_one_file_by_several_ways_is_a_usage_error(
    tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "link.csv").symlink_to(good)
    os.link(good, tmp_path / "hard.csv")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    around = tmp_path / "sub" / ".." / "good.csv"
    for twin in (good, "good.csv", around, "link.csv", "hard.csv"):
        assert "same file" in refused_usage([good, twin])


def test_a_link_to_another_file_is_fine(tmp_path: Path, good: Path):
    (tmp_path / "elsewhere").mkdir()
    target = write_csv(tmp_path / "elsewhere", "x.csv")
    (tmp_path / "link.csv").symlink_to(target)
    assert read_parties([good, tmp_path / "link.csv"]).names == ("good", "link")


@pytest.mark.parametrize("twin", ["sub/good.csv", "GOOD.csv", "good.parquet"])
def test_names_that_collide_are_refused(tmp_path: Path, good: Path, twin: str):
    (tmp_path / "sub").mkdir()
    error = refused([good, write_csv(tmp_path, twin)])
    assert error.file == tmp_path / twin
    assert str(good) in error.sentence and "rename" in error.sentence


def test_names_that_differ_in_how_accents_are_stored_collide(tmp_path: Path):
    paths = [write_csv(tmp_path, name) for name in ("e\u0301.csv", "\u00e9.csv")]
    assert "names that differ" in refused(paths).sentence


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.csv",
        "...csv",  # its stem would climb: ".."
        ".csv",
        "a\\b.csv",
        "line\nbreak.csv",
        "\u202eright-to-left.csv",
        os.fsdecode(b"not-utf8-\xff.csv"),
    ],
)
def test_names_that_cannot_name_a_folder_are_refused(
    tmp_path: Path, good: Path, name: str
):
    path = write_csv(tmp_path, name)
    assert refused([good, path]).file == path


@pytest.mark.parametrize("name", ["mediator.csv", "Mediator.csv"])
def test_the_mediators_name_is_reserved(tmp_path: Path, good: Path, name: str):
    assert "mediator" in refused([good, write_csv(tmp_path, name)]).sentence


@pytest.mark.parametrize("name", ["a.txt", "a.xlsx", "a.npz", "a.csv.gz", "a", "a."])
def test_other_extensions_are_refused(tmp_path: Path, good: Path, name: str):
    error = refused([good, write_csv(tmp_path, name)])
    assert ".csv, .parquet or .npy" in error.sentence


def test_what_is_not_a_regular_file_is_refused_without_blocking(
    tmp_path: Path, good: Path
):
    os.mkfifo(tmp_path / "fifo.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    for path in (tmp_path / "fifo.csv", Path("/dev/zero"), tmp_path / "zero.csv"):
        assert "a pipe, device or socket" in refused([good, path]).sentence
    for path in (tmp_path / "folder.csv", tmp_path):
        assert "found a folder" in refused([good, path]).sentence


def test_a_file_that_turned_into_a_pipe_is_refused_without_blocking(tmp_path: Path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="a pipe, device or socket"):
        read_bytes(Source("a", tmp_path / "a.csv", "csv"))


def test_a_file_that_grows_while_it_is_read_is_refused(
    good: Path, monkeypatch: pytest.MonkeyPatch
):
    real_fstat = os.fstat

    def shorter(descriptor: int) -> os.stat_result:
        status = list(real_fstat(descriptor))
        status[6] -= 5  # st_size
        return os.stat_result(status)

    monkeypatch.setattr("cgm_jax.files.sources.os.fstat", shorter)
    with pytest.raises(ValueError, match="changes while it is read"):
        read_bytes(Source("good", good, "csv"))


def test_missing_and_forbidden_files_are_access_errors(
    tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch
):
    missing = tmp_path / "no_such.csv"
    assert refused_access([good, missing]).startswith(f"{missing}: could not be opened")
    dangling = tmp_path / "dangling.csv"
    dangling.symlink_to(missing)
    assert "check the path" in refused_access([good, dangling])
    other = write_csv(tmp_path, "other.csv")
    real_open = os.open

    def forbidding_open(path, *args):  # also where the tests run as root
        if path == other:
            raise PermissionError(13, "Permission denied")
        return real_open(path, *args)

    monkeypatch.setattr("cgm_jax.files.sources.os.open", forbidding_open)
    assert "check the permissions" in refused_access([good, other])


CONTENTS = {
    "csv": GOOD_CSV.encode(),
    "parquet": parquet_bytes({"age": [1, 2], "income": [3, 4]}),
    "npy": npy_bytes([[1, 2], [3, 4]]),
}


@pytest.mark.parametrize("claimed", CONTENTS)
@pytest.mark.parametrize("actual", CONTENTS)
def test_an_extension_that_lies_is_refused(tmp_path: Path, claimed: str, actual: str):
    paths = [
        write_csv(tmp_path, f"{name}.{claimed}", CONTENTS[actual]) for name in "ab"
    ]
    if claimed == actual:
        assert len(read_parties(paths).points) == 2
    else:
        error = refused(paths)
        assert f"expected a {claimed} file" in error.sentence


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"PK\x03\x04", "zip"),  # NPZ, Excel
        (b"\x1f\x8b\x08", "gzip"),
        (b"\xd0\xcf\x11\xe0", "old Excel"),
        (b"\x89HDF\r\n", "HDF5"),
    ],
)
@pytest.mark.parametrize("claimed", CONTENTS)
def test_other_formats_are_named(
    tmp_path: Path, claimed: str, start: bytes, found: str
):
    paths = [write_csv(tmp_path, f"{name}.{claimed}", start * 9) for name in "ab"]
    assert f"found a {found} file" in refused(paths).sentence


@pytest.mark.parametrize("extension", CONTENTS)
def test_an_empty_file_is_refused(tmp_path: Path, extension: str):
    paths = [write_csv(tmp_path, f"{name}.{extension}", b"") for name in "ab"]
    assert "empty file" in refused(paths).sentence
