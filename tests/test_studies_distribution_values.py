"""Contaminated vendors on a small population: exact distances, draws and tables."""

import json
from pathlib import Path

import jax
import numpy as np
import oracles
import pytest

from benchmarks.studies import distribution_values as study
from benchmarks.studies.__main__ import app
from cgm_jax.cli.app import run_app
from cgm_jax.gram import gram_sums
from cgm_jax.kernels import SquaredExponential
from cgm_jax.valuation import bootstrap_sums

RESULTS = Path(__file__).parent.parent / "benchmarks/results/distribution-values.json"
KERNEL = SquaredExponential(0.9)


@pytest.fixture(scope="module")
def population() -> study.Population:
    rng = np.random.default_rng(0)
    parts = {
        "real": rng.normal(size=(60, 2)),
        "near": rng.normal(0.5, 1, size=(40, 2)),
        "far": rng.normal(3, 1, size=(50, 2)),
    }
    return study.Population(
        "small", {name: x.astype(np.float32) for name, x in parts.items()}
    )


@pytest.mark.medium
def test_distances_of_populations_are_exact(population):
    found = study.Pairs.of(population, KERNEL).distances
    real = population.parts["real"].astype(float)
    assert found["real"] < 1e-3
    for name in ("near", "far"):
        other = population.parts[name].astype(float)
        expected = oracles.mmd2_biased(oracles.squared_exponential(0.9), real, other)
        assert found[name] == pytest.approx(np.sqrt(expected), rel=1e-4)


@pytest.mark.medium
def test_sums_and_resamples_are_those_of_the_rows_drawn(population):
    pairs = study.Pairs.of(population, KERNEL)
    random = np.random.default_rng(1)
    counts = random.multinomial(80, np.full((3, 150), 1 / 150))
    rows = np.concatenate(list(population.parts.values()))
    drawn = [np.repeat(rows, one, axis=0) for one in counts]
    expected = gram_sums(KERNEL, drawn[:-1], drawn[-1])
    sums = study._sums(pairs.kernel, counts)
    np.testing.assert_allclose(sums.between, expected.between, rtol=1e-5)
    np.testing.assert_array_equal(sums.sizes, expected.sizes)
    found = np.concatenate(
        [study._resampled(random, pairs.kernel, counts, sums) for _ in range(10)]
    )
    again = bootstrap_sums(
        jax.random.key(0), KERNEL, drawn[:-1], drawn[-1], expected, num_resamples=400
    )
    # 400 resamples each: standard deviations agree to about 3.5 % either.
    np.testing.assert_allclose(found.std(0)[:2], again.std(0)[:2], rtol=0.2)
    error = again.std(0) / np.sqrt(400)
    assert (abs(found.mean(0) - again.mean(0)) < 6 * error + 0.01).all()


@pytest.mark.medium
def test_vendors_are_ordered_by_contamination(population):
    rows = list(
        study.measure_correlations(
            population, num_vendors=[4], num_rows=[400], num_seeds=3
        )
    )
    assert len(rows) == 3 * 2 * len(study.METHODS)
    found = {(row.contamination, row.reference, row.method): row for row in rows}
    for method in study.METHODS:
        far = found["far", "sample", method]
        assert far.pearson > 0.9 and far.spearman == pytest.approx(1)
        assert far.order == pytest.approx(far.spearman)
        # The vendors in the middle look best to the mixture.
        assert abs(found["far", "mixture", method].pearson) < 0.5
    assert found["far", "sample", "ours"].right_pairs == 1
    assert found["far", "sample", "square"].sure_pairs is None
    assert found["near", "sample", "ours"].pearson < 0.999
    tables = list(study.correlation_tables(rows))
    assert len(tables) == 4
    assert all(table.row_count == 3 for table in tables)


def test_tables_are_populations(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    lines = [f"{a:.3f},{2 * a:.3f},{'no' if a < 1 else 'yes'}" for a in x]
    path = tmp_path / "small.csv"
    path.write_text("\n".join(["x,twice,is_high", *lines]))
    found = study.population_of_table(path)
    assert found.name == "small"
    assert found.contaminations == ["noise", "independent columns", "rarest class"]
    real, mixed = found.parts["real"], found.parts["independent columns"]
    assert np.corrcoef(real[:, 0], real[:, 1])[0, 1] > 0.99
    assert abs(np.corrcoef(mixed[:, 0], mixed[:, 1])[0, 1]) < 0.3
    np.testing.assert_allclose(np.sort(mixed[:, 0]), np.sort(real[:, 0]))
    assert len(found.parts["rarest class"]) == (x >= 1).sum()


def test_a_table_that_is_not_there_is_one_line(capsys):
    with pytest.raises(SystemExit) as stopped:
        run_app(app, ["distribution-values", "nowhere/adult.csv.gz"])
    assert stopped.value.code == 2
    assert "nowhere/adult.csv.gz" in capsys.readouterr().err


def test_what_was_found_is_in_the_results():
    found = json.loads(RESULTS.read_text())
    rows = found["correlations"]
    assert {row["population"] for row in rows} == {
        "credit ratings",
        "digits",
        "adult",
        "shoppers",
        "default",
    }
    assert found["seeds"] == 10 and len(rows) == 5 * 4 * 4 * 2 * 3
    for row in rows:
        if row["reference"] == "sample" and row["num_rows"] == 2_000:
            assert row["pearson"] > 0.9 and row["spearman"] > 0.85
