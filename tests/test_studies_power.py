"""Power and level are shares of tests that anybody can repeat."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.studies import power as module
from benchmarks.studies import tested_kernels
from benchmarks.studies.__main__ import main, print_power
from benchmarks.studies.power import POWER_PROBLEMS, PowerOptions, measure_power
from benchmarks.studies.power_tables import power_tables
from cgm_jax.gram import median_length_scale, quantile_length_scale
from cgm_jax.kernels import SquaredExponential
from cgm_jax.two_sample import estimate_power as power_of
from cgm_jax.two_sample import two_sample_test


def far_apart(key, num_points, *, same):
    x, y = jax.random.normal(key, (2, num_points, 2), jnp.float32)
    return x, y if same else y + 5


PROBLEM = module.PowerProblem("Far apart", far_apart, (20,), (2, 5, 3))
OPTIONS = PowerOptions(num_kernels=3, num_tests=40, num_steps=3)


@pytest.fixture(scope="module")
def results():
    return measure_power(PROBLEM, OPTIONS)


@pytest.mark.slow
def test_what_is_far_apart_is_always_told_apart(results):
    assert results.power.shape == results.level.shape == (4, 1, 3)
    # a near length scale sees no pair of points of two samples: it alone may miss it
    np.testing.assert_array_equal(results.power[[0, 1, 3]], 1)
    assert (results.power[2] > 0.8).all()
    # 120 tests of each size and kernel: five standard errors
    error = np.sqrt(0.05 * 0.95 / 120)
    assert (np.abs(results.level.mean(2) - 0.05) < 5 * error).all()


@pytest.mark.slow
def test_shares_are_those_of_tests_made_one_by_one(results):
    """The median length scale at the first size, from the seeds on."""
    key = jax.random.fold_in(jax.random.key(0), 20)
    data_key, _, test_key, level_key = (jax.random.fold_in(key, i) for i in range(4))
    x, y = far_apart(jax.random.fold_in(data_key, 1), 20, same=False)
    kernel = SquaredExponential(median_length_scale(np.concatenate([x, y])))
    np.testing.assert_allclose(
        results.fitted_criterion[3, 0, 1], power_of(kernel, x, y).criterion, rtol=1e-5
    )

    @jax.jit  # without 64-bit types other permutations are drawn
    def p_value(key, x, y):
        return two_sample_test(key, kernel, x, y, num_permutations=100).p_value

    rejected = []
    for each in jax.random.split(jax.random.fold_in(level_key, 1), 40):
        points_key, permutations_key = jax.random.split(each)
        pair = far_apart(points_key, 20, same=True)
        rejected.append(p_value(permutations_key, *pair) <= 0.05)
    assert np.mean(rejected) == pytest.approx(results.level[3, 0, 1])
    fresh = [
        power_of(kernel, *far_apart(each, 20, same=False)).criterion
        for each in jax.random.split(jax.random.fold_in(test_key, 1), 10)
    ]
    np.testing.assert_allclose(
        results.fresh_criterion[3, 0, 1], np.mean(fresh), rtol=1e-4
    )


class Asked(Exception):
    """Stops before anything is learned."""


@pytest.mark.parametrize(("given", "num_steps"), [(None, 1), (7, 7)])
@pytest.mark.medium
def test_what_a_deep_kernel_is_learned_with(monkeypatch, given, num_steps):
    def fit_kernels(keys, kernels, groups, **options):
        raise Asked(options)

    monkeypatch.setattr(tested_kernels, "fit_kernels", fit_kernels)
    with pytest.raises(Asked) as asked:
        measure_power(PROBLEM, PowerOptions(num_kernels=1, num_steps=given))
    (options,) = asked.value.args
    assert options["num_steps"] == num_steps
    assert options["share"] == 1
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), 20), 0)
    pair = far_apart(jax.random.fold_in(key, 0), 20, same=False)
    scale = quantile_length_scale(np.concatenate(pair), 0.01)
    assert options["jitter"] == pytest.approx(0.7 * scale / np.sqrt(2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_points": (1,)}, "num_points >= 2, got 1"),
        ({"num_kernels": 0}, "num_kernels >= 1, got 0"),
        ({"num_tests": 0}, "num_tests >= 1"),
        ({"num_permutations": 0}, "num_permutations >= 1"),
        ({"num_steps": 0}, "num_steps >= 1, got 0"),
        ({"num_points": (9, 9)}, "different sizes"),
        ({"significance": 1.0}, r"significance in \(0, 1\), got 1"),
        ({"num_points": (20,)}, "samples of 20 points, got 18 and 18"),
    ],
)
def test_options_without_meaning_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        measure_power(POWER_PROBLEMS["blobs"], PowerOptions(**options))


@pytest.mark.slow
def test_a_level_that_is_not_kept_is_said(results):
    always = replace(results, level=np.full_like(results.level, 0.5))
    # 120 tests: 0.45 is 22.6 standard errors of 0.0199
    np.testing.assert_allclose(always.level_deviations, 22.617, rtol=1e-4)
    sentences = [s for s in power_tables(always) if isinstance(s, str)]
    assert any(s.startswith("0 of these 4 shares are within") for s in sentences)


@pytest.mark.slow
def test_one_kernel_has_no_error(results, capsys):
    names = ("power", "level", "fitted_criterion", "fresh_criterion")
    one = replace(results, **{n: getattr(results, n)[..., :1] for n in names})
    print_power(one)
    printed = capsys.readouterr().out
    assert "nan" not in printed
    assert "1.000" in printed


@pytest.mark.slow
def test_the_command(tmp_path, capsys):
    out = tmp_path / "power"
    words = ["power", "blobs", "--out", str(out), "--num-kernels", "2"]
    words += ["--num-tests", "2", "--num-steps", "2", "--num-points", "18"]
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    assert "Blobs: power, 2 kernels, 2 tests each" in printed
    numbers = json.loads((out / "power.json").read_text("utf-8"))
    assert numbers["points of a sample"] == [18]
    assert np.shape(numbers["power"]["deep kernel"]) == (1, 2)
    assert (out / "power.png").read_bytes().startswith(b"\x89PNG")


def test_a_size_that_blobs_have_not_is_one_line(tmp_path, capsys):
    words = ["power", "blobs", "--num-points", "20", "27"]
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--out", str(tmp_path / "power")])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: Expected samples of 20 points, got 18 and 18")
