"""Generators compared: what yardsticks must show, who sees what, and which one wins."""

from dataclasses import dataclass, replace

import jax
import numpy as np
import pytest
from real_tables import cells_of

from cgm_jax.evaluation import GeneratorComparison, compare_generators
from cgm_jax.evaluation.copying import Copying
from cgm_jax.generators import KernelDensity
from cgm_jax.kernels import SquaredExponential
from cgm_jax.metrics import table_quality, train_on_synthetic
from cgm_jax.tables import Cells, TableCodec
from cgm_jax.valuation import mmd2_unbiased

KEY = jax.random.key(0)
NUM = 1_000


def table(normal: np.ndarray) -> dict[str, Cells]:
    """Two groups of people: ages, pays, jobs, and a bonus that many do not get."""
    group = normal[:, 0] > 0.3
    age = (40 + 8 * normal[:, 1] + 20 * group).round().astype(int)
    pay = np.exp(7 + 0.02 * age + 0.2 * normal[:, 2]).round(2)
    job = np.where(normal[:, 3] + 2 * group > 1, "nurse", "clerk")
    bonus = np.where(group, (pay / 10).round(2), 0)
    columns = {"age": age, "pay": pay, "job": job, "bonus": bonus}
    return cells_of({name: x.astype(str).tolist() for name, x in columns.items()})


REAL = table(np.random.default_rng(0).normal(size=(NUM, 4)))
CODEC = TableCodec.fit([REAL])
POINTS = CODEC.encode(REAL)


@dataclass
class Fresh:
    """A perfect generator, which notes what it is shown."""

    seen: np.ndarray | None = None

    def fit(self, key, points):
        self.seen = np.asarray(points)
        return "perfect"

    def sample(self, key, model, num):
        drawn = table(np.random.default_rng(1).normal(size=(20 * NUM, 4)))
        return CODEC.handed_out(_clipped(CODEC, drawn))[:num].astype(np.float32)


def _clipped(codec: TableCodec, rows: dict[str, Cells]) -> np.ndarray:
    return codec.clipped(codec.encode(rows))


@pytest.fixture(scope="module")
def fresh() -> Fresh:
    return Fresh()


@pytest.fixture(scope="module")
def found(fresh: Fresh) -> GeneratorComparison:
    generators = {"kde": KernelDensity(0.02), "perfect": fresh}
    return compare_generators(KEY, CODEC, POINTS, generators, target="job")


def named(found: GeneratorComparison, name: str):
    (one,) = (x for x in (*found.generators, *found.yardsticks) if x.name == name)
    return one


@pytest.mark.medium
def test_columns_drawn_independently_are_right_one_by_one_and_easily_told(found):
    columns = named(found, "independent columns")
    assert columns.shape > 0.95
    assert columns.trend < 0.9 and columns.detection < 0.5
    assert columns.utility < 0.6 < found.real_utility
    assert not columns.copying.is_copier


@pytest.mark.medium
def test_copied_rows_are_best_at_all_but_copying(found):
    copied = named(found, "copied rows")
    assert copied.shape > 0.95 and copied.trend > 0.95 and copied.detection > 0.99
    assert copied.copying.copied_share == 1 and copied.copying.is_copier
    assert copied.model is None


@pytest.mark.medium
def test_fresh_rows_cannot_be_told_and_are_no_copies(found):
    fresh = named(found, "fresh real rows")
    assert fresh.num_drawn == 100 and fresh.detection > 0.8
    assert not fresh.copying.is_copier
    assert abs(fresh.mmd2[0]) < 0.02
    assert found.measure == "AUC" and 0.7 < found.real_utility < 1


@pytest.mark.medium
def test_noise_around_rows_is_a_copier_and_a_perfect_generator_wins(found):
    kde, perfect = found.generators
    assert kde.copying.is_copier and not perfect.copying.is_copier
    assert perfect.detection > 0.9
    assert abs(perfect.utility - found.real_utility) < 0.1
    assert found.best is perfect and perfect.model == "perfect"


@pytest.mark.medium
def test_nobody_sees_the_rows_that_are_held_out(found, fresh):
    assert len(found.held_out) == NUM // 5 and found.num_training == 4 * NUM // 5
    others = np.delete(np.arange(NUM), found.held_out)
    expected, seen = POINTS[others].astype(np.float32), fresh.seen
    order = np.lexsort(expected.T), np.lexsort(seen.T)
    np.testing.assert_array_equal(seen[order[1]], expected[order[0]])
    assert {each.num_drawn for each in found.generators} == {found.num_training}


@pytest.mark.medium
def test_rows_that_are_held_out_are_as_many_of_each_half(found):
    widest = POINTS[:, POINTS.var(axis=0).argmax()]
    num_above = np.sum(widest[found.held_out] > np.median(widest))
    assert abs(num_above - NUM // 10) <= 1  # by chance alone: 6 more or fewer


@pytest.mark.medium
def test_figures_are_those_of_their_definitions(found):
    """The perfect generator's figures: its rows are known."""
    held_out = POINTS[found.held_out]
    learned = np.delete(POINTS, found.held_out, axis=0)
    points = Fresh().sample(KEY, None, found.num_training)
    rows, perfect = CODEC.decode(points), found.generators[1]
    kinds = {facts.name: facts.kind for facts in CODEC.facts}
    quality = table_quality(KEY, [CODEC.decode(learned)], rows, kinds=kinds)
    found_and_expected = (perfect.shape, perfect.trend), (quality.shape, quality.trend)
    np.testing.assert_allclose(*found_and_expected, rtol=1e-12)
    assert perfect.detection == pytest.approx(quality.detection.boosted, abs=0.1)
    score = train_on_synthetic(
        KEY, rows, CODEC.decode(held_out), "job", kinds=kinds
    ).score
    assert perfect.utility == pytest.approx(score, abs=0.02)
    for scale, value in zip((1, 0.25), perfect.mmd2, strict=True):
        kernel = SquaredExponential(scale * found.length_scale)
        expected = float(mmd2_unbiased(kernel, points, held_out.astype(np.float32)))
        assert value == pytest.approx(expected, abs=1e-5)


@pytest.mark.medium
def test_the_same_key_gives_the_same_figures(found):
    again = compare_generators(
        KEY,
        CODEC,
        POINTS,
        {"kde": KernelDensity(0.02), "perfect": Fresh()},
        target="job",
    )
    for one, other in zip(found.rows(), again.rows(), strict=True):
        for row in (one, other):
            assert row.pop("fit_seconds") >= 0 and row.pop("draw_seconds") >= 0
        assert one == other


@pytest.mark.medium
def test_rows_for_tables_have_every_figure(found):
    rows = found.rows()
    assert [row["name"] for row in rows if row["is_yardstick"]] == [
        "independent columns",
        "copied rows",
        "fresh real rows",
    ]
    assert rows[0]["is_copier"] and rows[0]["mmd2"] == found.generators[0].mmd2[0]
    assert "model" not in rows[0]


# --- which one is best

COPY, NO_COPY = Copying(0.6, 1.0, 0.1), Copying(0.5, 0.1, 0.1)


def compared(found: GeneratorComparison, *figures: tuple) -> str:
    """The best of generators with these detections, copying and MMD²."""
    one = found.generators[0]
    generators = tuple(
        replace(one, name=str(i), detection=detection, copying=copies, mmd2=(0.0, mmd2))
        for i, (detection, copies, mmd2) in enumerate(figures)
    )
    return replace(found, generators=generators).best.name


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ([(0.9, NO_COPY, 0.2), (0.8, NO_COPY, 0.1)], "0"),
        ([(0.81, NO_COPY, 0.2), (0.8, NO_COPY, 0.1)], "1"),
        ([(0.99, COPY, 0.0), (0.1, NO_COPY, 0.9)], "1"),
        ([(0.99, COPY, 0.2), (0.5, COPY, 0.1)], "0"),
        ([(np.nan, NO_COPY, 0.0), (0.1, NO_COPY, 0.1)], "1"),
        ([(np.nan, NO_COPY, 0.1), (np.nan, NO_COPY, 0.0)], "1"),
    ],
)
@pytest.mark.medium
def test_the_best_is_no_copier_and_the_least_told(found, figures, best):
    assert compared(found, *figures) == best


# --- what is refused


def test_too_few_rows_and_no_generator_are_refused():
    one = {"kde": KernelDensity(0.1)}
    with pytest.raises(ValueError, match=r"at least 100 rows, .* got 99 and 1"):
        compare_generators(KEY, CODEC, POINTS[:99], one)
    with pytest.raises(ValueError, match="got 1000 and 0"):
        compare_generators(KEY, CODEC, POINTS, {})
    with pytest.raises(ValueError, match=r"a share in \[0.1, 0.5\], got 0.6"):
        compare_generators(KEY, CODEC, POINTS, one, held_out=0.6)


def test_a_target_that_is_no_column_is_refused_before_anything_is_fitted():
    generator = Fresh()
    with pytest.raises(ValueError, match=r"Expected a target among .*, got salary"):
        compare_generators(KEY, CODEC, POINTS, {"a": generator}, target="salary")
    assert generator.seen is None
