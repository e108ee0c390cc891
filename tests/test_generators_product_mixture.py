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
from cgm_jax.generators.held_out import split_rows
from cgm_jax.generators.product_bins import Bins, fitted_bins, states_of
from cgm_jax.generators.product_choice import is_likelier
from cgm_jax.generators.product_columns import plain_columns
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
CENTERS = np.array([[0, 1e3], [8, 1e3], [0, 2e3]])


def clusters_of(seed: int) -> np.ndarray:
    """Points around three centres, half of them, a third and a sixth."""
    rng = np.random.default_rng(seed)
    centers = zip(CENTERS, (3_000, 2_000, 1_000), strict=True)
    return np.concatenate([rng.normal(c, [1.0, 30.0], (num, 2)) for c, num in centers])


CLUSTERS = clusters_of(1)


@pytest.fixture(scope="module")
def model() -> ProductMixtureModel:
    return MIXED.fit(KEY, POINTS)


@pytest.fixture(scope="module")
def clusters() -> ProductMixtureModel:
    return ProductMixture(num_components=8, smoothing=0.1).fit(KEY, CLUSTERS)


def by_enumeration(model: ProductMixtureModel, points: np.ndarray) -> np.ndarray:
    """Densities as the sum over all hidden states of all nodes, one after the other."""
    (weights, transitions, emissions), (parents, nodes) = model.parameters, model.tree
    states, within = states_of(model.bins, points)
    total = np.zeros(len(points))
    for z in product(range(len(weights)), repeat=len(parents)):
        share = weights[z[0]] * np.prod(
            [transitions[i - 1, z[parents[i]], z[i]] for i in range(1, len(z))]
        )
        factors = [
            e[x, z[i]] for e, x, i in zip(emissions, states.T, nodes, strict=True)
        ]
        total += share * np.prod(factors, axis=0)
    return total * np.exp(within)


def cell_points(bins: Bins) -> tuple[np.ndarray, np.ndarray]:
    """A point in each piece of a column of numbers, and how wide it is; atoms: 1."""
    width = bins.high - bins.low
    return (bins.low + bins.high)[:, None] / 2, np.where(width > 0, width, 1)


@pytest.mark.medium
def test_the_density_is_its_definition(model):
    expected = np.log(by_enumeration(model, POINTS[:200]))
    np.testing.assert_allclose(model.log_density(POINTS[:200]), expected, rtol=1e-12)
    assert model.log_density(POINTS).dtype == np.float64
    assert isinstance(MIXED, Generator)


@pytest.mark.medium
def test_every_hidden_state_has_as_many_rows_as_it_must_have():
    wanted = ProductMixture(num_components=100, codec=CODEC, smoothing=0.1, min_rows=6)
    model = wanted.fit(KEY, POINTS)
    learned = np.delete(POINTS, wanted.held_out_rows(KEY, POINTS), axis=0)
    states, _ = states_of(model.bins, learned)
    _, counts = product_em.full_counts(model.parameters, model.tree, states)
    hidden = np.asarray(counts.hidden)
    is_kept = product_em.kept(model.parameters)
    assert hidden[is_kept].min() > 6 - 0.01 and (hidden[~is_kept] == 0).all()
    np.testing.assert_allclose(hidden.sum(axis=1), len(learned), rtol=1e-4)
    assert model.num_components == is_kept.sum(axis=1).max() < 100


@pytest.mark.parametrize("smoothing", [0.01, 1.0, 30.0])
@pytest.mark.medium
def test_no_step_lowers_what_it_raises(model, smoothing):
    states, _ = states_of(model.bins, POINTS)
    num_states = np.array([one.num_states for one in model.bins])
    with jax.enable_x64(True):
        pool = product_em.pool_shares(states, num_states).astype(np.float64)
        start = product_em.started(states[:10], pool, len(model.tree.parents))
        parameters = jax.tree.map(lambda a: np.asarray(a, np.float64), start)
        raised = []
        for _ in range(40):
            likelihood, counts = product_em.full_counts(parameters, model.tree, states)
            penalty = product_em.penalty(parameters, pool, smoothing=smoothing)
            raised.append(NUM * likelihood + float(penalty))
            parameters = product_em.maximized(
                counts, pool, smoothing=smoothing, min_rows=0.0
            )
        both = product_em.full_counts, product_em.log_likelihoods
        (found, _), alone = (f(parameters, model.tree, states) for f in both)
    assert alone.mean() == pytest.approx(found, rel=1e-12)
    assert np.diff(raised).min() > -1e-9 * np.abs(raised).max()
    assert raised[-1] > raised[0] + 100


@pytest.mark.medium
def test_a_mixture_that_is_known_is_found(clusters):
    fresh = clusters_of(5)
    truth = product_mixture(
        np.array([3, 2, 1]) / 6,
        [
            normal_density(fresh[:, [0]], np.array([0, 8, 0]), np.ones(3)),
            normal_density(fresh[:, [1]], np.array([1e3, 1e3, 2e3]), np.full(3, 900.0)),
        ],
    )
    lost = np.log(truth).mean() - clusters.log_density(fresh).mean()
    # Half of a parameter a row: of two columns 1,200 pieces of five rows each, and 100
    # bins of eight hidden states.
    num_parameters, num_learned = 2 * (1_200 + 100 * 8), 0.9 * len(CLUSTERS)
    assert 0 < lost < num_parameters / 2 / num_learned + 0.05
    apart = clusters.sample(KEYS[0], 6_000)
    near = [np.abs(apart - center) < 5 * np.array([1.0, 30.0]) for center in CENTERS]
    shares = [each.all(axis=1).mean() for each in near]
    np.testing.assert_allclose(shares, [1 / 2, 1 / 3, 1 / 6], atol=0.03)


@pytest.mark.medium
def test_it_integrates_to_one(clusters, model):
    x, y = (cell_points(one) for one in clusters.bins)
    grid = np.array([[a, b] for a in x[0][:, 0] for b in y[0][:, 0]])
    volume = np.outer(x[1], y[1]).ravel()
    total = np.exp(clusters.log_density(grid)) @ volume
    np.testing.assert_allclose(total, 1, rtol=1e-10)
    weight = model.bins[2]
    points, width = cell_points(weight)
    rows = np.column_stack([points, np.zeros(len(points))])
    missing = np.array([[weight.column.median, weight.column.height]])
    marginal = model.marginal(["weight"])
    present = np.exp(marginal.log_density(rows)) @ width
    np.testing.assert_allclose(present + np.exp(marginal.log_density(missing)), 1)
    claim = model.marginal(["claim"])
    exactly = np.exp(claim.log_density(CODEC.columns[0].mass_coordinates[:, None]))
    shares = [(TABLE["claim"].values == value).mean() for value in (0, CAP)]
    np.testing.assert_allclose(exactly, shares, atol=0.02)


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


@pytest.mark.medium
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


@pytest.mark.medium
def test_a_conditional_is_the_ratio_of_two_marginals(categories):
    codec, model, rows = categories
    known = [i for i, name in enumerate(codec.coordinates) if name[0] == "b"]
    others = [i for i, name in enumerate(codec.coordinates) if name[0] != "b"]
    marginal = model.marginal(["b"])
    for i in range(3):
        given = rows.reshape(2, 3, 4, -1)[:, i].reshape(8, -1)
        after = model._after(marginal, given[:1, known]).marginal(["a", "c"])
        ratio = model.log_density(given) - marginal.log_density(given[:, known])
        np.testing.assert_allclose(
            after.log_density(given[:, others]), ratio, rtol=0, atol=1e-10
        )


@pytest.mark.medium
def test_samples_have_the_density(categories):
    _, model, rows = categories
    drawn = model.sample(KEYS[0], 20_000)
    distances = ((drawn[:, None] - rows[None].astype(np.float32)) ** 2).sum(-1)
    assert distances.min(axis=1).max() == 0
    counts = np.bincount(distances.argmin(axis=1), minlength=24)
    statistic, freedom = chi_square(counts, np.exp(model.log_density(rows)))
    assert statistic < chi2.isf(1e-4, freedom)


@pytest.mark.medium
def test_a_number_given_chooses_the_component(clusters):
    drawn = clusters.conditional(KEYS[0], np.array([8.0, np.nan]), 2_000)
    assert (drawn[:, 0] == 8).all()
    assert (np.abs(drawn[:, 1] - 1e3) < 5 * 30).mean() > 0.95
    nothing = clusters.conditional(KEYS[0], np.full(2, np.nan), 50)
    np.testing.assert_array_equal(nothing, clusters.sample(KEYS[0], 50))


@pytest.mark.medium
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


@pytest.mark.medium
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


@pytest.mark.medium
def test_rows_held_out_are_never_used(monkeypatch):
    options = ProductMixture()
    points = CLUSTERS[::10]
    unseen = options.held_out_rows(KEY, points)
    assert len(unseen) == len(set(unseen.tolist())) == 60
    changed = points.copy()
    changed[unseen] += 1e5
    one = options.fit(KEY, points)
    # Which rows they are depends on where they are: here the same.
    monkeypatch.setattr(
        "cgm_jax.generators.product_mixture.split_rows",
        lambda key, _, share: split_rows(key, points / points.std(axis=0), share),
    )
    other = options.fit(KEY, changed)
    np.testing.assert_array_equal(one.history, other.history)
    for a, b in zip(one.parameters, other.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(
        one.held_out_log_density, one.log_density(points[unseen]).mean()
    )
    assert other.held_out_log_density < one.held_out_log_density
    assert one.quality.num_held_out == 60


@pytest.mark.medium
def test_other_rows_choose_how_many_components_there_are(monkeypatch):
    compared = []

    def recorded(larger, smaller):
        compared.append((larger.score, smaller.score))
        return is_likelier(larger, smaller)

    monkeypatch.setattr("cgm_jax.generators.product_mixture.is_likelier", recorded)
    model = ProductMixture().fit(KEYS[3], CLUSTERS)
    sizes, _, smoothings, scores = model.history.T
    tried = sizes[smoothings == 1]
    np.testing.assert_array_equal(tried, [1, 8, 8, 8, 8, 64])  # four starts of 8
    assert len(set(scores[1:5].tolist())) == 4
    eight = scores[1:5].max()
    assert eight > scores[1] and compared[:2] == [
        (eight, scores[0]),
        (scores[5], eight),
    ]
    assert scores[0] < eight > scores[5] - 0.01  # in nats: as good, for chance
    assert 2 <= model.num_components <= 8
    best = scores[sizes == 8].argmax()
    assert model.fitted_with["smoothing"] == smoothings[sizes == 8][best]


def test_fewer_rows_than_components_are_left_to_start_from():
    """Of 20 rows a fifth choose."""
    wanted = ProductMixture(num_components=20, min_rows=1, held_out=0, max_steps=1)
    model = wanted.fit(KEY, CLUSTERS[::300])
    np.testing.assert_array_equal(model.history[:, 0], 16)


@pytest.mark.medium
def test_nothing_is_held_out_of_a_fit_that_others_judge():
    options = ProductMixture(num_components=2, held_out=0)
    assert len(options.held_out_rows(KEY, CLUSTERS[::60])) == 0
    model = options.fit(KEY, CLUSTERS[::60])
    assert model.quality is None and model.held_out_log_density is None
    states, _ = states_of(model.bins, CLUSTERS[::60])
    counts = [np.bincount(x).sum() for x in states.T]
    assert counts == [100, 100]


def test_values_that_few_rows_have_are_not_drawn_for_themselves():
    values = np.repeat([1.0, 2.0, 3.5, 7.0, 8.0, 9.0], [40, 4, 1, 1, 30, 24])[:, None]
    (bins,) = fitted_bins(plain_columns(1), values, min_rows=5)
    is_atom = bins.low == bins.high
    np.testing.assert_array_equal(bins.low[is_atom], [1, 8, 9])
    np.testing.assert_array_equal(bins.low[~is_atom], [1.5, 5.25])
    states, _ = bins.states(values)
    shares = np.bincount(states) / 100
    drawn = bins.block(np.repeat(states, 100), np.linspace(0, 1, 10_000) % 1)
    assert ((drawn >= 1) & (drawn <= 9)).all()
    cells, width = cell_points(bins)
    inside, within = bins.states(cells)
    np.testing.assert_allclose(shares[inside] * np.exp(within) @ width, 1)


@pytest.mark.medium
def test_a_constant_column_stays_what_it_is():
    points = np.column_stack([CLUSTERS[:100], np.full(100, 7.0)])
    model = ProductMixture(num_components=2).fit(KEY, points)
    np.testing.assert_allclose(model.sample(KEYS[0], 50)[:, 2], 7, rtol=1e-4)
    assert np.isfinite(model.log_density(points)).all()


@pytest.mark.medium
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


@pytest.mark.medium
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
        {k: v for k, v in arrays.items() if k != "weights"},
        {**arrays, "transitions": arrays["transitions"][:, :1]},
        {**arrays, "emissions": arrays["emissions"][:, :1]},
        {**arrays, "emissions": arrays["emissions"].astype(np.float32)},
        {**arrays, "low": arrays["low"] * np.nan},
        {**arrays, "high": arrays["high"][1:]},
        {**arrays, "weights": -arrays["weights"]},
        {**arrays, "weights": arrays["weights"] / 2},
        {**arrays, "transitions": arrays["transitions"] / 2},
        {**arrays, "parents": arrays["parents"] + 1},
        {**arrays, "nodes": arrays["nodes"] + 9},
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


@pytest.mark.medium
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
    with pytest.raises(ValueError, match="points to draw >= 1, got 0"):
        MIXED.sample(KEY, model, 0)


@pytest.mark.medium
def test_one_column_alone_is_a_mixture_too():
    points = np.random.default_rng(0).normal(size=(200, 1))
    model = ProductMixture().fit(KEY, points)
    drawn = model.sample(KEYS[0], 2_000)
    assert drawn.shape == (2_000, 1) and np.isfinite(model.log_density(points)).all()
    assert abs(drawn.mean() - points.mean()) < 5 * points.std() / np.sqrt(200)
