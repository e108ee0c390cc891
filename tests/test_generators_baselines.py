"""What every generator is compared with: columns alone, and the rows themselves."""

import jax
import numpy as np
import pytest
from real_tables import mixed_tables

from cgm_jax.generators import BootstrapRows, Generator, IndependentColumns
from cgm_jax.generators.base import BLOCK_SIZE
from cgm_jax.generators.product_columns import codec_columns, split_points
from cgm_jax.tables import TableCodec

KEY = jax.random.key(0)
POINTS = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


@pytest.mark.parametrize("generator", [BootstrapRows(), IndependentColumns()])
def test_growing_keeps_what_is_there_and_the_key_decides(generator):
    assert isinstance(generator, Generator)
    model = generator.fit(KEY, POINTS)
    few = generator.sample(KEY, model, 7)
    many = generator.sample(KEY, model, BLOCK_SIZE + 9)
    assert few.dtype == np.float32 and many.shape == (BLOCK_SIZE + 9, 3)
    np.testing.assert_array_equal(many[:7], few)
    assert (generator.sample(jax.random.key(1), model, 7) != few).any()
    with pytest.raises(ValueError, match="at least one point, got none"):
        generator.fit(KEY, POINTS[:0])


def test_copied_rows_are_rows_each_as_often():
    model = BootstrapRows().fit(KEY, POINTS)
    drawn = BootstrapRows().sample(KEY, model, 20_000)
    rows, counts = np.unique(drawn, axis=0, return_counts=True)
    np.testing.assert_array_equal(rows, np.unique(POINTS, axis=0))
    assert np.abs(counts - 400).max() < 5 * np.sqrt(400)


def test_independent_columns_are_the_columns_and_uncorrelated():
    points = np.repeat(POINTS[:, :1], 3, axis=1)  # all the same
    drawn = IndependentColumns().sample(KEY, points, 20_000)
    assert set(np.unique(drawn)) == set(np.unique(points))
    correlations = np.corrcoef(drawn.T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(20_000)


def test_coordinates_of_one_column_stay_together():
    tables = mixed_tables()
    codec = TableCodec.fit(tables)
    points = np.concatenate([codec.encode(table) for table in tables])
    drawn = IndependentColumns(codec).sample(KEY, points, 500)
    columns = codec_columns(codec)
    for real, made in zip(
        split_points(columns, points), split_points(columns, drawn), strict=True
    ):
        assert {tuple(x) for x in made} <= {tuple(x) for x in real}
    assert len(np.unique(drawn, axis=0)) > len(points)
