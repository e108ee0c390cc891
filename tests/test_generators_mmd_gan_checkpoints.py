"""A training that was killed ends in the bytes of the one that was not."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

from cgm_jax.generators import MMDGAN
from cgm_jax.generators.mmd_gan_checkpoints import Checkpoints

POINTS = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
KEY = jax.random.key(0)
SMALL = MMDGAN(width=4, depth=1, batch_size=8, num_steps=300, evaluate_every=10)
# A child trains until it is killed or done. What it compiles is kept for the next one.
CHILD = """
import sys
import jax
import numpy as np
from cgm_jax.generators import MMDGAN
POINTS = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
options = MMDGAN(width=4, depth=1, batch_size=8, num_steps=300, evaluate_every=10)
print("ready", flush=True)
options.fit(jax.random.key(0), POINTS, checkpoint_dir=sys.argv[1])
"""


@pytest.fixture(scope="module")
def uninterrupted():
    return SMALL.fit(KEY, POINTS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory, uninterrupted):
    folder = tmp_path_factory.mktemp("checkpoints")
    assert same(SMALL.fit(KEY, POINTS, checkpoint_dir=folder), uninterrupted)
    return folder


def same(a, b):
    return (
        all(np.array_equal(a.parameters[k], b.parameters[k]) for k in b.parameters)
        and np.array_equal(a.history, b.history)
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
    steps = ["step_00000290", "step_00000300"]
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
    other = MMDGAN(
        **{
            "width": 4,
            "depth": 1,
            "batch_size": 8,
            "num_steps": 300,
            "evaluate_every": 10,
            **options,
        }
    )
    with pytest.raises(ValueError, match=message):
        other.fit(key, points, checkpoint_dir=folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_is_not_ours_stays(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    checkpoints = Checkpoints.of(tmp_path, SMALL, POINTS, KEY)
    assert checkpoints.newest({"a": np.zeros(2)}) is None
    for step in (1, 2, 3):
        checkpoints.save(step, {"a": np.full(2, step, np.float32)})
    assert len(names(tmp_path)) == 5
    assert (tmp_path / "notes.txt").read_text() == "mine"
    newest = checkpoints.newest({"a": np.zeros(2, np.float32)})
    np.testing.assert_array_equal(newest["a"], [3, 3])


def kill_and_resume(folder, cache, rng):
    """Kill a child at a random moment of its training."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, folder], env=environment, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout.readline() == b"ready\n"
        # Some time into the chunk, or into its saving, after a random checkpoint.
        reached = folder / f"step_{10 * rng.randrange(1, 29):08d}"
        while child.poll() is None and not reached.exists():
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.05))
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()


@pytest.mark.parametrize("kills", [3])
def test_kills_at_random_moments(kills, tmp_path, uninterrupted):
    rng, went_on = random.Random(kills), 0
    for i in range(kills):
        folder = tmp_path / f"training_{i}"
        kill_and_resume(folder, tmp_path / "cache", rng)
        model, steps = resumed(folder)
        went_on += 0 < len(steps) < 30
        assert same(model, uninterrupted)
        shutil.rmtree(folder)
    assert went_on > kills / 2  # most kills came in the middle
