"""A training that goes on from a checkpoint ends as one that was never interrupted."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from test_mmd_gan_options import KEY, POINTS, SMALL

from cgm_jax.generators.mmd_gan.checkpoints import Checkpoints

pytestmark = pytest.mark.usefixtures("quickly_judged")


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


def resumed(folder, options=SMALL, points=POINTS):
    """The model, and the steps at which the resumed training was evaluated."""
    told = []
    model = options.fit(KEY, points, checkpoint_dir=folder, progress=told.append)
    return model, [p.step for p in told]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of the last two checkpoints of a whole training."""
    return Path(shutil.copytree(saved, tmp_path / "copy"))


@pytest.mark.medium
def test_two_checkpoints_are_kept(folder):
    steps = ["step_00000006", "step_00000009"]
    assert names(folder) == sorted(steps + [f"{step}.json" for step in steps])


@pytest.mark.medium
def test_nothing_is_left_to_do(folder, uninterrupted):
    model, steps = resumed(folder)
    assert steps == []
    assert same(model, uninterrupted)


def remove_record(folder):
    (folder / "step_00000009.json").unlink()


def cut_record(folder):
    path = folder / "step_00000009.json"
    path.write_bytes(path.read_bytes()[:40])


def change_digest(folder):
    path = folder / "step_00000009.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "sha256": "0" * 64}))


def remove_arrays(folder):
    shutil.rmtree(folder / "step_00000009")


def cut_arrays(folder):
    for path in (folder / "step_00000009").rglob("*"):
        if path.is_file() and path.stat().st_size > 100:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage", [remove_record, cut_record, change_digest, remove_arrays, cut_arrays]
)
@pytest.mark.medium
def test_the_one_before_counts_where_the_newest_is_damaged(
    folder, damage, uninterrupted
):
    damage(folder)
    model, steps = resumed(folder)
    assert steps == [9]
    assert same(model, uninterrupted)
    assert "step_00000009.json" in names(folder)


@pytest.mark.parametrize(
    ("options", "points", "key", "message"),
    [
        ({"width": 5}, POINTS, KEY, r"width 8 there and 5 now"),
        ({"num_steps": 12}, POINTS, KEY, "num_steps 9 there and 12 now"),
        ({}, POINTS + 1, KEY, "points '300 x 3, sha256 .*there and '300 x 3, sha256"),
        ({}, POINTS[:100], KEY, "points '300 x 3.*there and '100 x 3"),
        ({}, POINTS, jax.random.key(1), r"key .*\[0, 0\].* there and .*\[0, 1\]"),
    ],
)
@pytest.mark.medium
def test_checkpoints_of_another_training_are_refused(
    folder, options, points, key, message
):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    other = replace(SMALL, **options)
    with pytest.raises(ValueError, match=message):
        other.fit(key, points, checkpoint_dir=folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.medium
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
