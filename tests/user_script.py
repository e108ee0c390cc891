# pyright: strict
"""A user's program of every public name, which the strictest type checker accepts.

`make types` reads it and ``test_user_script`` runs it; what downloads or trains for
long is only read. `jax.jit`, `jax.grad` and `jnp.asarray` are not here: no strict
checker knows their own types.
"""

import importlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import ArrayLike

import cgm_jax
from cgm_jax import (
    audit,
    datasets,
    embeddings,
    evidence,
    features,
    generators,
    gram,
    kernels,
    learning,
    metrics,
    planning,
    privacy,
    rewards,
    sampling,
    scoring,
    tables,
    two_sample,
    valuation,
)

rng = np.random.default_rng(0)
parties = [rng.normal(i / 2, 1, size=(20, 2)) for i in range(3)]
candidates = rng.normal(0.5, 1, size=(100, 2))
labels = [np.arange(20) % 2, np.arange(20) % 2, np.arange(20) // 10]
kernel = kernels.SquaredExponential(1.0)
mesh = jax.sharding.Mesh([*jax.random.key(0).devices()], ("x",))


@dataclass(frozen=True)
class OfMeans(kernels.Kernel):
    """A kernel of one's own: the product of the points' means."""

    length_scale: ArrayLike = 1.0

    def embed(self, points: jax.Array) -> jax.Array:
        return points.mean(axis=1) / self.length_scale

    def pairwise(self, x: jax.Array, y: jax.Array) -> jax.Array:
        return x[:, None] * y[None]

    def diagonal(self, points: jax.Array) -> jax.Array:
        return self.embed(points) ** 2

    def with_length_scale(self, length_scale: ArrayLike) -> "OfMeans":
        return replace(self, length_scale=length_scale)


class Copies:
    """A generator of one's own: rows of the pool, again and again."""

    def fit(self, key: jax.Array, points: np.ndarray | jax.Array) -> np.ndarray:
        return np.asarray(points)

    def sample(self, key: jax.Array, model: np.ndarray, num: int) -> np.ndarray:
        return np.resize(model, (num, model.shape[1]))


def of_kernels(folder: Path) -> None:
    product = kernels.Laplace(0.5) * kernels.Matern(np.ones(2), smoothness=2.5)
    made: kernels.Kernel = 2.0 * kernel + product / 3
    mixture = kernels.RationalQuadratic(1.0, alpha=2.0) + kernels.ScaleMixture(1.0) ** 2
    deep = kernels.DeepKernel(jnp.sin, kernel, points_kernel=kernel, epsilon=0.1)
    for each in [made, mixture, kernels.Energy(1.0), OfMeans(), deep]:
        block = each(parties[0], candidates)
        print(block.shape, block[0, 0] + 1, float(block.sum()), each.length_scale)
    print(sum([kernels.Linear(1.0), kernels.Polynomial(1.0, offset=0.5, degree=2)]))
    print(deep.features(block), kernel.length_scale, made.with_length_scale(2.0))
    kernels.save_kernel(folder / "kernel.npz", made, notes={"by": "hand"})
    print(kernels.load_kernel(folder / "kernel.npz") == made)

    upper = kernels.monotonicity_upper_bound(3, 50)
    lower = kernels.nonnegativity_lower_bound(3, 50, upper=upper)
    print(round(upper, 3), lower < upper, kernels.bounds_conflict(3, 50))
    low, high = kernels.value_bounds(3, 0.1, lower=0, upper=1, reference_mean=0.5)
    print(low < high, kernels.monotonicity_upper_bound(np.arange(1, 9), 50)[0] + 1)


def of_length_scales() -> None:
    scale = gram.median_length_scale(candidates)
    print(f"{scale:.3f}", round(scale, 3), kernels.SquaredExponential(scale))
    print(float(scale + gram.quantile_length_scale(candidates, 0.1)))
    smallest = gram.smallest_length_scale(kernel, parties, candidates)
    print(round(smallest, 3), kernel.with_length_scale(smallest).length_scale)
    wide = kernels.SquaredExponential(np.array([0.1, 0.3]))
    print(gram.project_kernel(wide, parties, candidates).length_scale[0])


def of_embeddings(key: jax.Array) -> None:
    drawn: embeddings.FeatureMap = embeddings.random_fourier_features(
        key, kernel, 2, 200, kind="quasi-random", num_groups=4
    )
    print(drawn(candidates).shape, drawn.num_features, drawn.norm + 1, drawn.max_error)
    box = candidates.min(axis=0), candidates.max(axis=0)
    exact = embeddings.hermite_features(kernel, *box, tolerance=1e-6)
    sums = gram.embedding_sums(kernel, exact, parties, candidates)
    print(gram.gram_sums(kernel, parties, candidates, features=exact) == sums)
    states = embeddings.category_features(kernel, [(0, 1), (2,)], np.array([0.5, 0.7]))
    print(states(np.array([[0.5, 0, 0.7]]))[0, 0] + 1, exact.max_error)
    deep = kernels.DeepKernel(jnp.sin, kernel)
    print(embeddings.deep_features(key, deep, 2, 40)(parties[0]).shape)
    made: gram.PartyEmbeddings = gram.party_embeddings(drawn, parties, candidates)
    print(made.totals[0, 0] + 1, made.sums.between[0, 0], len(made.sums_of_groups))
    errors: valuation.EmbeddingUncertainty = valuation.embedding_uncertainty(made)
    print(errors.shapley_errors / errors.own_value_errors, errors.shapley_values[0])


def of_values(key: jax.Array) -> None:
    sums: gram.GramSums = gram.gram_sums(kernel, parties, candidates)
    weights = [np.ones(20)] * 3
    print(gram.gram_sums(kernel, parties, candidates, weights=weights) == sums)
    print(sums, sums.to_dict().keys(), sums.between[0, 1] / sums.sizes[0])
    table = valuation.coalition_values(sums)
    phi = valuation.shapley_values(table)
    print(phi[0] + 1, float(phi.max()), phi.round(3), table[-1] - table[0])
    exact: valuation.ExactShapleyValues = valuation.mmd_shapley_values(sums)
    print(exact.shapley_values - phi, exact.efficiency_gap + 1)
    beta = valuation.BetaShapley(alpha=4, beta=1)
    print(valuation.mmd_semivalues(sums, beta) / phi)
    print(valuation.mmd_semivalues(sums, "banzhaf").argmax())
    between, sizes = sums.between[:-1], sums.sizes
    of_blocks = valuation.block_semivalues(
        between[:, :-1], between.sum(axis=1), sizes[:-1], float(sizes.sum())
    )
    print(of_blocks - phi)
    leaving = valuation.semivalues_with_departures(sums, 0.9, weighting=beta)
    print(leaving / valuation.asymmetric_shapley(sums, np.array([0, 0, 1])))
    clustered = valuation.quotient_semivalues(sums, np.array([0, 1, 1]))
    print(clustered - valuation.group_values(kernel, parties, candidates, sums=sums))
    of_coalitions = valuation.values_of_coalitions(sums, np.eye(3, dtype=bool))
    print(of_coalitions / valuation.values_with_candidates(sums))
    print(valuation.shapley_interactions(table)[0, 1] + 1)
    points: valuation.PointValues = valuation.point_shapley_values(kernel, parties[0])
    print(points.shapley_values.mean(), points.lowers_pool.any())
    resampled = valuation.bootstrap_sums(
        key, kernel, parties, candidates, sums, num_resamples=2
    )
    print((resampled[0] - sums.between).std())
    worth: valuation.DistributionValues = valuation.distribution_values(
        sums, "uniform mixture", resampled=resampled
    )
    print(worth.values.max(), worth.standard_errors, worth.better)
    equal: valuation.Reference = np.full(3, 1 / 3)
    print(valuation.values_under_references(sums, ["pool", equal]).min())
    labels = [np.arange(20) % 2] * 3
    print(valuation.conditional_distribution_values(kernel, parties, labels) + 1)


def of_any_game(key: jax.Array) -> None:
    def with_first(member: jax.Array) -> jax.Array:
        return (member[0] & (member[1] | member[2])).astype(float)

    enough = valuation.permutation_sample_size(0.2, marginal_range=1.0)
    estimate: valuation.ShapleyEstimate = valuation.permutation_shapley_values(
        key, with_first, 3, max_permutations=enough
    )
    low, high = estimate.interval(0.9)
    print(estimate.values.sum(), high - low, estimate.stop_reason)
    table = np.array([0.0, 1.0, 2.0, 4.0])
    found = valuation.permutation_shapley_values(key, table, 2, max_permutations=64)
    print(found.standard_errors[0])


def of_one_value() -> None:
    worth = valuation.value(kernel, parties[0], candidates)
    print(float(worth), round(float(worth), 3), worth + 1, worth > 0)
    unbiased = valuation.mmd2_unbiased(kernel, parties[0], candidates)
    print(unbiased - valuation.mmd2_biased(kernel, parties[0], candidates))

    def at_scale(scale: jax.Array) -> jax.Array:
        at = kernels.SquaredExponential(scale)
        return jnp.sum(valuation.value(at, parties[0], candidates))

    print(jax.vmap(at_scale)(jnp.exp(np.linspace(-1, 1, 3)))[0] + 1)
    number: np.float64 | jax.Array = worth
    print(number.shape, f"{number:.2f}", max(0.0, float(number)))


def of_lists() -> None:
    """Nested lists of numbers are arrays, too."""
    rows = [[0.0, 1.0], [2.0, 3.0]]
    print(
        valuation.value(kernel, rows, rows) - valuation.mmd2_biased(kernel, rows, rows)
    )
    print(gram.gram_sums(kernel, [rows, [[1.0, 1.0]]], rows).sizes)
    print(cgm_jax.promise([rows, [[1.0, 1.0]]], rows, relax=True).num_points)
    phi = valuation.shapley_values([0.0, 1.0, 2.0, 4.0])
    print(rewards.fair_reward_values([1.0, 2.0], [1.0, 2.0], [4.0, 4.0]).rho - phi[0])
    print(rewards.scheme_from_values([0, 1, 2, 4], [4, 4]).reward_values)
    print(metrics.class_imbalance([0, 1, 1], num_classes=2))
    print(metrics.correlation([1.0, 2.0, 4.0], [1, 2, 3]))
    print(kernels.SquaredExponential([0.5, 0.3])(rows, rows).shape)


def of_rewards() -> None:
    sums = gram.gram_sums(kernel, parties, candidates)
    table = valuation.coalition_values(sums)
    upper = valuation.values_with_candidates(sums)
    phi = valuation.shapley_values(table)
    scheme: rewards.RewardScheme = rewards.scheme_from_values(table, upper)
    print(scheme.reward_values[0], scheme.rho + 1, scheme.normalized_shapley.round(2))
    print(scheme == rewards.scheme_from_sums(sums, table, stability=True))
    print(scheme.status is rewards.RewardStatus.OPTIMAL, scheme.status.upper())
    region: rewards.FeasibleRegion = scheme.region
    print(region.vertices()[0, 0], region.optimum(), scheme.limiting_upper_party)
    lower = rewards.stability_lower_values(table, phi)
    print(rewards.stable_sets(phi)[0, 1], lower / upper)
    fair: rewards.FairRewards = rewards.fair_reward_values(phi, lower, upper)
    print(fair.reward_values[0] + 1, float(fair.rho), fair.max_reward_value * 2)
    rho = rewards.largest_rho(phi, lower, table[-1])
    print(rho + 1, rewards.shapley_fair_rewards(phi, table[-1], rho=rho).sum())
    for shares in (phi, -phi):
        try:
            solved = rewards.solve_reward_scheme(shares, upper, lower)
            print(solved.reward_values)
        except rewards.InfeasibleError as error:
            print(error.lower_party + 1, error.rho, error.status)
        except (rewards.NoContributionError, rewards.RewardSchemeError) as error:
            print(error.status == "no contribution", error)


def of_draws(key: jax.Array) -> None:
    sums = gram.gram_sums(kernel, parties, candidates)
    values = rewards.scheme_from_sums(sums).reward_values
    drawn = sampling.weighted_sampling(
        key, kernel, candidates, sums, values, inverse_temperature=2.0
    )
    last: sampling.Reward = drawn[-1]
    print(candidates[last.indices].mean(), last.stop_reason, last.final_value)
    closeness = metrics.mmd2_to_reference(
        kernel,
        parties,
        candidates,
        sums,
        [reward.indices for reward in drawn],
        np.array([reward.final_value for reward in drawn]),
    )
    print(closeness[0] + 1)

    shared, start = sampling.lanes(kernel, candidates, sums)

    def draw(key: jax.Array, lane: sampling.Lane, beta: jax.Array) -> jax.Array:
        own: sampling.CandidateSet = shared
        lane, picks, values = sampling.pick_many(
            key, kernel, own, lane, beta, jnp.sum(0), num_picks=3
        )
        return picks + 0 * values.astype(int) + 0 * lane.size.astype(int)

    keys, betas = jax.random.split(key, 3), jnp.exp(np.arange(3.0))
    print(candidates[jax.vmap(draw)(keys, start, betas)].shape)
    print(sampling.updated_sigma_s(1.0, 1.0, 0.5, 1.0) + 1)
    print(sampling.updated_sigma_st(2.0, 1.0, 4.0, 1.0) + 1)
    once = np.ones(2)
    print(sampling.marginal_values(1.0, 2.0, 1.0, 4.0, once, once, 1.0)[0] + 1)


def of_the_whole_way(key: jax.Array, folder: Path) -> None:
    pool, density = np.concatenate(parties), generators.KernelDensity(0.05)
    own: list[generators.Generator] = [Copies(), density]
    print([each.sample(key, each.fit(key, pool), 3).shape for each in own])
    means, covariances = np.zeros((1, 2)), np.eye(2)[None]
    products = generators.ProductMixture(num_components=2)
    learned: generators.ProductMixtureModel = products.fit(key, pool)
    given = np.array([0.5, np.nan])
    print(
        learned.marginal([0]).num_dimensions, learned.conditional(key, given, 3).shape
    )
    baselines = generators.BootstrapRows(), generators.IndependentColumns()
    print([each.fit(key, pool).mean() for each in baselines])
    mixture = generators.GaussianMixture(np.ones(1), means, covariances)
    print(mixture.sample(key, mixture, 3)[0, 0] + 1)

    promises: cgm_jax.Promises = cgm_jax.promise(parties, candidates)
    draw: cgm_jax.Draw = promises.draw(key, inverse_temperature=1.0)
    keys = jax.random.split(key, 2)
    for each in promises.draw_many(keys, inverse_temperatures=[1.0, 8.0]):
        print(each.inverse_temperature + 1)
    print(promises.length_scale + 1, promises.pool_values[-1], draw.rewards[0])
    growing = cgm_jax.Growing(density, num=200, at_most=400)
    result: cgm_jax.Collaboration = cgm_jax.collaborate(key, parties, growing)
    result.save(folder / "run.npz")
    loaded = cgm_jax.Collaboration.load(folder / "run.npz")
    print(loaded == result, cgm_jax.__version__)

    reviewed: audit.Review = audit.review(key, result, stress_test=False)
    print(reviewed.audit.is_kept, reviewed.inverse_temperature)
    checked: audit.Audit = audit.audit(result, improved=loaded)
    print(checked.is_kept, [name for name, _ in checked.broken])
    explained: audit.Explanation = audit.explain(promises)
    print([bound.party for bound in explained.binding], explained.shortfall + 1)
    stressed: audit.Stress = audit.stress(key, promises, outlier_scales=[1e3])
    gained = [gain or 0.0 for gain in stressed.relative_gains()["withhold half"]]
    print(most_gained(stressed.trials), sum(gained))
    mine = audit.Manipulation("hand in a copy", hand_in_best)
    tried = [mine, audit.outlier(10.0), *audit.MANIPULATIONS[:2]]
    by_key: audit.Stress = audit.stress(
        keys,
        promises,
        scorings=[promises.scoring],
        manipulations=tried,
        outlier_scales=(),
    )
    gains: audit.GainTable = by_key.table()
    print(gains.to_frame(), gains.worst + 1)


def hand_in_best(at: audit.Position) -> list[tuple[np.ndarray, ...]]:
    return [(at.best,)]


def of_plans() -> None:
    rates: planning.Rates = planning.measured_rates([20] * 3, 2, 100)
    found: cgm_jax.Plan = cgm_jax.plan([20] * 3, 2, 100, rates=rates)
    first: planning.Part = found.parts[0]
    task: planning.Task = found.task
    print(first.name, first.host_bytes + 1, task.num_rows / 2, found.seconds + 1)
    again: planning.Plan = planning.plan([20] * 3, 2, 100, dtype="float64")
    again.check()
    print(again.fits, again.most_candidates + 1, again.host_bytes / 1e9)


def most_gained(trials: Sequence[audit.Trial]) -> str:
    best = max(trials, key=lambda trial: trial.joint_gain)
    return f"party {best.party + 1} by {best.strategy}: {best.joint_gain:.3f}"


class BySize:
    """A scoring of one's own: the number of points."""

    name = "by size"
    needs_rows = False
    proved = ()

    def scores(self, handed_in: scoring.HandedIn) -> np.ndarray:
        return np.asarray(handed_in.sums.sizes)[:-1]


def of_scorings() -> None:
    rules: list[scoring.Scoring] = [
        BySize(),
        scoring.Shapley(),
        scoring.Semivalues(valuation.BetaShapley(2, 1)),
        scoring.SumOfPoints(),
        scoring.Distribution("pool"),
        scoring.Departures((0.5, 1, 0.9)),
        scoring.Precedence((0, 1, 1)),
        scoring.Quotient((0, 1, 1)),
        scoring.TimeAware((0, 2, 0), scoring.Quotient()),
        scoring.Robust(scoring.Semivalues("banzhaf"), 1.2),
        scoring.scoring_named("departures", stay=0.9, joined=[0, 0, 1]),
        *scoring.SCORINGS.values(),
    ]
    for rule in rules:
        promises = cgm_jax.promise(parties, candidates, scoring=rule, relax=True)
        print(rule.name, rule.proved, promises.scheme.normalized_shapley.round(2))
        print(rule.scores(promises.handed_in)[0] + 1, promises.scheme.scoring)
        if (unbounded := audit.without_bounded_stakes(promises)) is not None:
            print(unbounded.reward_values + 1)
    joined = cgm_jax.promise(parties, candidates, joined=[0, 0, 1], relax=True)
    print(joined.scoring, scoring.for_parties(joined.scoring, [0, 2]).name)
    print(scoring.for_parties(scoring.TimeAware((0, 2, 0)), [0, 2]).joined[1] + 1)


def of_audits() -> None:
    table, upper = np.array([0.0, 1.0, 2.0, 4.0]), np.array([4.0, 4.0])
    scheme = rewards.scheme_from_values(table, upper)
    phi = valuation.shapley_values(table)
    print(audit.audit_promises(table, scheme, scheme.reward_values).assigned_welfare)
    conditions: audit.SufficientConditions = audit.sufficient_conditions(table, scheme)
    print(conditions.monotone, conditions.guaranteed)
    checks: dict[str, audit.Check] = audit.check_incentives(
        table,
        scheme.reward_values,
        shapley_values=phi,
        upper_values=upper,
        max_reward_value=scheme.max_reward_value,
    )
    print(checks["R4"].holds, checks["R7"].margin + 1, checks["F3"].parties)
    improved = audit.SecondGame(2 * table, 2 * scheme.reward_values, 8.0)
    print(audit.check_monotonicity(table, scheme.reward_values, improved).holds)
    compared: audit.SchemeComparison = audit.compare_with_shapley_fair(table, scheme)
    print(compared.their_rewards[0] + 1, compared.worse_off)
    print(audit.explain_scheme(scheme).binding[0].side)


def of_metrics(key: jax.Array) -> None:
    pool = np.concatenate(parties)
    print(metrics.reverse_kl_divergence(parties[0], pool) + 1)
    print(metrics.reverse_kl_divergences(parties, pool)[0] + 1)
    print(float(metrics.wasserstein2_gaussians(parties[0], pool)))
    print(metrics.nearest_distances(parties[0], pool, num_neighbors=2)[:, 1].mean())
    print(metrics.class_imbalance(labels[0], num_classes=2) + 1)
    shares = metrics.correlation(np.eye(3), np.arange(3.0))
    summary: metrics.CorrelationSummary = metrics.correlation_summary(shares)
    print(summary.mean + 1, summary.count)
    near: metrics.NearestReal = metrics.nearest_real(key, candidates, pool, parties[0])
    used: metrics.ToReal = near.used
    print(used.quantiles(0.1, 0.5)[0][1], near.nearer_share + 1)
    print(metrics.to_real(candidates, pool).distances.min())
    print(metrics.svm_accuracies(parties, labels)[0] + 1)
    print(metrics.svm_accuracy(parties[0], labels[0], parties[1], labels[1]) + 1)


def of_evidence(key: jax.Array) -> None:
    found: evidence.Evidence = evidence.find_evidence(key, parties)
    near: evidence.NearDuplicates = evidence.near_duplicates(parties)
    print(near.exact[0, 1] + near.contested[0, 1] + near.expected[1, 0], near.sizes[0])
    print(near.is_beyond_chance[0, 1], near.masks[0][0, 1], near.contested_rows[0][0])
    print(evidence.clusters_by_evidence(parties, found=near)[2] + 1)
    noise: evidence.NoiseRows = evidence.noise_rows(key, parties, groups=np.arange(2))
    print(noise.noise_shares[0] + noise.among_noise[0], found.noise.masks[0][0])
    alike: evidence.Resamples = evidence.resamples(parties)
    print(alike.p_values[0, 1] < 0.1, alike.is_beyond_chance[0, 1])


def of_tables(key: jax.Array) -> None:
    pa: Any = importlib.import_module("pyarrow")  # it says nothing of its types
    spelling = tables.Spelling(missing_word="NA")
    problems: tuple[tables.CellProblem, ...] = ()
    numbers, none_missing = np.arange(30) ** 2 % 31, np.zeros(30, bool)
    cells = tables.Cells("whole", numbers, none_missing, spelling, problems)
    print(tables.as_text(cells)[0], tables.read_cells(pa.array(["1.5", "NA"])).form)
    facts: tables.ColumnFacts = tables.infer("x", [cells])
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "columns.json"
        path.write_text(tables.columns_json([facts]), "utf-8")
        choices: tuple[tables.ColumnChoice, ...] = tables.read_columns(path)
    codec = tables.TableCodec.fit([{"x": cells}], choices=choices)
    rows = codec.decode(codec.handed_out(codec.encode({"x": cells})))
    print(rows["x"].values.max(), codec.num_dimensions, codec.coordinates)
    points, codec = tables.encode_frames([pa.table({"x": numbers})])
    print(points[0].shape, codec.is_category_coordinate)
    products = generators.ProductMixture(codec=codec, num_components=1)
    model = generators.TableModel(products.fit(key, points[0]), codec)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.npz"
        codec.save(path)
        print(tables.TableCodec.load(path).num_dimensions + 1)
        model.save(path)
        loaded = generators.TableModel.load(path)
    print(loaded.rows(key, 3)["x"].values + 1, loaded.differences(codec), loaded.kind)
    drawing = generators.TableGenerator(generators.KernelDensity(0.1), codec)
    try:
        drawing.sample(key, drawing.fit(key, points[0].astype(np.float32)), 5)
    except generators.CoarseTableError as error:
        print(error)
    quality: metrics.TableQuality = metrics.table_quality(key, [{"x": cells}], rows)
    print(quality.shape, quality.trend, quality.columns)
    both = {"x": cells, "y": cells}
    taught: metrics.TargetScore = metrics.train_on_synthetic(key, both, both, "y")
    print(taught.score + 1, taught.measure)


def of_releases(key: jax.Array) -> None:
    """Only with `dp-accounting`, which the extra ``private`` brings."""
    keys = jax.random.split(key, 5)
    relation: privacy.Neighbours = "add or remove one"
    box = np.full(2, -6.0), np.full(2, 6.0)
    exact = embeddings.hermite_features(kernel, *box, tolerance=1e-3)
    print(privacy.noise_multiplier(1, 1e-5) + 1)
    releases: list[privacy.Release] = [
        privacy.release(one, exact, x, epsilon=9, delta=1e-5, neighbours=relation)
        for one, x in zip(keys, parties, strict=False)
    ]
    releases[0].verify(exact)
    print(releases[0].embedding[0] + releases[0].sigma, releases[0].size_error + 1)
    sums = privacy.sums_from_releases(releases, exact, candidates)
    again = privacy.resampled_sums(
        keys[3], releases, exact, candidates, sums, num_resamples=2
    )
    print(again[0].between[0, 0] - sums.between[0, 0])
    planned: privacy.PrivacyPlan = privacy.plan_privacy(
        keys[4], [20, 20], exact, epsilons=[1, np.inf], num_repeats=2
    )
    print(planned.expected_error[1] < 0.1, planned.alpha_errors.shape)
    learner = generators.EmbeddingGenerator(exact, *box, num_steps=100)
    learned: generators.EmbeddingGeneratorModel = learner.fit(keys[3], releases)
    print(learner.sample(keys[4], learned, 3)[0, 0] + 1, learned.losses[-1])
    promises = cgm_jax.promise(releases, candidates, features=exact, relax=True)
    print(promises.num_points, promises.features is exact)


def of_two_samples(key: jax.Array) -> None:
    x, y = parties[:2]
    tested: two_sample.TwoSampleTest = two_sample.two_sample_test(key, kernel, x, y)
    print(tested.p_value < 0.05, float(tested.statistic), tested.permuted[0] + 1)
    power: two_sample.PowerEstimate = two_sample.estimate_power(kernel, x, y)
    print(power.criterion + 1, power.mmd2 / power.standard_deviation)


def of_learning(key: jax.Array, folder: Path) -> None:
    def told(progress: learning.FittingProgress) -> None:
        print(progress.step, progress.num_steps, f"{progress.power:.3f}")

    start = kernels.SquaredExponential(np.ones(2))
    fitted: learning.FittedKernel = learning.fit_kernel(
        key, start, parties, objective="power", num_steps=2, progress=told, mesh=mesh
    )
    fitted.save(folder / "fitted.npz")
    print(fitted.kernel(parties[0], candidates)[0, 0] + 1, fitted.history[0, 1])
    keys = jax.random.split(key, 2)
    fits = learning.fit_kernels(keys, [start] * 2, [parties[:2]] * 2, num_steps=2)
    print(fits[0].held_out_power + 1, fits[1].fitted_rows[0][0])
    network = kernels.FeatureNetwork((2, 5, 3), activation="silu", rngs=nnx.Rngs(0))
    deep = learning.starting_deep_kernel(network, candidates, 1.0, epsilon=0.1)
    print(deep.length_scale, deep(parties[0], candidates).mean())


def of_datasets(key: jax.Array, folder: Path) -> None:
    ratings: datasets.CreditRatings = datasets.credit_ratings("unequal")
    print(ratings.parties[0].shape, ratings.candidates[0, 0] + 1)
    printed: datasets.PaperResults = datasets.paper_results("mnist", "unequal")
    print(printed.rho + 1, printed.reward_values[0], printed.num_points[1])
    print(datasets.paper_proportions("unequal", num_classes=5)[0].sum())
    images: datasets.LabelledImages = datasets.digits()
    print(images.points[0].mean(), images.labels[0] + 1, images.shape[2])
    split: datasets.LabelledParties = datasets.split_by_proportions(
        key, images.points, images.labels, "equal-disjoint", party_size=20
    )
    print(split.parties[0][0, 0] + 1, len(split.held_out))
    parties = datasets.digits_parties("unequal").parties
    print(parties[0].shape[1] == len(datasets.DIGIT_FEATURES))
    simulated: datasets.LabelledPoints = datasets.transactions_stand_in(num_points=50)
    print(datasets.amount_classes(simulated.points[:, 0]).max() + 1)
    (folder / "labels").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    print(datasets.read_idx(folder / "labels")[0] + 1)
    np.save(folder / "pool3.npy", np.ones((3, 8), np.float32))
    print(features.read_features(folder / "pool3.npy", num_points=3)[0, 0] + 1)


def downloads() -> Sequence[datasets.LabelledImages | datasets.LabelledPoints]:
    """Only read, not run."""
    try:
        path = datasets.fetch("mnist")
        images = [datasets.mnist(path), datasets.fashion_mnist(download=True)]
        return [*images, datasets.cifar10(part="test"), datasets.credit_card()]
    except (datasets.DataNotFoundError, datasets.DownloadError) as error:
        print(error.filename)
    except datasets.DamagedDataError as error:
        print(error.args)
    return []


def trains(key: jax.Array, folder: Path) -> None:
    """Only read, not run."""
    generator = generators.MMDGAN(num_steps=20, width=8, kernel=kernel, mesh=mesh)
    fitted: generators.MMDGANModel = generator.fit(key, np.concatenate(parties))
    fitted.save(folder / "gan.npz")
    loaded = generators.MMDGANModel.load(folder / "gan.npz")
    again = generators.MMDGAN.like(loaded, kernel=kernel)
    print(again.sample(key, loaded, 3)[0, 0] + 1, loaded.history[0, 1])
    codec = tables.TableCodec.load(folder / "codec.npz")
    drawn = generators.MMDGAN(codec=codec).fit(key, parties[0]).sample(key, 3)
    print(drawn[0, 0] + 1)
    result = cgm_jax.collaborate(key, parties, generators.MMDGAN.paper())
    print(result.promises.candidates[result.draw.rewards[0].indices].shape)

    images = datasets.digits()
    classifier: features.ImageClassifierModel = features.ImageClassifier(
        num_steps=30
    ).fit(key, images.points, images.labels, shape=images.shape)
    print(classifier.accuracy + 1, classifier.labels(images.points)[0])
    places: features.UmapFeatures = features.umap_features(images.points, seed=0)
    print(places.pool[0, 0] + 1, places(images.points[:9])[0, 0] + 1)


def main() -> None:
    key = jax.random.key(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        of_kernels(folder)
        of_learning(key, folder)
        of_datasets(key, folder)
        of_the_whole_way(key, folder)
    of_plans()
    of_length_scales()
    of_embeddings(key)
    of_values(key)
    of_any_game(key)
    of_one_value()
    of_lists()
    of_rewards()
    of_draws(key)
    of_scorings()
    of_audits()
    of_metrics(key)
    of_evidence(key)
    of_two_samples(key)
    of_releases(key)
    of_tables(key)


if __name__ == "__main__":
    main()
