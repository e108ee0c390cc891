"""A training that was killed ends in the bytes of the one that was not."""

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from killed_training import OPTIONS as SMALL
from killed_training import POINTS, train

from cgm_jax.generators.mmd_gan.checkpoints import Checkpoints

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def uninterrupted():
    return SMALL.fit(KEY, POINTS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory, uninterrupted):
    folder = tmp_path_factory.mktemp("checkpoints")
    assert same(SMALL.fit(KEY, POINTS, checkpoint_dir=folder), uninterrupted)
    return folder


def same(a, b):
    """To the last byte: NaN or −0 would not be equal by value."""
    return (
        {name: p.tobytes() for name, p in a.parameters.items()}
        == {name: p.tobytes() for name, p in b.parameters.items()}
        and a.history.tobytes() == b.history.tobytes()
        and a.quality == b.quality
    )


def resumed(folder):
    """The model, and the steps at which the resumed training was evaluated."""
    told = []
    model = SMALL.fit(KEY, POINTS, checkpoint_dir=folder, progress=told.append)
    return model, [p.step for p in told]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of the last two checkpoints of a whole training."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def test_two_checkpoints_are_kept(folder):
    steps = ["step_00000270", "step_00000300"]
    assert names(folder) == sorted(steps + [f"{step}.json" for step in steps])


def test_nothing_is_left_to_do(folder, uninterrupted):
    model, steps = resumed(folder)
    assert steps == []
    assert same(model, uninterrupted)


def remove_record(folder):
    (folder / "step_00000300.json").unlink()


def cut_record(folder):
    path = folder / "step_00000300.json"
    path.write_bytes(path.read_bytes()[:40])


def change_digest(folder):
    path = folder / "step_00000300.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "sha256": "0" * 64}))


def remove_arrays(folder):
    shutil.rmtree(folder / "step_00000300")


def cut_arrays(folder):
    for path in (folder / "step_00000300").rglob("*"):
        if path.is_file() and path.stat().st_size > 100:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage", [remove_record, cut_record, change_digest, remove_arrays, cut_arrays]
)
def test_the_one_before_counts_where_the_newest_is_damaged(
    folder, damage, uninterrupted
):
    damage(folder)
    model, steps = resumed(folder)
    assert steps == [300]
    assert same(model, uninterrupted)
    assert "step_00000300.json" in names(folder)


@pytest.mark.parametrize(
    ("options", "points", "key", "message"),
    [
        ({"width": 5}, POINTS, KEY, r"width 4 there and 5 now"),
        ({"num_steps": 310}, POINTS, KEY, "num_steps 300 there and 310 now"),
        ({}, POINTS + 1, KEY, "points '120 x 2, sha256 .*there and '120 x 2, sha256"),
        ({}, POINTS[:100], KEY, "points '120 x 2.*there and '100 x 2"),
        ({}, POINTS, jax.random.key(1), r"key .*\[0, 0\].* there and .*\[0, 1\]"),
    ],
)
def test_checkpoints_of_another_training_are_refused(
    folder, options, points, key, message
):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    other = replace(SMALL, **options)
    with pytest.raises(ValueError, match=message):
        other.fit(key, points, checkpoint_dir=folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_is_not_ours_stays(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    checkpoints = Checkpoints(tmp_path, SMALL.facts())
    assert checkpoints.newest({"a": np.zeros(2)}) is None
    for step in (1, 2, 3):
        checkpoints.save(step, {"a": np.full(2, step, np.float32)})
    assert len(names(tmp_path)) == 5
    assert (tmp_path / "notes.txt").read_text() == "mine"
    newest = checkpoints.newest({"a": np.zeros(2, np.float32)})
    np.testing.assert_array_equal(newest["a"], [3, 3])


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a training in a process, a fork of one that has imported all it needs.

    What a process compiles is kept for the next one.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs a system that can fork")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed_training"])

    def started(folder):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=train, args=(folder, tmp_path / "cache", theirs))
        child.start()
        theirs.close()
        return child, ours

    return started


def durations(start, folder):
    """Seconds from each of what a training tells to the next, when nothing kills it."""
    child, told = start(folder)
    times, words = [], None
    with told:
        while words != "end":
            words = told.recv()
            times.append(time.perf_counter())
    child.join()
    assert child.exitcode == 0
    return np.diff(times)


def kill(start, seconds, moment, folder):
    """Kill a training at a moment: 3.25 is a quarter of the way from told 3 to 4."""
    after, share = divmod(moment, 1)
    child, told = start(folder)
    with told:
        for _ in range(int(after) + 1):
            told.recv()
        time.sleep(share * seconds[int(after)])
        child.kill()
        child.join()
    if child.exitcode == 0:  # it was quicker this time: earlier, then
        shutil.rmtree(folder)
        return kill(start, seconds, after + share / 2, folder)
    assert child.exitcode == -signal.SIGKILL
    return found(folder)


def found(folder):
    """What a killed training was doing, by what it left."""
    left = names(folder) if folder.exists() else []
    steps = [name for name in left if re.fullmatch(r"step_\d+", name)]
    records = [name for name in left if re.fullmatch(r"step_\d+\.json", name)]
    if left == sorted([*steps, *(f"{step}.json" for step in steps)]):
        if len(steps) > 2:
            return "removing"
        return "training" if steps else "starting"
    return "removing" if records and f"{steps[0]}.json" not in records else "writing"


def kill_and_resume(kills, start, tmp_path, uninterrupted):
    """Kill so many trainings once, resume each here; what they were doing."""
    seconds = durations(start, tmp_path / "not_killed")
    rng = random.Random(kills)
    # As many in each part of the training, from its start to its end.
    moments = [len(seconds) * (i + rng.random()) / kills for i in range(kills)]
    folders = [tmp_path / f"training_{i}" for i in range(kills)]
    hit = []
    with ThreadPoolExecutor(2) as executor:
        killed = executor.map(partial(kill, start, seconds), moments, folders)
        for moment, doing, folder in zip(moments, killed, folders, strict=True):
            model, steps = resumed(folder)
            assert same(model, uninterrupted), (moment, doing)
            # Nothing is done twice, and no part of a checkpoint is left; a file that
            # was half written under a name of its own may be.
            assert len(steps) <= 10 - int(moment), (moment, doing)
            left = [name for name in names(folder) if not name.startswith(".cgm-jax-")]
            assert left == names(tmp_path / "not_killed"), (moment, doing)
            hit.append(doing)
            shutil.rmtree(folder)
    return Counter(hit)


@pytest.mark.long
def test_fifty_kills_at_random_moments(start, tmp_path, uninterrupted):
    hit = kill_and_resume(50, start, tmp_path, uninterrupted)
    assert hit.total() == 50
    assert hit["training"] > 0
    assert hit["writing"] > 0
