"""What the page of a mediator's run is made of."""

import jax
import numpy as np
import pytest
from small_generators import HISTORY, QUALITY
from small_runs import opened

from cgm_jax._shared.archive import named_arrays
from cgm_jax.generators import MMDGAN, MMDGANModel, TableModel
from cgm_jax.generators.mmd_gan.step import start_training
from cgm_jax.mediation import publish
from cgm_jax.mediation.publish import publish_mediation
from cgm_jax.mediation.run import Settings, mediate
from cgm_jax.scoring import SCORINGS

SHAPE = (4, 4, 1)


@pytest.fixture
def published(monkeypatch):
    """What the page is made of, instead of a page with pictures."""
    published = []

    def page(sections, pictures, **more):
        published.append(more)
        return "page"

    monkeypatch.setattr(publish, "report_page", page)
    monkeypatch.setattr(publish, "draw_pictures", lambda section: {})
    return published


@pytest.fixture
def images():
    """Two parties' images of 4 x 4 pixels, one of which is never black."""
    images = np.random.default_rng(0).uniform(0, 255, size=(2, 30, 16)).round()
    images[:, :, 3] = 7
    return images


def files_of(folder, parties, columns):
    paths = [folder / f"party_{i}.csv" for i in range(len(parties))]
    for path, rows in zip(paths, parties, strict=True):
        lines = [",".join(columns), *(",".join(f"{x:g}" for x in row) for row in rows)]
        path.write_text("\n".join(lines))
    return paths


@pytest.mark.medium
def test_images_are_shown_in_pixels(published, images, tmp_path):
    columns = tuple(f"pixel_{i}" for i in range(16))
    options = MMDGAN(shape=SHAPE, value_range=(0, 255), channels=1)
    parts = options.split(16)[:2]
    _, state = start_training(jax.random.key(0), *parts, learning_rate=1e-3)
    parameters, range_ = named_arrays(state.average), (np.zeros(16), np.full(16, 255.0))
    model = MMDGANModel(
        options.facts(), parameters, *range_, HISTORY, "all-steps", QUALITY
    )
    tables = opened(files_of(tmp_path, images, columns))
    TableModel(model, tables.codec).save(tmp_path / "model.npz")
    done = mediate(
        tables,
        tmp_path / "out",
        Settings(
            generator_model=tmp_path / "model.npz",
            num_candidates=50,
            stability=False,
            stress_test=False,
        ),
    )
    publish_mediation(done)
    (page,) = published
    origin = page["origin"]
    assert origin.shape == SHAPE
    np.testing.assert_array_equal(origin.real, np.concatenate(images))
    assert len(origin.generated) == len(done.collaboration.promises.candidates)
    assert (origin.generated[:, 3] == 7).all()  # not a column of the candidates
    drawn = np.asarray(model.sample(jax.random.key(1), 1_000))
    assert abs(np.median(origin.generated) - np.median(drawn)) < 10  # of 255
    assert "figures that follow" in page["generator_note"]
    assert "MMD² to" not in page["generator_note"]  # they stand in a table


@pytest.mark.medium
def test_rows_of_a_table_are_shown_in_scaled_columns(published, images, tmp_path):
    columns = tuple(f"column_{i}" for i in range(16))
    settings = Settings(
        generator="kde", num_candidates=50, stability=False, stress_test=False
    )
    done = mediate(
        opened(files_of(tmp_path, images, columns)), tmp_path / "out", settings
    )
    publish_mediation(done)
    origin = published[0]["origin"]
    assert origin.model is None and origin.shape is None
    assert origin.columns == [name for name in columns if name != "column_3"]
    promises = done.collaboration.promises
    pool = np.concatenate(promises.parties)
    np.testing.assert_array_equal(origin.real, pool)
    np.testing.assert_array_equal(origin.generated, promises.candidates)
    np.testing.assert_allclose(origin.real.std(axis=0), 1, rtol=1e-5)
    assert "kernel density estimate" in published[0]["generator_note"]


def test_cheating_is_tried_under_other_schemes_where_that_is_quick():
    settings = Settings(scoring=SCORINGS["points"])
    names = [each.name for each in settings.other_scorings(14_000)]
    assert sorted([*names, "points"]) == sorted(SCORINGS)
    assert settings.tries_cheating(20_000) and not settings.other_scorings(20_000)
    assert not settings.tries_cheating(30_000)
