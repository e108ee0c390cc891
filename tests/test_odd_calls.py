"""Calls that are wrong: each ends in one line that says what was expected and came."""

import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

import cgm_jax
from cgm_jax import metrics, rewards, two_sample, valuation
from cgm_jax.audit import audit
from cgm_jax.generators import KernelDensity
from cgm_jax.gram import GramSums, gram_sums, smallest_length_scale
from cgm_jax.kernels import (
    DeepKernel,
    FeatureNetwork,
    Matern,
    Polynomial,
    RationalQuadratic,
    ScaleMixture,
    SquaredExponential,
    nonnegativity_lower_bound,
    value_bounds,
)
from cgm_jax.learning import fit_kernel
from cgm_jax.sampling import weighted_sampling

rng = np.random.default_rng(0)
PARTIES = [rng.normal(size=(40, 2)), rng.normal(size=(30, 2)) + 1]
CANDIDATES = rng.normal(size=(200, 2))
KERNEL, KEY = SquaredExponential(1.0), jax.random.key(0)
SUMS = gram_sums(KERNEL, PARTIES, CANDIDATES)


class Sampling:
    """A generator of what it is given."""

    def __init__(self, points: np.ndarray):
        self.points = points

    def fit(self, key: Any, points: np.ndarray) -> None:
        return None

    def sample(self, key: Any, model: None, num: int) -> np.ndarray:
        return self.points


class OnlyFit:
    def fit(self, key: Any, points: np.ndarray) -> None:
        return None


def sums(parties: Any = PARTIES, candidates: Any = CANDIDATES, kernel: Any = KERNEL):
    return gram_sums(kernel, parties, candidates)


def draw(key: Any = KEY, kernel: Any = KERNEL, candidates: Any = CANDIDATES, **options):
    options = {"inverse_temperature": 1.0, **options}
    goals = options.pop("goals", [0.3, 0.3])
    return weighted_sampling(key, kernel, candidates, SUMS, goals, **options)


def collaborate(key: Any = KEY, candidates: Any = CANDIDATES, **options: Any):
    return cgm_jax.collaborate(key, PARTIES, candidates, **options)


def grown(points: Any):
    return collaborate(candidates=cgm_jax.Growing(Sampling(points), 100))


def frame(columns: list[str]):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(PARTIES[0], columns=columns)


NAN = np.where(np.arange(80).reshape(40, 2) == 7, np.nan, PARTIES[0])
ONE = np.ones((1, 1))
CALLS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "one array": (
        lambda: sums(PARTIES[0]),
        ValueError,
        r"shape \(40, 2\); pass",
    ),
    "party 1-d": (lambda: sums([PARTIES[0][:, 0]]), ValueError, r"got \(40,\)"),
    "strings": (lambda: sums([[["x", "y"]]]), TypeError, "real numbers"),
    "a dict": (lambda: sums({"a": PARTIES[0]}), TypeError, "got dict"),
    "None": (lambda: sums(candidates=None), TypeError, "candidates .* got None"),
    "no parties": (lambda: sums([]), ValueError, "at least one party"),
    "empty party": (lambda: sums([PARTIES[0][:0]]), ValueError, "leave it out"),
    "columns": (lambda: sums(candidates=CANDIDATES[:, :1]), ValueError, "1 in cand"),
    "NaN": (lambda: sums([NAN]), ValueError, "infinity in row 3"),
    "objects": (lambda: sums([PARTIES[0].astype(object)]), TypeError, "dtype object"),
    "dates": (lambda: sums([np.zeros((3, 2), "M8[s]")]), TypeError, "datetime64"),
    "complex": (lambda: sums([PARTIES[0] + 1j]), TypeError, "complex"),
    "other names": (
        lambda: sums([frame(["a", "b"]), frame(["a", "c"])]),
        ValueError,
        "same columns",
    ),
    "kernel class": (
        lambda: sums(kernel=SquaredExponential),
        TypeError,
        "got the class SquaredExponential",
    ),
    "no kernel": (lambda: sums(kernel=None), TypeError, "Expected a kernel"),
    "a function": (lambda: sums(kernel=np.dot), TypeError, "Expected a kernel"),
    "swapped": (
        lambda: gram_sums(PARTIES, KERNEL, CANDIDATES),
        TypeError,
        "sequence of parties",
    ),
    "scale < 0": (
        lambda: sums(kernel=SquaredExponential(-1.0)),
        ValueError,
        "positive, finite length scale, got -1",
    ),
    "scale text": (
        lambda: sums(kernel=SquaredExponential("1")),  # type: ignore[arg-type]
        ValueError,
        "positive, finite length scale",
    ),
    "scale None": (
        lambda: sums(kernel=SquaredExponential(None)),  # type: ignore[arg-type]
        ValueError,
        "positive, finite length scale, got None",
    ),
    "3 scales": (
        lambda: sums(kernel=SquaredExponential(np.ones(3))),
        ValueError,
        "one a dimension",
    ),
    "scale that overflows": (
        lambda: sums(
            [PARTIES[0].astype(np.float32)],
            CANDIDATES.astype(np.float32),
            SquaredExponential(1e-39),
        ),
        ValueError,
        "length scale of .*e-38 at least",
    ),
    "alpha": (lambda: RationalQuadratic(1.0, -1.0), ValueError, "finite alpha, got -1"),
    "smoothness": (lambda: Matern(1.0, 2.0), ValueError, "1.5 or 2.5, got 2"),
    "degree": (lambda: Polynomial(degree=0), ValueError, "whole degree >= 1"),
    "ratio": (lambda: ScaleMixture(1.0, (1.0, 0.0)), ValueError, "finite ratio"),
    "factor": (lambda: -2.0 * KERNEL, ValueError, "finite factor of a kernel, got -2"),
    "factors": (lambda: np.ones(2) * KERNEL, ValueError, "one number as the factor"),
    "kernel + 3": (lambda: KERNEL + 3, TypeError, "kernel to add, got int"),
    "array + kernel": (lambda: np.ones(2) + KERNEL, TypeError, "kernel to add"),
    "3 + kernel": (lambda: 3 + KERNEL, TypeError, "kernel to add, got 3"),
    "kernel - kernel": (lambda: KERNEL - KERNEL, TypeError, "not positive definite"),
    "kernel ** 0.5": (lambda: KERNEL**0.5, ValueError, "whole number >= 1"),
    "kernel of 1-d": (
        lambda: KERNEL(np.ones(5), np.ones(5)),
        ValueError,
        r"x of shape \(n, d\)",
    ),
    "kernel of two widths": (
        lambda: KERNEL(np.ones((2, 2)), np.ones((2, 3))),
        ValueError,
        "as many columns in x as in y",
    ),
    "kernel of text": (lambda: KERNEL([["a"]], [["b"]]), TypeError, "real numbers"),
    "tile 0": (
        lambda: gram_sums(KERNEL, PARTIES, CANDIDATES, tile_size=0),
        ValueError,
        "whole tile_size >= 1, got 0",
    ),
    "tile 2.5": (
        lambda: gram_sums(KERNEL, PARTIES, CANDIDATES, tile_size=2.5),  # type: ignore[arg-type]
        ValueError,
        "whole tile_size >= 1, got 2.5",
    ),
    "key 0": (lambda: draw(0), TypeError, r"jax.random.key\(0\), got int"),
    "key None": (lambda: collaborate(None), TypeError, "random key.*NoneType"),
    "key of NumPy": (lambda: collaborate(rng), TypeError, "got Generator"),
    "keys": (
        lambda: collaborate(jax.random.split(KEY)),
        TypeError,
        r"batch of shape \(2,\)",
    ),
    "key of a test": (
        lambda: two_sample.two_sample_test(0, KERNEL, *PARTIES),  # type: ignore[arg-type]
        TypeError,
        "random key",
    ),
    "key of a fit": (lambda: fit_kernel(0, KERNEL, PARTIES), TypeError, "random key"),  # type: ignore[arg-type]
    "key forgotten": (
        lambda: cgm_jax.collaborate(PARTIES, CANDIDATES),  # type: ignore[call-arg]
        TypeError,
        "missing 1 required",
    ),
    "another kernel": (
        lambda: draw(kernel=SquaredExponential(3.0)),
        ValueError,
        "sums of this kernel",
    ),
    "other candidates": (
        lambda: draw(candidates=2 * CANDIDATES),
        ValueError,
        "these candidates",
    ),
    "fewer candidates": (
        lambda: draw(candidates=CANDIDATES[1:]),
        ValueError,
        r"\(200, at least 1\), got 199",
    ),
    "β < 0": (lambda: draw(inverse_temperature=-1), ValueError, ">= 0, got -1"),
    "β NaN": (lambda: draw(inverse_temperature=np.nan), ValueError, ">= 0, got nan"),
    "β two": (lambda: draw(inverse_temperature=[1, 2]), ValueError, "one number"),
    "β text": (lambda: draw(inverse_temperature="high"), ValueError, "one number"),
    "2.5 picks": (lambda: draw(max_picks=2.5), ValueError, "whole max_picks"),
    "3 goals": (lambda: draw(goals=[0.3] * 3), ValueError, r"per party \(2\)"),
    "6 values": (lambda: valuation.shapley_values(np.ones(6)), ValueError, r"2\*\*n"),
    "2-d table": (
        lambda: valuation.shapley_values(np.ones((2, 2))),
        ValueError,
        "one value per coalition",
    ),
    "array as sums": (
        lambda: valuation.coalition_values(SUMS.between),  # type: ignore[arg-type]
        TypeError,
        "`gram_sums` makes, got ndarray",
    ),
    "array as sums for Shapley values": (
        lambda: valuation.mmd_shapley_values(SUMS.between),  # type: ignore[arg-type]
        TypeError,
        "`gram_sums` makes, got ndarray",
    ),
    "asymmetric": (
        lambda: valuation.mmd_shapley_values(
            GramSums(np.triu(np.ones((3, 3))), np.ones((1, 3)), np.ones(3))
        ),
        ValueError,
        "symmetric sums",
    ),
    "weighting": (
        lambda: valuation.mmd_semivalues(SUMS, "Banzhaf"),  # type: ignore[arg-type]
        ValueError,
        "got 'Banzhaf'",
    ),
    "n of a game": (
        lambda: valuation.permutation_shapley_values(KEY, SUMS, 3),
        ValueError,
        "n = 3 parties, got one of 2",
    ),
    "generator class": (
        lambda: collaborate(candidates=KernelDensity),
        TypeError,
        r"such as KernelDensity\(\), got the class KernelDensity",
    ),
    "only fit": (lambda: collaborate(candidates=OnlyFit()), TypeError, "and `sample`"),
    "growing only fit": (lambda: cgm_jax.Growing(OnlyFit()), TypeError, "and `sample`"),  # type: ignore[arg-type]
    "too few": (lambda: grown(CANDIDATES[:5]), ValueError, r"100 points.*\(5, 2\)"),
    "too wide": (lambda: grown(np.ones((100, 3))), ValueError, r"100 points.*\(100, 3"),
    "NaN sampled": (lambda: grown(np.full((100, 2), np.nan)), ValueError, "in sample"),
    "one party": (
        lambda: cgm_jax.collaborate(KEY, PARTIES[:1], CANDIDATES),
        ValueError,
        "at least two parties",
    ),
    "misspelt": (lambda: collaborate(beta=2.0), TypeError, "argument 'beta'"),
    "text as φ": (
        lambda: rewards.solve_reward_scheme(["a"], [1], [2]),
        ValueError,
        "numbers in shapley_values",
    ),
    "solver": (
        lambda: rewards.solve_reward_scheme([1], [1], [2], solver="simplex"),  # type: ignore[arg-type]
        ValueError,
        "got 'simplex'",
    ),
    "single point": (
        lambda: valuation.mmd2_unbiased(KERNEL, ONE, ONE),
        ValueError,
        "`mmd2_biased` takes",
    ),
    "unequal samples": (
        lambda: two_sample.estimate_power(KERNEL, *PARTIES),
        ValueError,
        "as many points",
    ),
    "no relabelling": (
        lambda: two_sample.two_sample_test(KEY, KERNEL, *PARTIES, num_permutations=0),
        ValueError,
        "whole num_permutations >= 1",
    ),
    "no subset": (
        lambda: metrics.reverse_kl_divergence(PARTIES[0], CANDIDATES),
        ValueError,
        "row 0 is not",
    ),
    "labels": (
        lambda: metrics.class_imbalance([0.0, 1.0], num_classes=2),  # type: ignore[arg-type]
        ValueError,
        "whole numbers",
    ),
    "audit of sums": (lambda: audit(SUMS), TypeError, "Collaboration, got GramSums"),  # type: ignore[arg-type]
    "s > t": (
        lambda: nonnegativity_lower_bound(10, 5, upper=0.5),
        ValueError,
        "subset_size = 10",
    ),
    "s = 0": (
        lambda: value_bounds(0, 0.1, lower=0.0, upper=0.5, reference_mean=0.2),
        ValueError,
        "subset_size >= 1",
    ),
    "no steps": (
        lambda: fit_kernel(KEY, KERNEL, PARTIES, num_steps=0),
        ValueError,
        "num_steps",
    ),
    "network to a number": (
        lambda: sums(kernel=DeepKernel(lambda x: x.sum(), KERNEL)),
        ValueError,
        "one row of features per point",
    ),
    "network of 3 columns": (
        lambda: sums(
            kernel=DeepKernel(FeatureNetwork((3, 4), rngs=nnx.Rngs(0)), KERNEL)
        ),
        ValueError,
        "network for points of 2 columns",
    ),
    "traced draw": (
        lambda: jax.jit(lambda x: draw(candidates=x))(CANDIDATES),
        TypeError,
        "outside of `jit`.*`pick_many`",
    ),
    "traced scheme": (
        lambda: jax.jit(rewards.solve_reward_scheme)([0.1], [0.1], [0.2]),
        TypeError,
        "outside of `jit`.*`fair_reward_values`",
    ),
    "traced length scale": (
        lambda: jax.jit(lambda x: smallest_length_scale(KERNEL, [x], x))(CANDIDATES),
        TypeError,
        "pass the length scale in",
    ),
    "traced collaboration": (
        lambda: jax.jit(lambda x: collaborate(candidates=x))(CANDIDATES),
        TypeError,
        "collaborate decides on them",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_it_ends_in_one_line_that_says_what_was_expected(name: str):
    call, kind, message = CALLS[name]
    with pytest.raises(kind) as caught:
        call()
    text = " ".join(str(caught.value).split())
    assert re.search(message, text), text
    assert len(text) < 400


@pytest.mark.medium
def test_odd_calls_that_are_right():
    as_lists = gram_sums(KERNEL, [p.tolist() for p in PARTIES], CANDIDATES.tolist())
    np.testing.assert_allclose(as_lists.between, SUMS.between, rtol=1e-6)
    stacked = gram_sums(KERNEL, np.stack([PARTIES[0]] * 2), CANDIDATES)
    np.testing.assert_array_equal(stacked.sizes, [40, 40, 200])
    generator = gram_sums(KERNEL, (p for p in PARTIES), CANDIDATES)
    np.testing.assert_array_equal(generator.between, SUMS.between)
    old_key = jax.random.PRNGKey(0)
    assert draw(old_key)[0].stop_reason == "reached"
    assert sum([KERNEL, KERNEL]) == KERNEL + KERNEL
    assert KERNEL / 4 == 0.25 * KERNEL
    assert KERNEL**3 == KERNEL * (KERNEL * KERNEL)
    for kind in (SquaredExponential, Matern, RationalQuadratic, ScaleMixture):
        wide = sums(kernel=kind(np.array([1.0, 2.0])))
        for scales in ([1.0, 2.0], (1, 2)):
            assert sums(kernel=kind(scales)) == wide
        assert kind(1.0).with_length_scale([1, 2]).length_scale.tolist() == [1, 2]


@pytest.mark.medium
def test_columns_of_data_frames_go_by_name():
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(p, columns=["a", "b"]) for p in PARTIES]
    candidates = pandas.DataFrame(CANDIDATES, columns=["a", "b"])[["b", "a"]]
    sums = gram_sums(KERNEL, [frames[0], frames[1][["b", "a"]]], candidates)
    np.testing.assert_array_equal(sums.between, SUMS.between)
    value = valuation.value(KERNEL, frames[0], candidates)
    assert value == valuation.value(KERNEL, PARTIES[0], CANDIDATES)
    promises = cgm_jax.promise(frames, candidates)
    np.testing.assert_array_equal(promises.candidates, CANDIDATES)


def test_sizes_of_few_bits_and_fractions_are_sizes():
    from fractions import Fraction

    from cgm_jax.kernels import bounds_conflict

    for s, t in ((70, 120), (10, 100), (49, 100), (48, 100), (126, 127)):
        expected = 2 * s < t - 2
        for kind in (np.int8, np.uint8, np.int64, np.float32, Fraction, int):
            assert bool(bounds_conflict(kind(s), kind(t))) is expected, (kind, s, t)
