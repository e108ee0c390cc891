"""A generator that was trained before: on which columns, and on whose data."""

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from cgm_jax.generators.scaled_columns import TableScale
from small_generators import trained
from small_runs import write_parties

from cgm_jax._shared.progress import silent
from cgm_jax.files import Parties, UsageError, read_parties
from cgm_jax.generators.mmd_gan.model import MMDGANModel
from cgm_jax.mediation.row_source import ReorderedColumns, data_digest, load_model
from cgm_jax.mediation.run import Settings, candidate_source
from cgm_jax.report.sentences import generator_warnings


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    """Columns age and income."""
    return read_parties(write_parties(tmp_path)[0], label_column="sex")


def loaded(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Let any file hold a model with these fields."""
    model = replace(trained(), **changes)
    monkeypatch.setattr(MMDGANModel, "load", lambda path: model)


def test_a_digest_is_of_the_rows_in_any_order(parties):
    digest = data_digest(parties)
    backwards = replace(
        parties,
        columns=parties.columns[::-1],
        points=tuple(rows[::-1, ::-1] for rows in parties.points[::-1]),
    )
    assert data_digest(backwards) == digest
    fewer = replace(parties, points=parties.points[:2])
    renamed = replace(parties, columns=parties.columns[::-1])
    assert digest not in (data_digest(fewer), data_digest(renamed))


def test_a_models_columns_are_put_in_the_parties_order(parties, monkeypatch):
    class Drawing:
        columns = ("income", "age")

        def sample(self, key, num):
            return np.tile([900.0, 31.0], (num, 1))

    rows = ReorderedColumns(Drawing(), ("age", "income")).sample(jax.random.key(0), 2)
    np.testing.assert_array_equal(rows, [[31, 900], [31, 900]])
    loaded(monkeypatch, columns=("income", "age"))
    assert load_model(Path("model.npz"), parties).columns == ("income", "age")


@pytest.mark.parametrize("columns", [("age",), ("age", "height"), None])
def test_other_columns_are_refused(parties, monkeypatch, columns):
    loaded(monkeypatch, columns=columns)
    with pytest.raises(UsageError, match="expected a model of the columns age, income"):
        load_model(Path("model.npz"), parties)


@pytest.mark.parametrize(
    ("of_these", "is_warned_of"), [(True, False), (False, True), (None, False)]
)
def test_a_model_of_other_data_is_said(parties, monkeypatch, of_these, is_warned_of):
    """Nothing is said of a model without a note of its data."""
    digest = data_digest(parties) if of_these else "of others"
    loaded(
        monkeypatch,
        columns=parties.columns,
        data_digest=None if of_these is None else digest,
    )
    scale = TableScale.of(parties.points, standardize=True, whole=np.zeros(2, bool))
    source = candidate_source(
        jax.random.key(0),
        Settings(generator_model=Path("model.npz")),
        parties,
        scale,
        mesh=None,
        progress=silent,
    )
    assert source.is_of_other_data is is_warned_of
    said = generator_warnings(is_of_other_data=source.is_of_other_data)
    assert len(said) == is_warned_of
