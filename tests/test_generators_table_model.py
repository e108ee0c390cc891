"""Trained generators with the codec of their tables: files, and rows for other runs."""

import json
from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
import pytest
from real_tables import assert_same

from cgm_jax.generators import (
    MMDGAN,
    MMDGANModel,
    ProductMixture,
    ProductMixtureModel,
    TableModel,
)
from cgm_jax.generators.base import BLOCK_SIZE
from cgm_jax.tables import Cells, ColumnChoice, TableCodec
from cgm_jax.tables.units import in_units

KEYS = jax.random.split(jax.random.key(0))
NUM = 300
JOBS = np.array(["clerk", "cook", "nurse"], object)

pytestmark = pytest.mark.usefixtures("quickly_judged")


def cells(form: str, values: np.ndarray, is_missing: np.ndarray | None = None) -> Cells:
    if is_missing is None:
        is_missing = np.zeros(len(values), bool)
    filled = np.where(is_missing, "" if form == "text" else 0, values)
    return Cells(form, filled.astype(values.dtype), is_missing)


def made_up(seed: int = 0, num: int = NUM) -> dict[str, Cells]:
    rng = np.random.default_rng(seed)
    return {
        "age": cells("whole", rng.integers(18, 80, num)),
        "job": cells("text", rng.choice(JOBS, num), rng.random(num) < 0.1),
        "weight": cells(
            "number", rng.normal(70, 9, num).round(1), rng.random(num) < 0.3
        ),
        "income": cells("number", rng.lognormal(8, 1, num)),
    }


TABLE = made_up()
CODEC = TableCodec.fit([TABLE])
POINTS = CODEC.encode(TABLE).astype(np.float32)
GAN = MMDGAN(num_steps=3, width=4, depth=1, batch_size=8, codec=CODEC)
GENERATORS = {
    "mmd-gan": GAN,
    "product-mixture": ProductMixture(num_components=3, smoothing=1, codec=CODEC),
}


@pytest.fixture(scope="module", params=GENERATORS)
def model(request) -> TableModel:
    fitted = GENERATORS[request.param].fit(KEYS[0], POINTS)
    model = TableModel(fitted, CODEC, "some digest")
    assert model.kind == request.param
    return model


@pytest.mark.medium
def test_a_saved_model_draws_the_same_rows(model, tmp_path):
    path = tmp_path / "model.npz"
    model.save(path)
    loaded = TableModel.load(path)
    assert (loaded.kind, loaded.data_digest) == (model.kind, "some digest")
    points = model.sample(KEYS[1], 500)
    np.testing.assert_array_equal(loaded.sample(KEYS[1], 500), points)
    np.testing.assert_array_equal(model.model.sample(KEYS[1], 500), points)
    rows = model.rows(KEYS[1], 500)
    for name, drawn in loaded.rows(KEYS[1], 500).items():
        assert_same(drawn, rows[name])
    for name in ("quality", "history"):
        expected, found = (getattr(one.model, name) for one in (model, loaded))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.medium
def test_rows_are_points_of_the_same_codec_exactly(model):
    made = CODEC.handed_out(model.sample(KEYS[1], 500))
    assert not model.differences(CODEC)
    points = model.points_for(CODEC, KEYS[1], 500)
    # A run has points in float32; income, of many decimals, is rounded in float64.
    np.testing.assert_array_equal(points.astype(np.float32), made.astype(np.float32))
    rows, again = model.rows(KEYS[1], 500), CODEC.decode(points)
    for name in ("age", "job", "weight"):
        assert_same(again[name], rows[name])


@pytest.mark.medium
def test_more_rows_start_with_fewer(model):
    num = BLOCK_SIZE + 5
    few, many = (model.points_for(CODEC, KEYS[1], n) for n in (num, 2 * num))
    np.testing.assert_array_equal(many[:num], few)
    assert len(np.unique(many, axis=0)) > num


@pytest.mark.medium
def test_rows_for_other_tables_with_the_columns_in_another_order(model):
    other = made_up(1)
    other = {name: other[name] for name in ("job", "income", "weight", "age")}
    codec = TableCodec.fit([other], min_rows=2)
    assert not model.differences(codec)
    points = model.points_for(codec, KEYS[1], 200)
    assert points.shape == (200, codec.num_dimensions)
    again, rows = codec.decode(points), model.rows(KEYS[1], 200)
    for name, drawn in rows.items():
        np.testing.assert_array_equal(again[name].is_missing, drawn.is_missing)
        present = ~drawn.is_missing
        found, expected = again[name].values[present], drawn.values[present]
        if name == "job":
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found.astype(float), expected, rtol=1e-9)


Change = Callable[[dict[str, Cells]], dict[str, Cells]]


def without_income(table):
    return {name: column for name, column in table.items() if name != "income"}


def with_height(table):
    return {**table, "height": table["age"]}


def without_nurses(table):
    job = table["job"]
    values = np.where(job.values == "nurse", "clerk", job.values)
    return {**table, "job": replace(job, values=values)}


def all_present(name: str) -> Change:
    def change(table):
        values = table[name].values
        if name == "job":
            values = np.where(table[name].is_missing, "cook", values)
        return {**table, name: cells(table[name].form, values)}

    return change


def whole_income(table):
    return {
        **table,
        "income": cells("whole", np.rint(table["income"].values).astype(int)),
    }


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        (without_income, "income (only in the model)"),
        (with_height, "height (not in the model)"),
        (without_nurses, "job (1 categories only in the model)"),
        (all_present("job"), "job (missing cells only in the model)"),
        (all_present("weight"), "weight (missing cells only in the model)"),
        (whole_income, "income (a whole number, in the model a number)"),
    ],
)
@pytest.mark.medium
def test_what_other_tables_cannot_hold_is_said_by_name(change, clause):
    model = TableModel(
        ProductMixture(num_components=1, smoothing=1, codec=CODEC).fit(KEYS[0], POINTS),
        CODEC,
    )
    codec = TableCodec.fit([change(made_up(1))])
    assert model.differences(codec) == [clause]


@pytest.mark.medium
def test_rare_categories_of_the_model_do_not_matter(model):
    """They are not handed out, and no other table needs to have them."""
    table = made_up()
    values = table["job"].values.copy()
    values[:2] = "astronaut"
    table["job"] = replace(table["job"], values=values, is_missing=values == "")
    codec = TableCodec.fit([table])
    assert "job=astronaut" in codec.coordinates
    options = ProductMixture(num_components=2, smoothing=1, codec=codec)
    rare = TableModel(options.fit(KEYS[0], codec.encode(table)), codec)
    assert not rare.differences(CODEC)
    assert np.isfinite(rare.points_for(CODEC, KEYS[1], 1000)).all()
    assert "astronaut" not in rare.rows(KEYS[1], 1000)["job"].values


@pytest.mark.medium
def test_images_are_models_in_pixels(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 16, (60, 16))
    pixels[:, 5] = 3  # has no coordinate
    table = {f"p{i}": cells("whole", column) for i, column in enumerate(pixels.T)}
    codec = TableCodec.fit([table])
    points = codec.encode(table)
    options = MMDGAN(
        num_steps=2, shape=(4, 4, 1), value_range=(0, 16), channels=1, batch_size=4
    )
    model = TableModel(options.fit(KEYS[0], in_units(codec, points)), codec)
    model.save(tmp_path / "model.npz")
    drawn = TableModel.load(tmp_path / "model.npz").sample(KEYS[1], 20)
    assert drawn.shape == (20, 15)
    shown = in_units(codec, drawn)
    expected = np.array(model.model.sample(KEYS[1], 20))
    expected[:, 5] = 3
    np.testing.assert_allclose(shown, expected, atol=0.51)  # to whole numbers
    with pytest.raises(
        ValueError, match="of 8 coordinates, as the codec's, got one of 16"
    ):
        TableModel(options.fit(KEYS[0], pixels), CODEC)


@pytest.mark.medium
def test_other_files_are_refused(model, tmp_path):
    path = tmp_path / "model.npz"
    model.model.save(path)  # as train-generator did
    advice = "train one with cgm-jax train-generator"
    with pytest.raises(ValueError, match=rf"one of the format .*; {advice}"):
        TableModel.load(path)
    model.save(path)
    kind = MMDGANModel if model.kind == "mmd-gan" else ProductMixtureModel
    with pytest.raises(ValueError, match="one of the format 'cgm-jax table generator"):
        kind.load(path)
    with np.load(path) as file:
        arrays = dict(file)
    facts = json.loads(str(arrays["facts"]))
    other = TableCodec.fit([without_income(TABLE)])
    other.save(tmp_path / "codec.npz")
    with np.load(tmp_path / "codec.npz") as file:
        codec_facts = json.loads(str(file["facts"]))
        others = {f"codec.{k}": v for k, v in file.items() if k != "facts"}
    kept = {k: v for k, v in arrays.items() if not k.startswith("codec.")}
    as_text = {"facts": np.array(json.dumps({**facts, "codec": codec_facts}))}
    for changed in (
        {k: v for k, v in arrays.items() if not k.startswith("model.")},
        kept,
        {**kept, **others, **as_text},  # of other columns than the model's
        {**arrays, "facts": np.array(json.dumps({**facts, "generator": "kde"}))},
    ):
        np.savez(path, **changed)
        with pytest.raises(ValueError, match="expected a saved table generator"):
            TableModel.load(path)


@pytest.mark.medium
def test_categories_are_as_frequent_as_in_the_tables():
    """After three steps only because the logits are moved to that."""
    places = [name.startswith("job") for name in CODEC.coordinates]
    expected = POINTS[:, places].mean(axis=0)

    def distance(options: MMDGAN) -> float:
        fitted = replace(options.fit(KEYS[0], POINTS), calibration=None)
        points = np.asarray(fitted.sample(KEYS[1], 5_000))
        return np.abs(points[:, places].mean(axis=0) - expected).max()

    assert distance(GAN) < 0.02 < 0.05 < distance(replace(GAN, calibrated=False))


@pytest.mark.medium
def test_a_models_options_need_its_codec_again():
    model = GAN.fit(KEYS[0], POINTS)
    assert MMDGAN.like(model, codec=CODEC) == GAN
    other = TableCodec.fit([TABLE], choices=[ColumnChoice("job", "category", weight=2)])
    plain = MMDGAN(num_steps=1, width=4, depth=1, batch_size=8).fit(KEYS[0], POINTS)
    for fitted, codec in ((model, None), (model, other), (plain, CODEC)):
        with pytest.raises(ValueError, match="Expected the codec"):
            MMDGAN.like(fitted, codec=codec)
    with pytest.raises(ValueError, match=f"codec's {POINTS.shape[1]} coordinates"):
        GAN.fit(KEYS[0], POINTS[:, 1:])
    with pytest.raises(ValueError, match="shape left out beside a codec"):
        replace(GAN, shape=(4, 4, 1), value_range=(0, 1))
