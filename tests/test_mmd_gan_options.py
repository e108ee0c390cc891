"""The MMD-GAN as its users see it: fit, sample, save, load, and what it refuses."""

import subprocess
import sys
from dataclasses import replace

import jax
import numpy as np
import pytest

from cgm_jax.generators import MMDGAN, Generator, MMDGANModel
from cgm_jax.generators.base import BLOCK_SIZE
from cgm_jax.generators.mmd_gan import loop as fitting
from cgm_jax.generators.mmd_gan.mmd_gan import set_up
from cgm_jax.kernels import SquaredExponential

# Two far-away clusters in units of very different size, and a constant column.
RNG = np.random.default_rng(0)
POINTS = np.column_stack(
    [
        RNG.choice([1e4, 3e4], 300) + RNG.normal(size=300) * 1e3,
        RNG.normal(size=300) * 1e-2,
        np.full(300, 7.0),
    ]
)
# The kernel is the quickest to compile; the default one is in the docstring's example.
SMALL = MMDGAN(
    width=8, depth=1, num_steps=9, evaluate_every=3, batch_size=16, kernel="distance"
)
KEY = jax.random.key(0)

pytestmark = pytest.mark.usefixtures("quickly_judged")


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def model(told):
    return SMALL.fit(KEY, POINTS, progress=told.append)


def equal(a: MMDGANModel, b: MMDGANModel) -> bool:
    return set(a.parameters) == set(b.parameters) and all(
        np.array_equal(a.parameters[name], b.parameters[name]) for name in a.parameters
    )


def test_it_is_a_generator():
    assert isinstance(SMALL, Generator)


@pytest.mark.medium
def test_units_are_those_of_the_points(model):
    points = SMALL.sample(jax.random.key(1), model, 1_000)
    assert points.shape == (1_000, 3)
    assert points.dtype == np.float32
    np.testing.assert_allclose(model.shift, POINTS.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(model.scale[:2], POINTS[:, :2].std(axis=0), rtol=1e-4)
    spread = np.abs((points - model.shift[None]) / model.scale[None])
    assert 0.01 < spread[:, :2].std() < 10


@pytest.mark.parametrize("num", [1, BLOCK_SIZE - 1, BLOCK_SIZE + 1])
def test_more_points_start_with_fewer(model, num):
    key = jax.random.key(2)
    small, large = (SMALL.sample(key, model, size) for size in (num, 2 * num))
    assert small.shape == (num, 3)
    np.testing.assert_array_equal(large[:num], small)
    assert len(np.unique(large, axis=0)) == len(large)  # no block repeats another


def test_those_kept_are_some_of_those_drawn(model):
    everything = np.asarray(replace(model, calibration=None).sample(KEY, BLOCK_SIZE))
    kept = np.asarray(model.sample(KEY, 1_000))
    at = [int(np.flatnonzero((everything == row).all(axis=1))[0]) for row in kept]
    assert at == sorted(at)
    chance = model.calibration.acceptance((everything - model.shift) / model.scale)
    assert len(at) / at[-1] == pytest.approx(chance[: at[-1]].mean(), abs=0.05)
    assert chance[at].mean() > chance.mean()


@pytest.mark.medium
def test_calibrated_on_training_points_and_noise_of_their_own(model, monkeypatch):
    told = {}

    def keeps_all(training, generated, *, length_scale):
        told.update(training=training, generated=generated)
        return fitted(training, generated, length_scale=length_scale)

    fitted = fitting.fit_calibration
    monkeypatch.setattr(fitting, "fit_calibration", keeps_all)
    again = SMALL.fit(KEY, POINTS)
    assert equal(model, again)
    setup, _ = set_up(KEY, SMALL, POINTS)
    np.testing.assert_array_equal(told["training"], setup.training)
    assert len(told["generated"]) == 10 * len(setup.training)
    judged = np.asarray(model.sample(setup.evaluate_key, 100))
    judged = (judged - model.shift) / model.scale
    nearest = np.abs(told["generated"][:, None, :2] - judged[None, :, :2])
    assert nearest.max(axis=2).min() > 1e-6
    plain = replace(SMALL, calibrated=False).fit(KEY, POINTS)
    assert plain.calibration is None
    assert equal(model, plain)
    assert plain.quality.generated != model.quality.generated


def test_which_points_were_held_out_is_known_from_the_key():
    setup, _ = set_up(KEY, SMALL, POINTS)
    unseen = SMALL.held_out_rows(KEY, POINTS)
    assert len(unseen) == len(setup.held_out) == 30
    expected = (POINTS - setup.shift[None]) / setup.scale[None]
    np.testing.assert_array_equal(setup.held_out, expected[unseen].astype(np.float32))


def test_the_key_decides(model):
    first, again, other = (
        SMALL.sample(jax.random.key(seed), model, 5) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert not (first[:, :2] == other[:, :2]).any()
    with pytest.raises(ValueError, match="points to draw >= 1, got 0"):
        SMALL.sample(KEY, model, 0)


@pytest.mark.medium
def test_same_key_same_parameters_whatever_the_users_precision(model):
    with jax.enable_x64(True):
        assert equal(model, SMALL.fit(KEY, POINTS))
        key = jax.random.key(1)
        in_scope = np.asarray(SMALL.sample(key, model, 7))
    np.testing.assert_array_equal(in_scope, SMALL.sample(key, model, 7))
    assert not equal(model, SMALL.fit(jax.random.key(1), POINTS))


def test_progress_and_history(model, told):
    assert [p.step for p in told] == [3, 6, 9]
    assert all(p.num_steps == 9 and p.steps_per_second > 0 for p in told)
    assert model.history.shape == (3, 5)
    np.testing.assert_array_equal(model.history[:, 0], [3, 6, 9])
    np.testing.assert_allclose(model.history[:, 1], [p.loss for p in told])
    np.testing.assert_allclose(model.history[:, 2:4], [p.held_out_mmd2 for p in told])
    np.testing.assert_allclose(model.history[:, 4], 1e-3)
    assert model.stop_reason == "all-steps"
    assert model.quality.num_held_out == 30
    assert model.quality.is_worse_than_kernel_density  # after nine steps


def test_a_saved_model_is_the_model(model, tmp_path):
    path = tmp_path / "folder" / "model.npz"
    model.save(path)
    loaded = MMDGANModel.load(path)
    assert equal(model, loaded)
    assert MMDGAN.like(loaded) == SMALL
    assert loaded.trained_with == model.trained_with
    assert loaded.quality == model.quality
    assert loaded.stop_reason == model.stop_reason
    np.testing.assert_array_equal(loaded.history, model.history)
    key = jax.random.key(1)
    np.testing.assert_array_equal(model.sample(key, 5), loaded.sample(key, 5))
    plain = replace(model, calibration=None)
    plain.save(path)
    assert MMDGANModel.load(path).calibration is None
    assert [p.name for p in path.parent.iterdir()] == ["model.npz"]


def test_a_file_that_is_no_model(model, tmp_path):
    path = tmp_path / "model.npz"
    model.save(path)
    whole = path.read_bytes()
    with np.load(path) as file:
        arrays = dict(file)
    name = next(name for name in arrays if name.startswith("parameters."))
    damaged = {
        "cut short": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"age,income\n31,2\n",
    }
    for contents in damaged.values():
        path.write_bytes(contents)
        with pytest.raises(ValueError, match=r"model\.npz: expected a saved MMD-GAN"):
            MMDGANModel.load(path)
    for changed in (
        {"other": np.zeros(3)},
        {k: v for k, v in arrays.items() if k != name},
        {**arrays, name: arrays[name][..., :1]},
        {k: v for k, v in arrays.items() if k != "calibration.intercept"},
        {**arrays, "calibration.landmarks": np.zeros((2, 3))},
        {**arrays, "calibration.intercept": np.array(np.nan)},
        {**arrays, "facts": np.array('{"format": "something else"}')},
        {**arrays, "facts": np.array([{}], dtype=object)},  # a pickle is not read
    ):
        np.savez(path, **changed)
        with pytest.raises(ValueError, match=r"model\.npz: expected a saved MMD-GAN"):
            MMDGANModel.load(path)
    with pytest.raises(FileNotFoundError):
        MMDGANModel.load(tmp_path / "absent.npz")


@pytest.mark.medium
def test_numbers_that_are_not_finite_bring_back_the_last_good_state(model, monkeypatch):
    real_train, calls = fitting.train, []

    def breaks(key, program, state, points, **rest):
        calls.append((int(state.step), float(state.learning_rate)))
        state, losses = real_train(key, program, state, points, **rest)
        if len(calls) == 2:
            broken = jax.tree.map(lambda a: a * np.float32(np.nan), state.critic)
            state = state._replace(critic=broken)
        if len(calls) == 3:  # finite parameters of infinite points
            broken = jax.tree.map(lambda a: a + np.float32(1e38), state.average)
            state = state._replace(average=broken)
        return state, losses

    monkeypatch.setattr(fitting, "train", breaks)
    restarted = SMALL.fit(KEY, POINTS)
    assert [step for step, _ in calls] == [0, 3, 3, 3, 6]
    rates = [rate for _, rate in calls]
    np.testing.assert_allclose(rates, np.array([1, 1, 0.5, 0.25, 0.25]) * 1e-3)
    assert restarted.stop_reason == "all-steps"
    assert all(np.isfinite(a).all() for a in restarted.parameters.values())
    np.testing.assert_array_equal(restarted.history[0], model.history[0])


@pytest.mark.medium
def test_numbers_that_never_become_finite(monkeypatch):
    real_train = fitting.train

    def breaks_from(step):
        def broken(key, program, state, points, **rest):
            good = int(state.step) < step
            state, loss = real_train(key, program, state, points, **rest)
            return state, loss if good else loss * np.float32(np.nan)

        return broken

    monkeypatch.setattr(fitting, "train", breaks_from(3))
    stopped = SMALL.fit(KEY, POINTS)
    assert stopped.stop_reason == "not-finite"
    np.testing.assert_array_equal(stopped.history[:, 0], [3])
    monkeypatch.setattr(fitting, "train", breaks_from(0))
    with pytest.raises(FloatingPointError, match="smaller learning_rate"):
        SMALL.fit(KEY, POINTS)


@pytest.mark.medium
def test_patience_stops_and_returns_the_best(monkeypatch):
    options = replace(SMALL, num_steps=21, patience=2)
    figures = iter([0.5, 0.2, 0.3, 0.25])
    monkeypatch.setattr(fitting, "likeness", lambda *_, **__: (next(figures), 0.0))
    stopped = options.fit(KEY, POINTS)
    assert stopped.stop_reason == "patience"
    np.testing.assert_array_equal(stopped.history[:, 0], [3, 6, 9, 12])
    # Its parameters are those after six steps.
    monkeypatch.undo()
    assert equal(stopped, replace(SMALL, num_steps=6).fit(KEY, POINTS))


@pytest.mark.medium
def test_three_checks_without_improvement_halve_the_rate(monkeypatch):
    options = replace(SMALL, num_steps=21, learning_rate_rule="three-sample")
    answers = iter([False, False, True, False, False, False, True])
    monkeypatch.setattr(fitting, "is_nearer", lambda *_: next(answers))
    told = []
    model = options.fit(KEY, POINTS, progress=told.append)
    np.testing.assert_allclose(
        model.history[:, 4], np.array([1, 1, 1, 1, 1, 1, 0.5]) * 1e-3
    )


@pytest.mark.parametrize(
    "kernel",
    [
        pytest.param("rational-quadratic-dot", marks=pytest.mark.slow),
        SquaredExponential(20.0),
    ],
    ids=["critic", "fixed"],
)
@pytest.mark.medium
def test_numbers_of_a_range_stay_in_it(kernel):
    images = RNG.integers(0, 17, (60, 16))
    options = MMDGAN(
        kernel=kernel,
        shape=(4, 4, 1),
        value_range=(0, 16),
        channels=2,
        num_steps=2,
        evaluate_every=2,
        batch_size=4,
    )
    model = options.fit(KEY, images)
    points = np.asarray(options.sample(KEY, model, 200))
    assert points.shape == (200, 16)
    assert points.min() > 0
    assert points.max() < 16
    assert points.std() > 0.1
    with pytest.raises(ValueError, match="got numbers from 0 to 17"):
        options.fit(KEY, np.where(images == 16, 17, images))


@pytest.mark.medium
def test_a_table_of_a_range_is_generated_in_it():
    table = RNG.integers(0, 17, (60, 3))
    options = replace(SMALL, value_range=(0, 16))
    setup, run = set_up(KEY, options, table)
    points = setup.generated(run.training.average)
    assert 0 < points.min() < points.max() < 1
    assert points.std() > 0.1 / 16
    np.testing.assert_array_equal(setup.shift, np.zeros(3))
    np.testing.assert_array_equal(setup.scale, np.full(3, 16.0))


def test_the_papers_setting():
    options = MMDGAN.paper(shape=(32, 32, 3), value_range=(0, 255))
    assert (options.critic_steps, options.learning_rate) == (5, 1e-4)
    assert (options.latent, options.latent_size) == ("uniform", 100)
    assert options.learning_rate_rule == "three-sample"
    assert (options.feature_size, options.batch_size) == (16, 64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_steps": 0}, "num_steps of at least 1; got 0"),
        ({"batch_size": 1}, "batch_size of at least 2; got 1"),
        ({"latent_size": 0}, "latent_size of at least 1"),
        ({"patience": 0}, "patience of at least 1"),
        ({"learning_rate": 0.0}, "learning_rate positive and finite"),
        ({"learning_rate": np.nan}, "learning_rate positive and finite"),
        ({"gradient_penalty": -1.0}, "gradient_penalty finite and at least 0"),
        ({"average": 1.0}, r"average in \[0, 1\)"),
        ({"held_out": 0.0}, "held_out"),
        ({"kernel": "gaussian"}, "one of rational-quadratic-dot, .*'gaussian'"),
        ({"latent": "cauchy"}, "latent to be one of normal, uniform"),
        ({"learning_rate_rule": "cosine"}, "one of constant, three-sample"),
        ({"value_range": (1, 1)}, "lowest below highest"),
        ({"shape": (8, 8, 1)}, "Expected value_range"),
        ({"shape": (9, 8, 1), "value_range": (0, 1)}, "multiples of 4.*pad"),
    ],
)
def test_options_without_meaning(options, message):
    with pytest.raises(ValueError, match=message):
        MMDGAN(**options)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (POINTS[:19], "at least 20 points .* got 19"),
        (np.ones((30, 2)), "same row everywhere"),
        (POINTS[:, 0], r"got \(300,\)"),
        (np.where(POINTS > 3e4, np.nan, POINTS), "finite numbers in points"),
    ],
)
def test_points_that_cannot_be_learnt(points, message):
    with pytest.raises(ValueError, match=message):
        SMALL.fit(KEY, points)


def test_images_of_another_size():
    options = MMDGAN(shape=(4, 4, 1), value_range=(0.0, 1.0))
    with pytest.raises(ValueError, match="rows of 16 numbers, got 64 columns"):
        options.fit(KEY, RNG.uniform(size=(30, 64)))


@pytest.mark.medium
def test_flax_is_imported_when_it_is_used():
    code = (
        "import sys, cgm_jax\n"
        "assert 'flax' not in sys.modules\n"
        "cgm_jax.generators.MMDGAN\n"
        "assert 'flax' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.medium
def test_a_column_far_from_zero_is_centred_before_it_is_rounded():
    # Seconds since 1970 within ten minutes: float32 knows multiples of 128 s only.
    times = np.column_stack([1.7e9 + RNG.uniform(0, 600, 300), POINTS[:, 1]])
    setup, _ = set_up(KEY, SMALL, times)
    assert len(np.unique(setup.training[:, 0])) == 270
    np.testing.assert_allclose(setup.scale[0], times[:, 0].std())
