"""Every argument of public functions, one at a time of another type than it is for.

Each ends in one line of this package that says what was expected. The arguments beside
it are right. Wrong values of the right type are in ``test_odd_calls``.
"""

import inspect
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
    collaboration,
    embeddings,
    generators,
    gram,
    kernels,
    metrics,
    plots,
    privacy,
    rewards,
    sampling,
    scoring,
    tables,
    two_sample,
    valuation,
)

pa = pytest.importorskip("pyarrow")
pytest.importorskip("dp_accounting")
rng = np.random.default_rng(0)
KEY, KERNEL = jax.random.key(0), kernels.SquaredExponential(1.0)
X = [rng.normal(i / 2, 1, size=(20, 2)) for i in range(3)]
G = rng.normal(0.5, 1, size=(100, 2))
LABELS = [np.arange(20) % 2] * 3
SUMS = gram.gram_sums(KERNEL, X, G)
TABLE, UPPER = valuation.coalition_values(SUMS), valuation.values_with_candidates(SUMS)
PHI, LOW = valuation.shapley_values(TABLE), np.full(3, 0.1)
SCHEME = rewards.scheme_from_values(TABLE, UPPER)
THREE = {"kernel": KERNEL, "parties": X, "candidates": G}
BOX = np.full(2, -6.0), np.full(2, 6.0)
FEATURES = embeddings.hermite_features(KERNEL, *BOX, tolerance=1e-3)
RELEASES = [
    privacy.release(key, FEATURES, x, epsilon=9, delta=1e-5)
    for key, x in zip(jax.random.split(KEY, 3), X, strict=True)
]
RELEASED = privacy.sums_from_releases(RELEASES, FEATURES, G)
PROMISES = cgm_jax.promise(X, G)
DONE = cgm_jax.Collaboration(PROMISES, PROMISES.draw(KEY))
CELLS = tables.Cells("whole", np.arange(30) ** 2 % 31, np.zeros(30, bool))
CODEC = tables.TableCodec.fit([{"x": CELLS}])
FRAME = pa.table({"x": np.arange(30) % 7})
MIXTURE = generators.ProductMixture(num_components=2)
MODEL = MIXTURE.fit(KEY, np.concatenate(X))
SHAPLEY, BETA = scoring.Shapley(), valuation.BetaShapley(4, 1)
DEEP = kernels.DeepKernel(jnp.sin, KERNEL)
SECOND = audit.SecondGame(TABLE, SCHEME.reward_values, 8.0)

# A function, and arguments that are right. Flags and callbacks are left out.
CALLS: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (scoring.scoring_named, {"name": "precedence", "joined": [0, 0, 1]}),
    (scoring.TimeAware, {"joined": (0, 2, 0), "scoring": SHAPLEY}),
    (scoring.Departures, {"stay": (0.5, 1, 0.9)}),
    (scoring.Precedence, {"order": (0, 1, 1)}),
    (scoring.Quotient, {"clusters": (0, 1, 1)}),
    (scoring.Distribution, {"reference": "pool"}),
    (scoring.Semivalues, {"weighting": "banzhaf"}),
    (scoring.Robust, {"scoring": SHAPLEY, "largest_ratio": 1.2}),
    (scoring.for_parties, {"scoring": SHAPLEY, "owners": [0, 2]}),
    (valuation.BetaShapley, {"alpha": 4, "beta": 1}),
    (valuation.coalition_values, {"sums": SUMS}),
    (valuation.values_with_candidates, {"sums": SUMS}),
    (valuation.mmd_shapley_values, {"sums": SUMS, "tolerance": 1e-9}),
    (valuation.mmd_semivalues, {"sums": SUMS, "weighting": BETA, "tolerance": 1e-9}),
    (valuation.shapley_values, {"values": TABLE}),
    (valuation.shapley_interactions, {"values": TABLE}),
    (valuation.values_of_coalitions, {"sums": SUMS, "members": np.eye(3, dtype=bool)}),
    (
        valuation.asymmetric_shapley,
        {"sums": SUMS, "precedence": np.array([0, 0, 1]), "tolerance": 1e-9},
    ),
    (
        valuation.block_semivalues,
        {
            "between": SUMS.between[:-1, :-1],
            "across": SUMS.between[:-1].sum(1),
            "sizes": SUMS.sizes[:-1],
            "reference_size": 160.0,
            "weighting": BETA,
            "inclusion": (LOW, LOW),
            "tolerance": 1e-9,
        },
    ),
    (
        valuation.bootstrap_sums,
        {
            "key": KEY,
            **THREE,
            "sums": SUMS,
            "num_resamples": 2,
        },
    ),
    (
        valuation.conditional_distribution_values,
        {
            "kernel": KERNEL,
            "parties": X,
            "labels": LABELS,
            "reference": (X[0], LABELS[0]),
            "ridge": 0.1,
        },
    ),
    (valuation.distribution_values, {"sums": SUMS, "reference": "pool"}),
    (valuation.values_under_references, {"sums": SUMS, "references": ["pool"]}),
    (
        valuation.group_values,
        {
            **THREE,
            "sums": SUMS,
            "weighting": BETA,
        },
    ),
    (
        valuation.permutation_sample_size,
        {
            "error": 0.2,
            "failure_probability": 0.1,
            "marginal_range": 1.0,
            "num_parties": 2,
        },
    ),
    (
        valuation.permutation_shapley_values,
        {
            "key": KEY,
            "game": TABLE,
            "n": 3,
            "max_permutations": 64,
            "standard_error": 0.1,
            "max_seconds": 5.0,
            "batch_size": 32,
        },
    ),
    (
        valuation.quotient_semivalues,
        {"sums": SUMS, "clusters": np.array([0, 1, 1]), "weighting": BETA},
    ),
    (
        valuation.semivalues_with_departures,
        {"sums": SUMS, "stay_probability": LOW, "weighting": BETA, "tolerance": 1e-9},
    ),
    (tables.as_text, {"cells": CELLS}),
    (tables.columns_json, {"facts": [tables.infer("x", [CELLS])]}),
    (tables.ColumnChoice, {"name": "x", "kind": "number", "scale": 1.0, "weight": 1}),
    (tables.encode_frames, {"frames": [FRAME], "choices": (), "min_rows": 5}),
    (tables.infer, {"name": "x", "parties": [CELLS], "kind": "number"}),
    (tables.read_cells, {"array": pa.array(["1.5", "NA"]), "decimal": "."}),
    (tables.TableCodec.fit, {"tables": [{"x": CELLS}], "choices": (), "min_rows": 5}),
    (CODEC.encode, {"table": {"x": CELLS}}),
    (CODEC.decode, {"points": CODEC.encode({"x": CELLS})}),
    (privacy.noise_multiplier, {"epsilon": 1, "delta": 1e-5}),
    (
        privacy.plan_privacy,
        {"key": KEY, "sizes": [20, 20], "features": FEATURES, "epsilons": [1.0]},
    ),
    (
        privacy.release,
        {
            "key": KEY,
            "features": FEATURES,
            "points": X[0],
            "epsilon": 9,
            "delta": 1e-5,
            "neighbours": "replace one",
        },
    ),
    (
        privacy.resampled_sums,
        {
            "key": KEY,
            "releases": RELEASES,
            "features": FEATURES,
            "candidates": G,
            "sums": RELEASED,
            "num_resamples": 2,
        },
    ),
    (
        privacy.sums_from_releases,
        {"releases": RELEASES, "features": FEATURES, "candidates": G},
    ),
    (
        embeddings.category_features,
        {"kernel": KERNEL, "blocks": [(0, 1), (2,)], "heights": np.array([0.5, 0.7])},
    ),
    (
        embeddings.deep_features,
        {"key": KEY, "kernel": DEEP, "num_dimensions": 2, "num_features": 40},
    ),
    (
        embeddings.hermite_features,
        {"kernel": KERNEL, "low": BOX[0], "high": BOX[1], "tolerance": 1e-2},
    ),
    (
        embeddings.random_fourier_features,
        {
            "key": KEY,
            "kernel": KERNEL,
            "num_dimensions": 2,
            "num_features": 40,
            "kind": "orthogonal",
            "num_groups": 4,
        },
    ),
    (gram.party_embeddings, {"features": FEATURES, "parties": X, "candidates": G}),
    (gram.quantile_length_scale, {"points": G, "quantile": 0.1}),
    (
        gram.smallest_length_scale,
        {
            **THREE,
            "low": 0.01,
            "high": 1000.0,
            "num_halvings": 20,
        },
    ),
    (gram.project_kernel, {"kernel": KERNEL, "parties": X, "candidates": G}),
    (
        generators.ProductMixture,
        {"num_components": 2, "codec": CODEC, "smoothing": 1.0, "held_out": 0.1},
    ),
    (MIXTURE.fit, {"key": KEY, "points": np.concatenate(X)}),
    (MIXTURE.sample, {"key": KEY, "model": MODEL, "num": 3}),
    (MODEL.marginal, {"columns": [0]}),
    (MODEL.conditional, {"key": KEY, "given": np.array([0.5, np.nan]), "num": 3}),
    (generators.KernelDensity, {"bandwidth": 0.05}),
    (
        generators.GaussianMixture,
        {
            "weights": np.ones(1),
            "means": np.zeros((1, 2)),
            "covariances": np.eye(2)[None],
        },
    ),
    (
        cgm_jax.Growing,
        {"generator": generators.KernelDensity(0.05), "num": 100, "at_most": 200},
    ),
    (
        cgm_jax.promise,
        {
            "parties": X,
            "candidates": G,
            "kernel": KERNEL,
            "scoring": SHAPLEY,
            "joined": [0, 0, 1],
            "fairness_weight": 1e-3,
        },
    ),
    (PROMISES.draw, {"key": KEY, "inverse_temperature": 1.0}),
    (
        PROMISES.draw_many,
        {"keys": jax.random.split(KEY, 2), "inverse_temperatures": [1.0, 8.0]},
    ),
    (
        collaboration.estimate_uncertainty,
        {"key": KEY, "promises": PROMISES, "num_resamples": 3},
    ),
    (audit.audit, {"collaboration": DONE, "improved": DONE}),
    (
        audit.audit_promises,
        {
            "values": TABLE,
            "scheme": SCHEME,
            "realised_values": SCHEME.reward_values,
            "scoring": SHAPLEY,
            "tolerance": 1e-9,
        },
    ),
    (
        audit.check_incentives,
        {
            "values": TABLE,
            "rewards": SCHEME.reward_values,
            "shapley_values": PHI,
            "upper_values": UPPER,
            "max_reward_value": 1.0,
            "tolerance": 1e-9,
        },
    ),
    (
        audit.check_monotonicity,
        {"values": TABLE, "rewards": SCHEME.reward_values, "improved": SECOND},
    ),
    (audit.compare_with_shapley_fair, {"values": TABLE, "scheme": SCHEME}),
    (audit.explain, {"promises": PROMISES}),
    (audit.explain_scheme, {"scheme": SCHEME, "sums": SUMS}),
    (audit.outlier, {"deviations": 10.0}),
    (audit.review, {"key": KEY, "collaboration": DONE, "scorings": (), "labels": []}),
    (
        audit.stress,
        {
            "keys": KEY,
            "promises": PROMISES,
            "scorings": (),
            "manipulations": (),
            "labels": LABELS,
            "inverse_temperature": 1.0,
            "outlier_scales": (),
        },
    ),
    (audit.sufficient_conditions, {"values": TABLE, "scheme": SCHEME}),
    (audit.without_bounded_stakes, {"promises": PROMISES}),
    (plots.plot_gains, {"table": None}),
    (
        cgm_jax.plan,
        {"sizes": [20] * 3, "num_columns": 2, "num_candidates": 9, "dtype": float},
    ),
    (sampling.lanes, {"kernel": KERNEL, "candidates": G, "sums": SUMS}),
    (
        rewards.fair_reward_values,
        {"shapley_values": PHI, "lower_values": LOW, "upper_values": UPPER},
    ),
    (
        rewards.largest_rho,
        {"shapley_values": PHI, "lower_values": LOW, "grand_value": TABLE[-1]},
    ),
    (
        rewards.shapley_fair_rewards,
        {"shapley_values": PHI, "grand_value": TABLE[-1], "rho": 0.5},
    ),
    (rewards.scheme_from_sums, {"sums": SUMS, "values": TABLE, "scores": PHI}),
    (rewards.scheme_from_values, {"values": TABLE, "upper_values": UPPER}),
    (rewards.stability_lower_values, {"game": TABLE, "shapley_values": PHI}),
    (rewards.stable_sets, {"shapley_values": PHI}),
    (metrics.class_imbalance, {"labels": LABELS[0], "num_classes": 2}),
    (metrics.correlation, {"x": np.eye(3), "y": np.arange(3.0)}),
    (metrics.correlation_summary, {"correlations": np.ones(3)}),
    (
        metrics.mmd2_to_reference,
        {**THREE, "sums": SUMS, "picks": [np.arange(3)] * 3, "values": LOW},
    ),
    (metrics.nearest_distances, {"queries": X[0], "points": G, "num_neighbors": 2}),
    (
        metrics.nearest_real,
        {"key": KEY, "synthetic": G, "used": X[0], "held_out": X[1], "decimals": 2},
    ),
    (metrics.to_real, {"synthetic": G, "real": X[0], "decimals": 2}),
    (
        metrics.table_quality,
        {"key": KEY, "real": [{"x": CELLS}], "synthetic": {"x": CELLS}},
    ),
    (two_sample.two_sample_test, {"key": KEY, "kernel": KERNEL, "x": X[0], "y": X[1]}),
    (
        kernels.value_bounds,
        dict.fromkeys(("mmd2_unbiased", "lower", "upper", "reference_mean"), 0.1)
        | {"subset_size": 3},
    ),
]
ODD = {
    "None": None,
    "text": "text",
    "words": ["a", "b"],
    "an object": object(),
    "a mapping": {"a": 1},
    "numbers of too many axes": np.ones((2, 2, 2, 2)),
}
EACH = [(function, right, name) for function, right in CALLS for name in right]


@pytest.mark.parametrize(
    ("function", "right", "name"),
    EACH,
    ids=[f"{f.__qualname__}({n})" for f, _, n in EACH],
)
def test_an_argument_of_another_type(function: Any, right: dict, name: str):
    default = inspect.signature(function).parameters[name].default
    for what, odd in ODD.items():
        if odd is None and default is None:  # it may be left out
            continue
        if isinstance(odd, str) and name == "name":  # any name will do
            continue
        if function is kernels.value_bounds and isinstance(odd, np.ndarray):
            continue  # of arrays, too
        with pytest.raises((TypeError, ValueError)) as caught:
            function(**{**right, name: odd})
        text = " ".join(str(caught.value).split())
        last = traceback.extract_tb(caught.value.__traceback__)[-1].filename
        assert "xpected" in text, (what, text)
        assert "cgm_jax" in last, (what, last, text)
        assert len(text) < 600, (what, text)
