"""A published file is absent, the old one or the new one, whatever happens."""

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from party_files import check_message

from cgm_jax.files import (
    FileAccessError,
    UsageError,
    prepare_output_dir,
    write_atomically,
    write_text,
)

OLD, NEW = b"old " * 1000, b"new! " * 2000


def write_new(path: Path) -> None:
    write_atomically(path, lambda file: file.write(NEW))


@pytest.fixture(params=["absent", "old"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "reward.csv"
    if request.param == "old":
        path.write_bytes(OLD)
    return path


def contents(path: Path) -> bytes | None:
    """What a reader finds; and nothing else may be in the folder."""
    assert set(path.parent.iterdir()) <= {path}
    return path.read_bytes() if path.exists() else None


def test_the_file_is_new(path: Path):
    write_new(path)
    assert contents(path) == NEW


def test_text_is_written_as_it_is(tmp_path: Path):
    write_text(tmp_path / "a.txt", "α\r\n\n")
    assert (tmp_path / "a.txt").read_bytes() == "α\r\n\n".encode()


def test_folders_are_created(tmp_path: Path):
    write_new(tmp_path / "a" / "b" / "reward.csv")
    assert contents(tmp_path / "a" / "b" / "reward.csv") == NEW


def test_a_link_is_replaced_and_its_target_is_left_alone(tmp_path: Path):
    target = tmp_path / "target.csv"
    target.write_bytes(OLD)
    link = tmp_path / "reward.csv"
    link.symlink_to(target)
    write_new(link)
    assert not link.is_symlink() and link.read_bytes() == NEW
    assert target.read_bytes() == OLD


def test_the_mode_is_that_of_any_new_file(tmp_path: Path):
    (tmp_path / "plain").touch()
    write_new(tmp_path / "reward.csv")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_data_are_on_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    steps = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        size = os.fstat(descriptor).st_size
        is_folder = Path(name).is_dir()
        steps.append("folder" if is_folder else f"file of {size}")
        real_fsync(descriptor)

    def replace(*args) -> None:
        steps.append("rename")
        real_replace(*args)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_new(tmp_path / "reward.csv")
    assert steps == [f"file of {len(NEW)}", "rename", "folder"]
    steps.clear()
    write_new(tmp_path / "bank_a" / "reward.csv")
    assert steps == ["folder", f"file of {len(NEW)}", "rename", "folder"]


@pytest.mark.parametrize("function", ["open", "fsync", "replace"])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("exception", [OSError, KeyboardInterrupt, MemoryError])
def test_a_failure_at_any_step_leaves_the_old_file_or_the_new_one(
    path: Path, monkeypatch, function: str, call: int, exception: type[BaseException]
):
    old = contents(path)
    real = getattr(os, function)
    calls = 0

    def fails(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == call:
            raise (
                OSError(errno.ENOSPC, "No space left on device")
                if exception is OSError
                else exception
            )
        return real(*args, **kwargs)

    is_called = not (function == "replace" and call == 2)
    monkeypatch.setattr(os, function, fails)
    if not is_called:
        write_new(path)
    else:
        with pytest.raises(FileAccessError if exception is OSError else exception) as e:
            write_new(path)
        if exception is OSError:
            message = check_message(e.value)
            assert message.startswith(f"{path}: could not be written (No space left")
            assert "free some space, and run again with --overwrite" in message
    monkeypatch.undo()
    is_renamed = call == 2  # the second open and fsync are the folder's
    assert contents(path) == (NEW if is_renamed else old)


@pytest.mark.parametrize("exception", [RuntimeError, KeyboardInterrupt])
def test_a_failure_of_the_writer_is_passed_on(
    path: Path, exception: type[BaseException]
):
    old = contents(path)

    def write(file):
        file.write(NEW[:100])
        file.flush()
        raise exception

    with pytest.raises(exception):
        write_atomically(path, write)
    assert contents(path) == old


def test_a_disk_that_fills_up_leaves_the_old_file(path: Path):
    old = contents(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(FileAccessError) as caught:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
            write_new(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "free some space, and run again with --overwrite" in check_message(
        caught.value
    )
    assert contents(path) == old


def test_a_folder_in_the_way_is_an_error(tmp_path: Path):
    (tmp_path / "reward.csv").mkdir()
    with pytest.raises(FileAccessError, match="could not be written"):
        write_new(tmp_path / "reward.csv")
    assert list(tmp_path.iterdir()) == [tmp_path / "reward.csv"]
    (tmp_path / "file").touch()
    with pytest.raises(FileAccessError, match="check the path"):
        write_new(tmp_path / "file" / "reward.csv")


# Forks a child for every line that publishing executes and kills it just before that
# line, without any chance to clean up. Prints what each child left behind.
KILLS = """
import json, os, signal, sys
from pathlib import Path
from cgm_jax._shared import publishing as _publishing
from cgm_jax.files import atomic

OURS = atomic.__file__, _publishing.__file__, __file__
path, new = Path(sys.argv[1]), sys.argv[2].encode()

def write(file):
    file.write(new[:10])
    file.flush()
    file.write(new[10:])
    file.flush()

def child(step):
    lines = 0
    def trace(frame, event, arg):
        nonlocal lines
        if frame.f_code.co_filename not in OURS:
            return None
        if event == "line":
            lines += 1
            if lines == step:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    atomic.write_atomically(path, write)
    sys.settrace(None)
    os._exit(0)

def left_behind(old):
    left = []
    status = None
    while status != 0:
        if old:
            path.write_text(old)
        pid = os.fork()
        if pid == 0:
            child(len(left) + 1)
        status = os.waitpid(pid, 0)[1]
        left.append(path.read_text() if path.exists() else None)
        for other in path.parent.iterdir():
            if other.name.startswith(".cgm-jax-") or other == path:
                other.unlink()
    assert not list(path.parent.iterdir())
    return left

print(json.dumps([left_behind(old) for old in sys.argv[3:]]))
"""


@pytest.mark.medium
def test_a_kill_at_any_line_leaves_the_old_file_or_the_new_one(tmp_path: Path):
    script = tmp_path / "kills.py"
    script.write_text(KILLS)
    (tmp_path / "out").mkdir()
    new, olds = "the complete new contents", ["", "old contents"]
    done = subprocess.run(
        [sys.executable, script, tmp_path / "out" / "reward.csv", new, *olds],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for old, left in zip(olds, json.loads(done.stdout), strict=True):
        before = left.count(old or None)
        assert before > 10 and len(left) - before > 3
        assert left == [old or None] * before + [new] * (len(left) - before)


def test_a_new_folder_is_created_and_nothing_is_left_in_it(tmp_path: Path):
    out = tmp_path / "results" / "today"
    assert prepare_output_dir(out, ["a", "mediator"]) == out
    assert out.is_dir() and not list(out.iterdir())
    assert prepare_output_dir(str(out), ["a", "mediator"]) == out  # empty: fine


@pytest.mark.parametrize("name", ["a/reward.csv", "notes.txt", ".hidden"])
def test_a_folder_that_holds_something_needs_overwrite(tmp_path: Path, name: str):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(OLD)
    with pytest.raises(UsageError) as caught:
        prepare_output_dir(tmp_path, ["a"])
    assert "--overwrite" in check_message(caught.value)
    prepare_output_dir(tmp_path, ["a"], overwrite=True)
    assert (tmp_path / name).read_bytes() == OLD


@pytest.mark.parametrize("options", [{}, {"overwrite": True}])
@pytest.mark.parametrize("where", ["", "a"])
def test_links_and_files_in_place_of_a_folder_are_refused(
    tmp_path: Path, options: dict, where: str
):
    (tmp_path / "target").mkdir()
    out = tmp_path / "out"
    place = out / where
    place.parent.mkdir(exist_ok=True)
    for target in ("target", "missing"):
        place.symlink_to(tmp_path / target)
        with pytest.raises(UsageError, match="found a link"):
            prepare_output_dir(f"{out}/", ["a"], **options)
        place.unlink()
    place.write_bytes(OLD)
    with pytest.raises(UsageError, match="found a file"):
        prepare_output_dir(out, ["a"], **options)
    assert place.read_bytes() == OLD
    assert not list((tmp_path / "target").iterdir())


def test_a_folder_that_cannot_be_written_to_is_found_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    with pytest.raises(FileAccessError, match="could not be written to"):
        prepare_output_dir(tmp_path / "file" / "out")

    def read_only(*args):  # also where the tests run as root
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(FileAccessError) as caught:
        prepare_output_dir(tmp_path / "out")
    assert "choose a folder that can be written to" in check_message(caught.value)
