"""A training that is killed at any moment goes on, and ends in the same bytes."""

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
from functools import partial

import numpy as np
import pytest
from killed_training import OPTIONS, POINTS, train
from test_mmd_gan_checkpoints import KEY, names, resumed, same


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


def kill_and_resume(kills, start, tmp_path):
    """Kill so many trainings once, resume each here; what they were doing."""
    uninterrupted = OPTIONS.fit(KEY, POINTS)
    seconds = durations(start, tmp_path / "not_killed")
    rng = random.Random(kills)
    # As many in each part of the training, from its start to its end.
    moments = [len(seconds) * (i + rng.random()) / kills for i in range(kills)]
    folders = [tmp_path / f"training_{i}" for i in range(kills)]
    hit = []
    with ThreadPoolExecutor(2) as executor:
        killed = executor.map(partial(kill, start, seconds), moments, folders)
        for moment, doing, folder in zip(moments, killed, folders, strict=True):
            model, steps = resumed(folder, OPTIONS, POINTS)
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
def test_fifty_kills_at_random_moments(start, tmp_path):
    hit = kill_and_resume(50, start, tmp_path)
    assert hit.total() == 50
    assert hit["training"] > 0
    assert hit["writing"] > 0
