"""A generator that was trained before: on which columns, and on whose data."""

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from small_runs import cgm_jax, opened, report_of, write_parties

from cgm_jax._shared.progress import silent
from cgm_jax.files import UsageError
from cgm_jax.generators import ProductMixture, TableModel
from cgm_jax.mediation.row_source import data_digest, fitted_model, load_model
from cgm_jax.mediation.run import Settings, candidate_source
from cgm_jax.mediation.tables import CodedTables
from cgm_jax.report.sentences import generator_warnings


@pytest.fixture
def tables(tmp_path: Path) -> CodedTables:
    """Columns age and income."""
    return opened(write_parties(tmp_path)[0], label_column="sex")


@pytest.mark.medium
def test_a_mixture_of_products_supplies_the_rows(quick, tmp_path, capsys):
    files, _ = write_parties(tmp_path)
    out = tmp_path / "out"
    words = ["run", *files, "--label-column", "sex", "--generator", "product-mixture"]
    words += ["--num-candidates", 500, "--no-stress", "--out", out]
    assert cgm_jax(*words) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "MMD² to 18 held-out rows" in printed
    report = report_of(out)
    generator, said = report["generator"], report["settings"]["generator"]
    assert said == f"mixture of {generator['num_components']} products"
    assert generator["quality"]["num_held_out"] == 18
    assert generator["history"]["components"][:2] == [1, 8]
    assert generator["held_out_log_density"] < 0
    control = report["nearest_rows"]["control"]
    assert "held out of the training" in control
    page = (out / "mediator" / "report.html").read_text("utf-8")
    assert "come from a mixture of products" in page
    assert "18 real rows that it never saw" in page
    assert "real rows plus a little noise" not in page
    statement = (out / "north" / "statement.html").read_text("utf-8")
    assert "(a mixture of products)" in statement


@pytest.mark.medium
def test_rows_that_a_mixture_never_saw_are_those_of_the_parties(tables):
    key = jax.random.key(0)
    source = candidate_source(
        key, Settings(generator="product-mixture"), tables, mesh=None, progress=silent
    )
    pool = np.concatenate(tables.points).astype(np.float32)
    unseen = np.concatenate(source.held_out)
    density = source.model.log_density(pool[unseen]).mean()
    assert unseen.sum() == source.model.quality.num_held_out
    np.testing.assert_allclose(density, source.model.held_out_log_density, rtol=1e-6)
    again = source.generator.fit(jax.random.key(1), pool)
    assert again.model is source.model


def test_only_few_rows_are_said_to_be_too_few(tables):
    """A fit's other errors say what they are."""
    key, num = jax.random.key(0), sum(map(len, tables.points))
    wanted = ProductMixture(codec=tables.codec, min_rows=num)
    with pytest.raises(ValueError, match=f"{num} rows, too few to fit a generator to"):
        fitted_model(key, tables, wanted)
    with pytest.raises(ValueError, match="Expected at most"):
        fitted_model(key, tables, replace(wanted, min_rows=num // 2, num_components=9))


def test_a_digest_is_of_the_rows_in_any_order(tables, tmp_path):
    digest = data_digest(tables)
    files = [file.path for file in tables.parties.files]
    for place, file in enumerate(files):  # rows and parties backwards
        header, *rows = file.read_text().splitlines()
        backwards = tmp_path / f"party_{9 - place}.csv"
        backwards.write_text("\n".join([header, *rows[::-1]]))
    others = sorted(tmp_path.glob("party_*.csv"))
    assert data_digest(opened(others, label_column="sex")) == digest
    assert data_digest(opened(files[:2], label_column="sex")) != digest
    files[0].write_text(files[0].read_text().replace("age", "weight"))
    for file in files[1:]:
        file.write_text(file.read_text().replace("age", "weight"))
    assert data_digest(opened(files, label_column="sex")) != digest


def saved(tables: CodedTables, data_digest: str | None = None) -> Path:
    """The file of a mixture fitted to the tables."""
    options = ProductMixture(codec=tables.codec, num_components=2, smoothing=1)
    fitted = options.fit(jax.random.key(0), np.concatenate(tables.points))
    path = tables.parties.files[0].path.with_name("model.npz")
    TableModel(fitted, tables.codec, data_digest).save(path)
    return path


@pytest.mark.medium
def test_other_columns_are_refused_by_name(tables):
    path = saved(tables)
    files = [file.path for file in tables.parties.files]
    for file in files:
        file.write_text(file.read_text().replace("age", "height", 1))
    with pytest.raises(UsageError) as error:
        load_model(path, opened(files, label_column="sex").codec)
    assert str(error.value) == (
        f"{path}: expected a model of the columns of these files, found that they "
        "differ: age (only in the model); height (not in the model); train one on "
        "these files with train-generator"
    )


@pytest.mark.medium
def test_of_many_other_columns_some_are_named(tables, monkeypatch):
    many = [f"c{i} (only in the model)" for i in range(13)]
    monkeypatch.setattr(TableModel, "differences", lambda model, codec: many)
    with pytest.raises(UsageError, match=r"c9 \(only in the model\) and 3 more; train"):
        load_model(saved(tables), tables.codec)


@pytest.mark.parametrize(
    ("of_these", "is_warned_of"), [(True, False), (False, True), (None, False)]
)
@pytest.mark.medium
def test_a_model_of_other_data_is_said(tables, of_these, is_warned_of):
    """Nothing is said of a model without a note of its data."""
    digest = data_digest(tables) if of_these else "of others"
    path = saved(tables, None if of_these is None else digest)
    source = candidate_source(
        jax.random.key(0),
        Settings(generator_model=path),
        tables,
        mesh=None,
        progress=silent,
    )
    assert source.is_of_other_data is is_warned_of
    assert source.described == "mixture of products, the model model.npz"
    said = generator_warnings(is_of_other_data=source.is_of_other_data)
    assert len(said) == is_warned_of
    pool = np.concatenate(tables.points).astype(np.float32)
    made = source.generator.fit(jax.random.key(1), pool)
    points = source.generator.sample(jax.random.key(2), made, 50)
    np.testing.assert_array_equal(
        tables.codec.handed_out(points).astype(np.float32), points
    )
