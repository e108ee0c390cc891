"""The generator of a run that names none: which, why, and what the report says."""

import itertools
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from small_runs import cgm_jax, opened, report_of, write_parties

from cgm_jax._shared.progress import silent
from cgm_jax.generators import KernelDensity, ProductMixture
from cgm_jax.mediation import choosing
from cgm_jax.mediation.choosing import LearnedRows, contenders
from cgm_jax.mediation.run import Settings, candidate_source
from cgm_jax.report.sentences import choice_sentences

KEY = jax.random.key(0)


def write_groups(folder: Path, num: int = 160) -> list[Path]:
    """Two groups of rows, in each of which columns are independent: a mixture."""
    rng, files = np.random.default_rng(0), []
    for name in ("east", "west"):
        group = rng.random(num) < 0.5
        x, y, z = rng.normal(np.where(group, 0, 4), 1, (3, num)).round(4)
        job = np.where(rng.random(num) < np.where(group, 0.9, 0.2), "cook", "clerk")
        lines = [f"{a},{b},{c},{d}" for a, b, c, d in zip(x, y, z, job, strict=True)]
        files.append(folder / f"{name}.csv")
        files[-1].write_text("\n".join(["x,y,z,job", *lines]))
    return files


def source_of(tables, **changes):
    settings = replace(Settings(), **changes)
    return candidate_source(KEY, settings, tables, mesh=None, progress=silent)


@pytest.fixture
def two_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mixture's size is known: nothing has to be chosen."""

    def few(tables, **options):
        found = contenders(tables, **options)
        mixture = replace(found["product-mixture"], num_components=2, smoothing=0.1)
        return {**found, "product-mixture": mixture}

    monkeypatch.setattr(choosing, "contenders", few)


@pytest.fixture
def tables(tmp_path):
    return opened(write_groups(tmp_path))


@pytest.mark.slow
def test_a_mixture_of_products_is_chosen_where_the_data_are_one(tables):
    """With all that is chosen by itself."""
    source = source_of(tables)
    assert source.kind == "product-mixture" and source.model.num_components >= 2
    assert source.described == f"mixture of {source.model.num_components} products"
    choice = source.choice
    assert choice.name == "product-mixture" and choice.num_rows == 320
    assert [each.name for each in choice.comparison.generators] == [
        "kde",
        "product-mixture",
    ]
    first, *others = choice_sentences(choice)
    assert "64 rows that none of them saw, the mixture of products is the one" in first
    assert "rows of the kernel density estimate are real rows" in others[0]


@pytest.mark.medium
def test_what_was_compared_is_what_is_used(tables, quick, two_components):
    source = source_of(tables)
    unseen = np.concatenate(source.held_out)
    np.testing.assert_array_equal(
        np.flatnonzero(unseen), source.choice.comparison.held_out
    )
    assert [len(mask) for mask in source.held_out] == [160, 160]
    assert source.model is source.choice.comparison.best.model
    pool = np.concatenate(tables.points).astype(np.float32)
    fitted = source.generator.fit(jax.random.key(3), pool)
    assert fitted.model is source.model
    drawn = source.generator.sample(KEY, fitted, 40)
    assert drawn.shape == (40, pool.shape[1])


@pytest.mark.medium
def test_the_clock_decides_nothing(tables, quick, two_components, monkeypatch):
    first = source_of(tables).choice.comparison
    clock = itertools.count(0, 1_000)
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    other = source_of(tables).choice.comparison
    assert other.generators[1].fit_seconds == 1_000
    assert first.best.name == other.best.name
    for one, two in zip(first.rows(), other.rows(), strict=True):
        seconds = {"fit_seconds", "draw_seconds"}
        assert {k: v for k, v in one.items() if k not in seconds} == {
            k: v for k, v in two.items() if k not in seconds
        }


@pytest.mark.medium
def test_a_density_estimate_that_is_chosen_has_not_seen_the_held_out_rows(
    tables, quick, monkeypatch
):
    """A density estimate of a bandwidth at which nothing is copied."""
    wide = {"kde": KernelDensity(1.0)}
    monkeypatch.setattr(choosing, "contenders", lambda tables, **options: wide)
    source = source_of(tables, bandwidth=1.0)
    assert source.kind == "kde" and source.model is None
    pool = np.concatenate(tables.points).astype(np.float32)
    learned = source.generator.fit(KEY, pool).model.rows
    np.testing.assert_array_equal(
        np.sort(learned, axis=0),
        np.sort(pool[~np.concatenate(source.held_out)], axis=0),
    )


@pytest.mark.medium
def test_the_network_is_among_them_if_it_is_asked_for(tables, quick, monkeypatch):
    given = []

    def none(tables, **options):
        given.append(options["num_steps"])
        return {"kde": KernelDensity(0.1)}

    monkeypatch.setattr(choosing, "contenders", none)
    for generator in (None, "auto"):
        source_of(tables, generator=generator, num_steps=70)
    assert given == [None, 70]
    fast = contenders(tables, bandwidth=0.1, num_steps=None)
    slow = contenders(tables, bandwidth=0.1, num_steps=70)
    assert list(fast) == ["kde", "product-mixture"]
    assert list(slow) == [*fast, "mmd-gan"] and slow["mmd-gan"].num_steps == 70
    assert fast["product-mixture"].held_out == 0
    assert isinstance(fast["product-mixture"], ProductMixture)


# --- what cannot be compared


def test_of_few_rows_it_is_the_density_estimate_and_that_is_said(tmp_path):
    source = source_of(opened(write_groups(tmp_path, 40)), bandwidth=0.3)
    assert source.kind == "kde" and source.held_out is None
    assert source.described == "kernel density estimate, bandwidth 0.3"
    (sentence,) = choice_sentences(source.choice)
    assert "80 rows are too few to compare generators" in sentence
    assert "a kernel density estimate is used" in sentence


def test_rows_that_must_share_ask_for_more_rows(tmp_path):
    tables = opened(write_groups(tmp_path), min_rows=90)
    assert source_of(tables).choice.obstacle == "few rows"


@pytest.mark.medium
def test_of_coarse_columns_too(tmp_path):
    rng = np.random.default_rng(0)
    for name in "ab":
        rows = rng.choice(["yes,no", "no,yes", "no,no", "yes,yes"], 80)
        (tmp_path / f"{name}.csv").write_text("\n".join(["u,v", *rows]))
    tables = opened(sorted(tmp_path.glob("*.csv")))
    source = source_of(tables)
    assert source.kind == "kde" and source.choice.obstacle == "coarse columns"
    assert (
        "hardly any rows exist but the real ones" in choice_sentences(source.choice)[0]
    )


# --- a whole run


@pytest.mark.medium
def test_a_run_says_what_was_chosen_and_what_it_was_compared_with(
    quick, two_components, tmp_path, capsys
):
    files, _ = write_parties(tmp_path)
    out = tmp_path / "out"
    words = ("--label-column", "sex", "--num-candidates", 500, "--no-stress")
    assert cgm_jax("run", *files, *words, "--resamples", 0, "--out", out) == 0
    printed = " ".join(capsys.readouterr().out.split())
    report = report_of(out)
    choice = report["generator_choice"]
    assert choice["name"] == choice["comparison"]["best"] == "product-mixture"
    assert report["settings"]["generator"] == "mixture of 2 products"
    names = [row["name"] for row in choice["comparison"]["generators"]]
    assert names == [
        "kde",
        "product-mixture",
        "independent columns",
        "copied rows",
        "fresh real rows",
    ]
    assert all(row["fit_seconds"] >= 0 for row in choice["comparison"]["generators"])
    page = (out / "mediator" / "report.html").read_text("utf-8")
    assert "Why this generator" in page
    for text in [*choice["reasons"], *names]:
        assert text in printed and text in page
    assert "held out of the training" in report["nearest_rows"]["control"]
    statement = (out / "north" / "statement.html").read_text("utf-8")
    assert "mixture of products" in statement
    # What all parties' rows say of generators is not for one of them.
    assert "independent columns" not in statement and "MMD²" not in statement
    assert cgm_jax("audit", out) == 0


@pytest.mark.medium
def test_a_density_of_rows_draws_what_it_drew():
    generator = KernelDensity(0.1)
    model = generator.fit(KEY, np.eye(3, dtype=np.float32))
    np.testing.assert_array_equal(
        LearnedRows(generator, model).sample(KEY, 9), generator.sample(KEY, model, 9)
    )
