"""Things of another kind than is wanted: None, classes, words and arrays as flags.

Every argument of every function is tried in ``test_odd_arguments``; here are callbacks,
flags, paths and what is handed in within another argument.
"""

import traceback
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cgm_jax
from cgm_jax import (
    audit,
    datasets,
    evaluation,
    evidence,
    generators,
    gram,
    kernels,
    learning,
    metrics,
    planning,
    rewards,
    sampling,
    tables,
    valuation,
)

rng = np.random.default_rng(0)
KEY, KERNEL = jax.random.key(0), kernels.SquaredExponential(1.0)
X = [rng.normal(i / 2, 1, size=(20, 2)) for i in range(3)]
G = rng.normal(0.5, 1, size=(100, 2))
SUMS = gram.gram_sums(KERNEL, X, G)
PROMISES = cgm_jax.promise(X, G)
DONE = cgm_jax.Collaboration(PROMISES, PROMISES.draw(KEY))

ODD_KINDS: dict[str, Callable[[], Any]] = {
    "no progress of a promise": lambda: cgm_jax.promise(X, G, progress=None),
    "no progress of a draw": lambda: PROMISES.draw(KEY, progress=None),
    "a word as progress": lambda: learning.fit_kernel(KEY, KERNEL, X, progress="x"),
    "an array as a flag": lambda: cgm_jax.promise(X, G, relax=np.ones(3, bool)),
    "a word as a flag": lambda: cgm_jax.promise(X, G, search_length_scale="no"),
    "flags of a scheme": lambda: rewards.scheme_from_sums(SUMS, stability=[1, 0]),
    "a flag of a review": lambda: audit.review(KEY, DONE, stress_test=np.ones(2)),
    "a kernel's class, learned": lambda: learning.fit_kernel(KEY, kernels.Laplace, X),
    "a kernel's class, saved": lambda: kernels.save_kernel("no", kernels.Laplace),
    "a kernel's class in a deep one": lambda: kernels.DeepKernel(jnp.sin, type(KERNEL)),
    "a network's class": lambda: kernels.DeepKernel(kernels.FeatureNetwork, KERNEL),
    "no network": lambda: gram.gram_sums(kernels.DeepKernel(None, KERNEL), X, G),
    "a generator's class": lambda: cgm_jax.collaborate(
        KEY, X, generators.ProductMixture
    ),
    "a word as optimiser": lambda: learning.fit_kernel(KEY, KERNEL, X, optimizer="x"),
    "no length scale": lambda: learning.starting_deep_kernel(jnp.sin, G, None),
    "words as layers": lambda: kernels.FeatureNetwork("ab", rngs=None),
    "no path of columns": lambda: tables.read_columns(None),
    "no path of a kernel": lambda: kernels.load_kernel(None),
    "no path of a run": lambda: cgm_jax.Collaboration.load(None),
    "no path to save to": lambda: DONE.save(None),
    "no path of images": lambda: datasets.read_idx(None),
    "rows of two lengths": lambda: cgm_jax.promise([[[1.0, 2.0], [3.0]]], G),
    "a set of times": lambda: cgm_jax.promise(X, G, joined={0, 1, 2}),
    "a set of parties": lambda: cgm_jax.promise({1, 2}, G),
    "no model": lambda: generators.KernelDensity(0.1).sample(KEY, None, 3),
    "other leading axes": lambda: metrics.correlation(np.ones((2, 3)), np.ones((4, 3))),
    "no progress of trials": lambda: audit.stress(KEY, PROMISES, progress=None),
    "no progress of resamples": lambda: cgm_jax.collaboration.estimate_uncertainty(
        KEY, PROMISES, progress=None
    ),
    "no progress of metrics": lambda: evaluation.evaluate_rewards(
        PROMISES,
        [DONE.draw],
        [np.arange(20) % 2] * 3,
        np.arange(100) % 2,
        num_classes=2,
        progress=None,
    ),
    "a number as progress": lambda: sampling.weighted_sampling(
        KEY, KERNEL, G, SUMS, np.zeros(3), inverse_temperature=1, progress=3
    ),
    "a number as progress of a training": lambda: generators.MMDGAN().fit(
        KEY, G, progress=3
    ),
    "a number as progress of fits": lambda: learning.fit_kernels(
        [KEY], [KERNEL], [X], progress=3
    ),
    "a number as generator": lambda: generators.TableGenerator(3, None),
    "a draw for promises": lambda: cgm_jax.Collaboration(DONE.draw, PROMISES),
    "no codec": lambda: generators.TableGenerator(generators.KernelDensity(0.1), None),
    "cells of no form": lambda: tables.Cells(None, np.zeros(1), np.zeros(1, bool)),
    "cells of two lengths": lambda: tables.Cells(
        "number", np.zeros(2), np.zeros(1, bool)
    ),
    "a word as a plan's flag": lambda: planning.plan([9, 9], 2, 9, from_files="no"),
    "a game of words": lambda: valuation.permutation_shapley_values(
        KEY, lambda member: "x", 3
    ),
    "labels that are missing": lambda: metrics.svm_accuracies(
        X, [np.full(20, np.nan)] * 3
    ),
    "no evidence": lambda: evidence.clusters_by_evidence(X, found=3),
    "a trial that is no function": lambda: audit.stress(
        KEY, PROMISES, manipulations=[audit.Manipulation("x", None)]
    ),
    "a trial of a number": lambda: audit.stress(
        KEY, PROMISES, manipulations=[audit.Manipulation("x", lambda at: 3)]
    ),
    "a trial of bare arrays": lambda: audit.stress(
        KEY, PROMISES, manipulations=[audit.Manipulation("x", lambda at: [at.own])]
    ),
}


@pytest.mark.parametrize("name", ODD_KINDS)
def test_what_stands_for_another_kind_of_thing(name: str):
    with pytest.raises((TypeError, ValueError), match=r"^Expected") as caught:
        ODD_KINDS[name]()
    assert "cgm_jax" in traceback.extract_tb(caught.value.__traceback__)[-1].filename
    assert len(str(caught.value)) < 400
