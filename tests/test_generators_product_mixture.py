"""Mixtures of products: the density, its marginals and conditionals, and the fit."""

from dataclasses import replace
from itertools import product

import jax
import numpy as np
import pytest
from oracles import chi_square, normal_density, product_mixture
from scipy.stats import chi2

from cgm_jax.generators import (
    Generator,
    ProductMixture,
    ProductMixtureModel,
    TableGenerator,
    product_em,
)
from cgm_jax.generators.base import BLOCK_SIZE
from cgm_jax.generators.product_columns import features, state_slices
from cgm_jax.tables import Cells, TableCodec

KEY = jax.random.key(0)
KEYS = jax.random.split(jax.random.key(1), 4)
NUM = 800
CAP = 250.0


def cells(form: str, values: np.ndarray, is_missing: np.ndarray | None = None) -> Cells:
    if is_missing is None:
        is_missing = np.zeros(len(values), bool)
    filled = np.where(is_missing, "" if form == "text" else 0, values)
    return Cells(form, filled.astype(values.dtype), is_missing)


def mixed_table(num: int = NUM) -> dict[str, Cells]:
    """Claims with zeros and a cap, weights and jobs with missing cells, and ages."""
    rng = np.random.default_rng(0)
    group = rng.random(num) < 0.4
    claims = np.where(rng.random(num) < 0.6, 0, rng.lognormal(5, 1, num).round(2))
    names = np.array(["clerk", "cook", "nurse"], object)
    jobs = names[np.where(group, rng.choice(3, num), 2)]
    return {
        "claim": cells("number", np.minimum(claims, CAP)),
        "job": cells("text", jobs, rng.random(num) < 0.1),
        "weight": cells(
            "number", (70 + 20 * group + rng.normal(0, 5, num)).round(1), group
        ),
        "age": cells("number", rng.uniform(18, 80, num).round(3)),
    }


TABLE = mixed_table()
CODEC = TableCodec.fit([TABLE])
POINTS = CODEC.encode(TABLE).astype(np.float32)
MIXED = ProductMixture(num_components=4, codec=CODEC, smoothing=0.5)
CLUSTERS = np.concatenate(
    [
        np.random.default_rng(1).normal(center, [1.0, 30.0], (num, 2))
        for center, num in (([0, 1e3], 3_000), ([8, 1e3], 2_000), ([0, 2e3], 1_000))
    ]
)


@pytest.fixture(scope="module")
def model() -> ProductMixtureModel:
    return MIXED.fit(KEY, POINTS)


@pytest.fixture(scope="module")
def clusters() -> ProductMixtureModel:
    return ProductMixture(num_components=3, smoothing=0.1).fit(KEY, CLUSTERS)


def factors_of(model: ProductMixtureModel) -> list[np.ndarray]:
    """Densities of the table's cells under every component, by what the cells say."""
    probabilities = np.exp(model.parameters.log_probabilities)
    claims, jobs, weights, ages = (
        probabilities[states] for states in state_slices(model.columns)
    )
    job = np.searchsorted(["clerk", "cook", "nurse"], TABLE["job"].values.astype(str))
    job[TABLE["job"].is_missing] = 3
    places = {"claim": 0, "weight": CODEC.coordinates.index("weight"), "age": -1}
    normal = [
        normal_density(POINTS[:, [place]].astype(float), mean, variance)
        for place, mean, variance in zip(
            places.values(), model.means.T, model.variances.T, strict=True
        )
    ]
    claim, is_missing = TABLE["claim"].values[:, None], TABLE["weight"].is_missing
    masses = CODEC.columns[0].facts.mass_points
    assert sorted(masses) == [0, CAP]
    claim_densities = claims[0] * normal[0]
    for i, value in enumerate(masses, 1):
        claim_densities = np.where(claim == value, claims[i], claim_densities)
    missing = np.where(is_missing[:, None], weights[1], weights[0] * normal[1])
    np.testing.assert_allclose(ages, 1)
    return [claim_densities, jobs[job], missing, normal[2]]


def test_the_density_is_its_definition(model):
    expected = np.log(product_mixture(model.weights, factors_of(model)))
    np.testing.assert_allclose(model.log_density(POINTS), expected, rtol=1e-7)
    assert model.log_density(POINTS).dtype == np.float64
    assert isinstance(MIXED, Generator)


def test_every_component_has_as_many_rows_as_it_must_have():
    wanted = ProductMixture(num_components=100, codec=CODEC, smoothing=0.1, min_rows=6)
    model = wanted.fit(KEY, POINTS)
    assert 10 < model.num_components < 100
    joint = model.weights * np.prod(factors_of(model), axis=0)
    shares = joint / joint.sum(axis=1, keepdims=True)
    learned = np.delete(shares, wanted.held_out_rows(KEY, NUM), axis=0)
    assert learned.sum(axis=0).min() > 6 - 0.01
    assert model.parameters.variances.min() >= 0.999e-3


@pytest.mark.parametrize("smoothing", [0.01, 1.0, 30.0])
def test_no_step_lowers_what_it_raises(model, smoothing):
    x = features(model.columns, model.units, POINTS)
    num = len(model.units.scale)
    rows = product_em.as_rows(x, num, state_slices(model.columns))
    parameters = product_em.started(x[:30], rows, num)
    raised = []
    for _ in range(40):
        options = {"smoothing": np.float32(smoothing), "min_rows": np.float32(0)}
        parameters, totals, penalty, _ = product_em.step(parameters, rows, **options)
        raised.append(float(np.asarray(totals, float).sum() + penalty))
    # What is raised is a sum of thousands of float32, of some 1e4 in size.
    assert np.diff(raised).min() > -1e-6 * np.abs(raised).max()
    assert raised[-1] > raised[0] + 100


def test_a_mixture_that_is_known_is_found(clusters):
    order = np.argsort(clusters.weights)[::-1]
    error = 4 / np.sqrt(900)  # four standard errors of the smallest, in deviations
    np.testing.assert_allclose(
        clusters.weights[order], [1 / 2, 1 / 3, 1 / 6], atol=0.02
    )
    deviations = np.array([1.0, 30.0])
    difference = clusters.means[order] - np.array([[0, 1e3], [8, 1e3], [0, 2e3]])
    assert np.abs(difference / deviations).max() < error
    ratio = np.sqrt(clusters.variances) / deviations
    np.testing.assert_allclose(ratio, 1, atol=error)
    truth = product_mixture(
        np.array([3, 2, 1]) / 6,
        [
            normal_density(CLUSTERS[:, [0]], np.array([0, 8, 0]), np.ones(3)),
            normal_density(
                CLUSTERS[:, [1]], np.array([1e3, 1e3, 2e3]), np.full(3, 900.0)
            ),
        ],
    )
    # The mean excess is half of the parameters a row.
    excess = clusters.log_density(CLUSTERS).mean() - np.log(truth).mean()
    assert abs(excess) < 14 / len(CLUSTERS)


def test_it_integrates_to_one(clusters, model):
    x, y = np.linspace(-8, 16, 241), np.linspace(700, 2300, 641)
    grid = np.array(list(product(x, y)))
    total = np.exp(clusters.log_density(grid)).sum() * (x[1] - x[0]) * (y[1] - y[0])
    np.testing.assert_allclose(total, 1, rtol=1e-6)
    claim, column = model.marginal(["claim"]), CODEC.columns[0]
    line = np.linspace(-60, 60, 1_200_001) + 1e-7  # without the mass points themselves
    within = np.exp(claim.log_density(line[:, None])).sum() * (line[1] - line[0])
    exactly = np.exp(claim.log_density(column.mass_coordinates[:, None])).sum()
    assert 0.5 < exactly < 0.9
    np.testing.assert_allclose(within + exactly, 1, rtol=1e-5)


@pytest.fixture(scope="module")
def categories() -> tuple[TableCodec, ProductMixtureModel, np.ndarray]:
    """A model of three categories, and all rows that there can be."""
    rng = np.random.default_rng(2)
    kind = rng.choice(2, 500)
    columns = {
        name: np.where(rng.random(500) < 0.7, kind, rng.choice(size, 500))
        for name, size in zip("abc", (2, 3, 4), strict=True)
    }
    table = {
        name: cells("text", np.array(list("wxyz"), object)[values])
        for name, values in columns.items()
    }
    codec = TableCodec.fit([table])
    options = ProductMixture(num_components=3, codec=codec, smoothing=1)
    model = options.fit(KEY, codec.encode(table))
    blocks = [column.height * np.eye(column.size) for column in model.columns]
    rows = np.array([np.concatenate(row) for row in product(*blocks)])
    return codec, model, rows


def test_marginals_and_conditionals_are_those_of_all_rows(categories):
    codec, model, rows = categories
    density = np.exp(model.log_density(rows))
    np.testing.assert_allclose(density.sum(), 1, rtol=1e-12)
    table = density.reshape(2, 3, 4)
    marginal = model.marginal(["c", "a"])
    chosen = [i for i, name in enumerate(codec.coordinates) if name[0] in "ac"]
    ends = rows.reshape(2, 3, 4, -1)[:, 0][..., chosen].reshape(8, -1)
    np.testing.assert_allclose(
        np.exp(marginal.log_density(ends)), table.sum(axis=1).ravel(), rtol=1e-12
    )
    given = np.full(rows.shape[1], np.nan)
    given[2:5] = rows.reshape(2, 3, 4, -1)[0, 1, 0, 2:5]
    drawn = model.conditional(KEYS[0], given, 20_000)
    np.testing.assert_array_equal(
        drawn[:, 2:5], np.tile(np.float32(given[2:5]), (20_000, 1))
    )
    named = model.conditional(KEYS[0], {"b": given[2:5]}, 20_000)
    np.testing.assert_array_equal(named, drawn)
    index = 4 * drawn[:, :2].argmax(axis=1) + drawn[:, 5:].argmax(axis=1)
    expected = (table[:, 1] / table[:, 1].sum()).ravel()
    assert np.abs(expected - table.sum(axis=1).ravel()).max() > 0.02
    statistic, freedom = chi_square(np.bincount(index, minlength=8), expected)
    assert statistic < chi2.isf(1e-4, freedom)


def test_samples_have_the_density(categories):
    _, model, rows = categories
    drawn = model.sample(KEYS[0], 20_000)
    distances = ((drawn[:, None] - rows[None].astype(np.float32)) ** 2).sum(-1)
    assert distances.min(axis=1).max() == 0
    counts = np.bincount(distances.argmin(axis=1), minlength=24)
    statistic, freedom = chi_square(counts, np.exp(model.log_density(rows)))
    assert statistic < chi2.isf(1e-4, freedom)


def test_a_number_given_chooses_the_component(clusters):
    drawn = clusters.conditional(KEYS[0], np.array([8.0, np.nan]), 2_000)
    assert (drawn[:, 0] == 8).all()
    assert abs(drawn[:, 1].mean() - 1e3) < 5 * 30 / np.sqrt(2_000) + 3
    nothing = clusters.conditional(KEYS[0], np.full(2, np.nan), 50)
    np.testing.assert_array_equal(nothing, clusters.sample(KEYS[0], 50))


def test_mass_points_and_missing_cells_keep_their_shares(model):
    generator = TableGenerator(MIXED, CODEC)
    fitted = generator.fit(KEY, POINTS)
    raw = CODEC.decode(CODEC.handed_out(model.sample(KEYS[0], 20_000)))
    for rows in (raw, CODEC.decode(generator.sample(KEYS[0], fitted, 20_000))):
        for value in (0.0, CAP):
            share = (TABLE["claim"].values == value).mean()
            assert abs((rows["claim"].values == value).mean() - share) < 0.03
        for name in ("job", "weight"):
            share = TABLE[name].is_missing.mean()
            assert abs(rows[name].is_missing.mean() - share) < 0.03


def test_more_points_start_with_fewer_and_the_key_decides(model):
    few, many = (MIXED.sample(KEYS[0], model, n) for n in (7, BLOCK_SIZE + 1))
    assert many.shape == (BLOCK_SIZE + 1, POINTS.shape[1]) and many.dtype == np.float32
    np.testing.assert_array_equal(many[:7], few)
    assert not np.array_equal(few, MIXED.sample(KEYS[1], model, 7))
    with jax.enable_x64(True):
        again = MIXED.fit(KEY, POINTS)
        np.testing.assert_array_equal(MIXED.sample(KEYS[0], again, 7), few)
    for one, other in zip(model.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_held_out_are_never_used():
    options = ProductMixture()
    points = CLUSTERS[::10]
    unseen = options.held_out_rows(KEY, len(points))
    assert len(unseen) == len(set(unseen.tolist())) == 60
    changed = points.copy()
    changed[unseen] += 1e5
    one, other = (options.fit(KEY, x) for x in (points, changed))
    np.testing.assert_array_equal(one.history, other.history)
    for a, b in zip(one.parameters, other.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(
        one.held_out_log_density, one.log_density(points[unseen]).mean()
    )
    assert other.held_out_log_density < one.held_out_log_density - 100
    assert one.quality.num_held_out == 60


def test_other_rows_choose_how_many_components_there_are():
    model = ProductMixture().fit(KEY, CLUSTERS)
    sizes, _, smoothings, scores = model.history.T
    doubled = sizes[smoothings == 0.1]
    np.testing.assert_array_equal(doubled, 2.0 ** np.arange(len(doubled)))
    assert (np.diff(scores[: len(doubled) - 1]) > 0).all()
    assert scores[len(doubled) - 1] <= scores[len(doubled) - 2]
    assert 3 <= model.num_components <= 8
    assert model.fitted_with["smoothing"] == smoothings[scores.argmax()]


def test_a_constant_column_stays_what_it_is():
    points = np.column_stack([CLUSTERS[:100], np.full(100, 7.0)])
    model = ProductMixture(num_components=2).fit(KEY, points)
    np.testing.assert_allclose(model.sample(KEYS[0], 50)[:, 2], 7, rtol=1e-4)
    assert np.isfinite(model.log_density(points)).all()


def test_a_saved_model_is_the_model(model, tmp_path):
    path = tmp_path / "folder" / "model.npz"
    model.save(path)
    loaded = ProductMixtureModel.load(path)
    for name in ("columns", "fitted_with", "quality", "held_out_log_density"):
        assert getattr(loaded, name) == getattr(model, name)
    np.testing.assert_array_equal(loaded.history, model.history)
    np.testing.assert_array_equal(loaded.log_density(POINTS), model.log_density(POINTS))
    np.testing.assert_array_equal(loaded.sample(KEY, 5), model.sample(KEY, 5))
    bare = replace(model, quality=None, held_out_log_density=None)
    bare.save(path)
    assert ProductMixtureModel.load(path).quality is None


def test_a_file_that_is_no_model(model, tmp_path):
    path = tmp_path / "model.npz"
    model.save(path)
    whole = path.read_bytes()
    with np.load(path) as file:
        arrays = dict(file)
    expected = r"model\.npz: expected a saved mixture of products"
    for contents in (whole[: len(whole) // 2], b"", b"age,income\n31,2\n"):
        path.write_bytes(contents)
        with pytest.raises(ValueError, match=expected):
            ProductMixtureModel.load(path)
    for changed in (
        {"other": np.zeros(3)},
        {k: v for k, v in arrays.items() if k != "means"},
        {**arrays, "means": arrays["means"][:, :1]},
        {**arrays, "means": arrays["means"] * np.nan},
        {**arrays, "variances": -arrays["variances"]},
        {**arrays, "scale": 0 * arrays["scale"]},
        {**arrays, "log_weights": arrays["log_weights"] + 1},
        {**arrays, "log_probabilities": arrays["log_probabilities"] - 1},
        {**arrays, "facts": np.array('{"format": "something else"}')},
        {**arrays, "facts": np.array([{}], dtype=object)},  # a pickle is not read
    ):
        np.savez(path, **changed)
        with pytest.raises(ValueError, match=expected):
            ProductMixtureModel.load(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_components": 0}, "whole num_components >= 1, got 0"),
        ({"min_rows": 0}, "whole min_rows >= 1, got 0"),
        ({"max_steps": -1}, "whole max_steps >= 1, got -1"),
        ({"smoothing": 0}, "smoothing, in rows, positive and finite, got 0"),
        ({"smoothing": np.inf}, "positive and finite, got inf"),
        ({"held_out": 0.6}, r"share in \[0, 0.5\], got 0.6"),
    ],
)
def test_options_without_meaning(options, message):
    with pytest.raises(ValueError, match=message):
        ProductMixture(**options)


def test_calls_that_are_refused(model):
    with pytest.raises(ValueError, match="at least 20 points, got 19"):
        ProductMixture().fit(KEY, CLUSTERS[:19])
    with pytest.raises(ValueError, match="at most 18 components, 5 of the 90 rows"):
        ProductMixture(num_components=19).fit(KEY, CLUSTERS[:100])
    with pytest.raises(ValueError, match="NaN or infinity in row 3"):
        ProductMixture().fit(KEY, np.where(np.arange(40)[:, None] == 3, np.nan, 1.0))
    num = CODEC.num_dimensions
    with pytest.raises(ValueError, match=f"the codec's {num} coordinates, got 2"):
        MIXED.fit(KEY, CLUSTERS)
    with pytest.raises(ValueError, match=f"points of {num} coordinates"):
        model.log_density(CLUSTERS)
    with pytest.raises(ValueError, match="got 'pay'; there are claim, job"):
        model.marginal(["pay"])
    with pytest.raises(ValueError, match="at least one column, got none"):
        model.marginal([])
    with pytest.raises(ValueError, match=r"NaN where unknown, got shape \(3,\)"):
        model.conditional(KEY, np.zeros(3), 5)
    with pytest.raises(ValueError, match="4 coordinates of job, got 1"):
        model.conditional(KEY, {"job": 1.0}, 5)
    with pytest.raises(ValueError, match="got 'pay'; there are claim"):
        model.conditional(KEY, {"pay": 1.0}, 5)
    with pytest.raises(ValueError, match="a part of those of job"):
        model.conditional(KEY, np.where(np.arange(num) == 1, np.nan, 0.0), 5)
    with pytest.raises(ValueError, match="at least 1; got 0"):
        MIXED.sample(KEY, model, 0)
