# pyright: strict
"""A user's program of every public call, which the strictest type checker accepts.

`make types` reads it, and `test_package` runs it.
"""

import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import cgm_jax
from cgm_jax.audit import (
    audit,
    audit_promises,
    check_incentives,
    check_monotonicity,
    compare_with_shapley_fair,
    explain,
    explain_scheme,
    review,
    stress,
    sufficient_conditions,
)
from cgm_jax.datasets import credit_ratings, paper_results, split_by_proportions
from cgm_jax.generators import GaussianMixture, Generator, KernelDensity
from cgm_jax.gram import (
    GramSums,
    gram_sums,
    median_length_scale,
    project_kernel,
    quantile_length_scale,
    smallest_length_scale,
)
from cgm_jax.kernels import (
    Energy,
    Kernel,
    Laplace,
    Linear,
    Matern,
    Polynomial,
    RationalQuadratic,
    ScaleMixture,
    SquaredExponential,
    bounds_conflict,
    load_kernel,
    monotonicity_upper_bound,
    nonnegativity_lower_bound,
    save_kernel,
    value_bounds,
)
from cgm_jax.learning import fit_kernel
from cgm_jax.metrics import (
    class_imbalance,
    correlation,
    correlation_summary,
    mmd2_to_reference,
    nearest_distances,
    nearest_real,
    reverse_kl_divergence,
    shared_rows,
    svm_accuracy,
    to_real,
    wasserstein2_gaussians,
)
from cgm_jax.rewards import (
    RewardSchemeError,
    fair_reward_values,
    largest_rho,
    scheme_from_sums,
    scheme_from_values,
    shapley_fair_rewards,
    solve_reward_scheme,
    stability_lower_values,
    stable_sets,
)
from cgm_jax.sampling import (
    lanes,
    marginal_values,
    pick_many,
    updated_sigma_s,
    updated_sigma_st,
    weighted_sampling,
)
from cgm_jax.two_sample import estimate_power, two_sample_test
from cgm_jax.valuation import (
    BetaShapley,
    block_semivalues,
    bootstrap_sums,
    coalition_values,
    mmd2_biased,
    mmd2_unbiased,
    mmd_semivalues,
    mmd_shapley_values,
    permutation_sample_size,
    permutation_shapley_values,
    point_shapley_values,
    shapley_interactions,
    shapley_values,
    value,
    values_of_coalitions,
    values_with_candidates,
)

rng = np.random.default_rng(0)
parties = [rng.normal(i / 2, 1, size=(40, 2)) for i in range(3)]
candidates = rng.normal(0.5, 1, size=(300, 2))
labels = np.arange(40) % 2
key = jax.random.key(0)

# Kernels.
kernel: Kernel = 2.0 * SquaredExponential(1.0) + Laplace(0.5) * Matern(np.ones(2), 2.5)
others: list[Kernel] = [
    RationalQuadratic(1.0, alpha=2.0) / 2,
    ScaleMixture(1.0, (0.5, 2.0)) ** 2,
    sum([Linear(1.0), Polynomial(1.0, 0.5, 2)]),
    Energy(1.0),
]
print([k(parties[0], candidates).shape for k in others], kernel.length_scale)
kernel = SquaredExponential(smallest_length_scale(kernel, parties, candidates))
scale = median_length_scale(candidates) + quantile_length_scale(candidates, 0.1)
print(f"{scale:.3f}", kernel.with_length_scale(scale).length_scale, repr(kernel))
with tempfile.TemporaryDirectory() as folder:
    save_kernel(kernel, Path(folder) / "kernel.npz")
    print(load_kernel(Path(folder) / "kernel.npz") == kernel)
print(monotonicity_upper_bound(3, 5), nonnegativity_lower_bound(3, 5))

# Values.
sums: GramSums = gram_sums(kernel, parties, candidates)
weighted = gram_sums(kernel, parties, candidates, weights=[np.ones(40)] * 3)
table = coalition_values(sums)
phi = shapley_values(table)
print(phi.round(3), phi[0] + 1.0, float(phi.max()), weighted == sums, sums.to_dict())
exact = mmd_shapley_values(sums)
print(exact.shapley_values.sum(), exact.efficiency_gap + 1)
print(mmd_semivalues(sums, "banzhaf") + mmd_semivalues(sums, BetaShapley(4, 1)))
print(values_of_coalitions(sums, np.eye(3, dtype=bool)), values_with_candidates(sums))
semivalues = block_semivalues(
    sums.between[:-1, :-1], sums.between[:-1].sum(1), sums.sizes[:-1], 420.0
)
print(semivalues.sum(), shapley_interactions(table).shape)
estimate = permutation_shapley_values(key, sums, num_permutations=100)
print(estimate.shapley_values, permutation_sample_size(3, 0.1, 0.05, 1.0))
v = value(kernel, parties[0], candidates)
print(float(v), round(float(v), 3), v + 1)
m = mmd2_unbiased(kernel, parties[0], candidates) - mmd2_biased(
    kernel, parties[0], candidates
)
print(f"{float(m):.3f}")
points = point_shapley_values(kernel, candidates)
print(points.shapley_values.mean(), points.lowers_pool.sum())
print(bootstrap_sums(key, kernel, parties, candidates, sums, num_resamples=2).shape)

# Rewards.
scheme = scheme_from_values(table)
print(scheme.reward_values, scheme.rho, scheme.status == "optimal")
print(scheme_from_sums(sums).reward_values - scheme.reward_values)
singles = table[[1, 2, 4]]
try:
    solved = solve_reward_scheme(phi, singles, values_with_candidates(sums))
    print(solved.reward_values.sum())
except RewardSchemeError as error:
    print(error)
fair = fair_reward_values(phi, singles, values_with_candidates(sums))
print(fair.reward_values, fair.rho)
print(largest_rho(phi, singles, values_with_candidates(sums)))
print(stable_sets(phi), stability_lower_values(table, phi))
print(shapley_fair_rewards(phi, singles, values_with_candidates(sums)))

# Draws.
rewards = weighted_sampling(
    key, kernel, candidates, sums, scheme.reward_values, inverse_temperature=2.0
)
for reward in rewards:
    print(candidates[reward.indices], reward.stop_reason, reward.final_value)
drawn_from, all_lanes = lanes(kernel, candidates, sums)
lane = jax.tree.map(lambda leaf: leaf[0], all_lanes)
lane, picks, values = pick_many(
    key, kernel, drawn_from, lane, jnp.float32(2), jnp.int32(0), num_picks=3
)
print(picks, values, lane.size)
print(updated_sigma_s(1.0, 1.0, 0.5, 1.0) + updated_sigma_st(2.0, 1.0, 4.0, 1.0))
print(marginal_values(1.0, 2.0, 1.0, 4.0, jnp.ones(1), jnp.ones(1), 1.0).shape)

# The whole way.
generator: Generator = KernelDensity(0.05)
promises = cgm_jax.promise(parties, candidates)
draw = promises.draw(key, inverse_temperature=1.0)
print(promises.scheme.normalized_shapley, [r.final_value for r in draw.rewards])
result = cgm_jax.collaborate(key, parties, generator)
print(result.promises.candidates[result.draw.rewards[0].indices].shape)
