"""The MMD-GAN with a fixed kernel: what is minimised, in which units, what is saved."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from flax import nnx

from cgm_jax.generators import MMDGAN, MMDGANModel
from cgm_jax.generators.mmd_gan.fixed_kernel import InUnits, kernel_record
from cgm_jax.generators.mmd_gan.mmd_gan import set_up
from cgm_jax.generators.mmd_gan.step import (
    draw_batches,
    generator_loss,
    start_training,
    train,
)
from cgm_jax.kernels import (
    DeepKernel,
    FeatureNetwork,
    Laplace,
    SquaredExponential,
    load_kernel,
    save_kernel,
)

KEY = jax.random.key(0)
UNITS = np.array([100.0, 0.01])  # of the columns: a kernel in others sees nothing
FAR = np.array([300.0, -0.05])


def mixture(seed, num):
    """Two clusters, in units of very different size and away from zero."""
    rng = np.random.default_rng(seed)
    corner = rng.choice([-1.0, 1.0], num)[:, None]
    return FAR[None] + UNITS[None] * (corner + 0.3 * rng.normal(size=(num, 2)))


def first_layer_in_units(network):
    """As a network that was fitted to such points: it takes them in their units."""
    weights = network.layers[0].kernel
    weights[...] = weights[...] / jnp.asarray(UNITS, jnp.float32)[:, None]
    return network


POINTS = mixture(0, 400)
PLAIN = SquaredExponential(0.7 * UNITS)
DEEP = DeepKernel(
    first_layer_in_units(FeatureNetwork((2, 8, 4), rngs=nnx.Rngs(0))),
    SquaredExponential(0.5),
    points_kernel=PLAIN,
    epsilon=0.1,
)
KERNELS = {"plain": PLAIN, "deep": DEEP}
every_kernel = pytest.mark.parametrize("name", KERNELS)
SMALL = MMDGAN(width=32, num_steps=6, evaluate_every=3, batch_size=32)

pytestmark = pytest.mark.usefixtures("quickly_judged")


def with_kernel(name, **options):
    return replace(SMALL, kernel=KERNELS[name], **options)


@pytest.fixture(scope="module")
def models():
    return {name: with_kernel(name).fit(KEY, POINTS) for name in KERNELS}


loss_and_slope = jax.jit(
    jax.value_and_grad(generator_loss, argnums=2), static_argnames="program"
)
block_and_diagonal = jax.jit(lambda kernel, x: (kernel(x, x), kernel.diagonal(x)))
batches_of = jax.jit(draw_batches, static_argnames="program")


def bytes_of(tree):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


def same(a, b):
    return (
        a.parameters.keys() == b.parameters.keys()
        and bytes_of(a.parameters) == bytes_of(b.parameters)
        and a.history.tobytes() == b.history.tobytes()
        and a.quality == b.quality
    )


def definition(kernel):
    """The kernel in NumPy."""
    if kernel is PLAIN:
        return oracles.squared_exponential(0.7 * UNITS)
    layers = kernel.network.network().layers
    network = oracles.softplus_network(
        [tuple(np.asarray(a[...], float) for a in (x.kernel, x.bias)) for x in layers]
    )
    base = oracles.squared_exponential(0.5)
    return oracles.deep(base, network, oracles.squared_exponential(0.7 * UNITS), 0.1)


def in_float64(name, shift, scale):
    """Program, generator, and kernel in the networks' units."""
    parts = with_kernel(name).split(2)[:2]
    program, state = start_training(KEY, *parts, learning_rate=1e-3)
    with jax.enable_x64(True):
        generator, kernel = jax.tree.map(
            lambda leaf: jnp.asarray(np.asarray(leaf, float)),
            (state.generator, KERNELS[name]),
        )
    return program, generator, InUnits(kernel, shift, scale)


@every_kernel
@pytest.mark.medium
def test_the_loss_is_mmd2_of_points_in_their_units_and_its_gradient(name):
    shift, scale = POINTS.mean(axis=0), POINTS.std(axis=0)
    program, generator, kernel = in_float64(name, shift, scale)
    plain, key = definition(KERNELS[name]), jax.random.key(3)
    scaled = (POINTS - shift[None]) / scale[None]

    with jax.enable_x64(True):
        points = jnp.asarray(scaled)

        def by_definition(generator):
            batches = batches_of(key, program, generator, points)
            real, fake = (shift[None] + scale[None] * np.asarray(b) for b in batches)
            assert len(real) == len(fake) == 32
            assert np.abs(real[:, None] - POINTS[None]).max(2).min(1).max() < 1e-9
            return oracles.mmd2_unbiased(plain, real, fake)

        loss, slope = loss_and_slope(key, program, generator, None, points, kernel)
        np.testing.assert_allclose(loss, by_definition(generator), rtol=1e-9)
        leaves, structure = jax.tree.flatten(generator)
        for seed in range(3):
            rng = np.random.default_rng(seed)
            along = [rng.normal(size=leaf.shape) for leaf in leaves]
            ends = [
                by_definition(
                    jax.tree.unflatten(
                        structure,
                        [a + h * b for a, b in zip(leaves, along, strict=True)],
                    )
                )
                for h in (1e-5, -1e-5)
            ]
            slopes = zip(jax.tree.leaves(slope), along, strict=True)
            expected = (ends[0] - ends[1]) / 2e-5
            assert abs(expected) > 1e-3  # so that it is not zero against zero
            np.testing.assert_allclose(
                sum(float((a * b).sum()) for a, b in slopes), expected, rtol=1e-5
            )


@pytest.mark.medium
def test_a_step_goes_down_that_gradient_and_there_is_no_critic():
    setup, run = set_up(KEY, with_kernel("deep"), POINTS)
    start, points = run.training, jnp.asarray(setup.training)
    assert jax.tree.leaves((start.critic, start.critic_adam)) == []
    key, state, rate = jax.random.key(5), start, SMALL.learning_rate
    mean = square = [np.zeros_like(leaf) for leaf in jax.tree.leaves(start.generator)]
    for t in (1, 2):
        step_key = jax.random.split(jax.random.fold_in(key, t - 1))[1]
        expected, slope = loss_and_slope(
            step_key, setup.program, state.generator, None, points, setup.fixed_kernel
        )
        before = state
        state, loss = train(
            key, setup.program, state, points, num_steps=1, kernel=setup.fixed_kernel
        )
        np.testing.assert_allclose(loss, expected, rtol=1e-4)
        # Adam(0.5, 0.9), as Kingma and Ba write it.
        slopes = [np.asarray(leaf, float) for leaf in jax.tree.leaves(slope)]
        mean = [0.5 * m + 0.5 * g for m, g in zip(mean, slopes, strict=True)]
        square = [0.9 * s + 0.1 * g**2 for s, g in zip(square, slopes, strict=True)]
        leaves = map(jax.tree.leaves, (before.generator, state.generator))
        for old, new, m, s in zip(*leaves, mean, square, strict=True):
            step = m / (1 - 0.5**t) / (np.sqrt(s / (1 - 0.9**t)) + 1e-8)
            # To a thousandth of a step, up to the slopes' rounding.
            np.testing.assert_allclose(new, old - rate * step, rtol=0, atol=rate / 1e3)
    assert jax.tree.leaves((state.critic, state.critic_adam)) == []
    with pytest.raises(ValueError, match="Expected the fixed kernel"):
        train(key, setup.program, start, points, num_steps=1)


@pytest.mark.parametrize("value_range", [None, (-100.0, 800.0)])
@pytest.mark.medium
def test_the_kernel_sees_points_in_the_callers_units(value_range):
    options = with_kernel("deep", value_range=value_range)
    setup, _ = set_up(KEY, options, POINTS)
    rows = options.held_out_rows(KEY, POINTS)
    expected = definition(DEEP)(POINTS[rows], POINTS[rows])
    assert expected.min() < 0.1
    held_out = jnp.asarray(setup.held_out)
    block, diagonal = block_and_diagonal(setup.fixed_kernel, held_out)
    # Of an image's range only: 0.01 in 900 has five digits in float32.
    atol = 1e-5 if value_range is None else 1e-2
    np.testing.assert_allclose(block, expected, atol=atol)
    np.testing.assert_allclose(diagonal, expected.diagonal(), atol=atol)
    wider = setup.fixed_kernel.with_length_scale(2.0)
    assert float(wider.kernel.length_scale) == 2.0


@every_kernel
@pytest.mark.medium
def test_generated_points_come_much_nearer_to_held_out_ones(name):
    options = with_kernel(
        name, learning_rate=5e-3, evaluate_every=400, calibrated=False
    )
    plain, unseen = definition(KERNELS[name]), mixture(1, 500)

    def mmd2(num_steps):
        model = replace(options, num_steps=num_steps).fit(KEY, POINTS)
        generated = np.asarray(model.sample(jax.random.key(1), 500))
        return oracles.mmd2_unbiased(plain, generated, unseen)

    before, after = mmd2(1), mmd2(400)
    assert before > 0.05
    assert after < before / 10


@every_kernel
def test_ten_steps_are_five_steps_twice(name):
    setup, run = set_up(KEY, with_kernel(name), POINTS)
    points = jnp.asarray(setup.training)

    def steps(state, num):
        return train(
            jax.random.key(5),
            setup.program,
            state,
            points,
            num_steps=num,
            kernel=setup.fixed_kernel,
        )[0]

    whole = steps(run.training, 10)
    half = steps(run.training, 5)
    assert bytes_of(half) != bytes_of(whole)
    assert bytes_of(steps(half, 5)) == bytes_of(whole)


@pytest.mark.medium
def test_kernels_of_one_structure_share_a_program():
    before = None
    for scale in (0.5, np.float64(0.25), jnp.asarray(2.0)):
        kernel = replace(DEEP, base=SquaredExponential(scale))
        setup, run = set_up(KEY, replace(SMALL, kernel=kernel), POINTS)
        points = jnp.asarray(setup.training)
        state, _ = train(
            KEY,
            setup.program,
            run.training,
            points,
            num_steps=1,
            kernel=setup.fixed_kernel,
        )
        count = train._cache_size()
        assert before is None or (count == before[0] and bytes_of(state) != before[1])
        before = count, bytes_of(state)


@every_kernel
@pytest.mark.medium
def test_calibration_and_quality_are_those_of_any_training(name, models):
    model = models[name]
    assert model.calibration is not None
    assert model.quality.num_held_out == 40
    assert model.stop_reason == "all-steps"
    np.testing.assert_array_equal(model.history[:, 0], [3, 6])
    samples = np.asarray(model.sample(jax.random.key(1), 200))
    assert (np.abs(samples - FAR[None]) / UNITS[None]).max() < 20


@every_kernel
@pytest.mark.medium
def test_the_kernel_stays_as_it_was_whatever_its_precision(name, models):
    kernel = jax.tree.map(lambda leaf: np.array(leaf, np.float64), KERNELS[name])
    before = bytes_of(kernel)
    options = replace(SMALL, kernel=kernel)
    assert same(options.fit(KEY, POINTS), models[name])
    with jax.enable_x64(True):
        wide = replace(SMALL, kernel=jax.tree.map(jnp.asarray, kernel))
        assert same(wide.fit(KEY, POINTS), models[name])
    assert bytes_of(kernel) == before
    assert options.kernel is kernel
    assert kernel_record(kernel) == kernel_record(KERNELS[name])


@every_kernel
@pytest.mark.medium
def test_a_saved_model_is_the_model_and_remembers_its_kernel(name, models, tmp_path):
    model, path = models[name], tmp_path / "model.npz"
    model.save(path)
    loaded = MMDGANModel.load(path)
    assert same(loaded, model)
    key = jax.random.key(1)
    np.testing.assert_array_equal(loaded.sample(key, 50), model.sample(key, 50))
    record = kernel_record(KERNELS[name])
    assert loaded.trained_with == {**SMALL.facts(), "kernel": record}
    with pytest.raises(ValueError, match=f"{record['kind']} .*hand it in again"):
        MMDGAN.like(loaded)
    loaded.save(path)
    assert MMDGANModel.load(path).trained_with["kernel"] == record
    again = MMDGAN.like(loaded, kernel=KERNELS[name])
    assert again == with_kernel(name)
    assert same(again.fit(KEY, POINTS), model)


@pytest.mark.medium
def test_a_training_goes_on_with_its_kernel_and_with_no_other(models, tmp_path):
    class Interrupted(Exception):
        pass

    def interrupt(_):
        raise Interrupted

    folder = tmp_path / "checkpoints"
    with pytest.raises(Interrupted):
        with_kernel("deep").fit(KEY, POINTS, checkpoint_dir=folder, progress=interrupt)
    others = {
        "numbers": replace(DEEP, base=SquaredExponential(0.5001)),
        "structure": replace(DEEP, base=Laplace(0.5)),
        "kind": PLAIN,
        "name": "rational-quadratic-dot",
    }
    for kernel in others.values():
        other = replace(SMALL, kernel=kernel)
        with pytest.raises(ValueError, match=r"of another: kernel .* there and .* now"):
            other.fit(KEY, POINTS, checkpoint_dir=folder)
    # In another session the kernel comes from its file.
    save_kernel(tmp_path / "kernel.npz", DEEP)
    options = replace(SMALL, kernel=load_kernel(tmp_path / "kernel.npz"))
    told = []
    model = options.fit(KEY, POINTS, checkpoint_dir=folder, progress=told.append)
    assert [p.step for p in told] == [6]
    assert same(model, models["deep"])
