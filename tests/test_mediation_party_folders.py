"""What a party receives from a real run: nothing that is another party's own."""

import csv
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from small_runs import CANARIES, COLUMNS, NAMES, opened

from cgm_jax.mediation.publish import publish_mediation
from cgm_jax.mediation.run import Settings, mediate


def check_folder(out: Path, name: str, tables: dict[str, np.ndarray]) -> None:
    """Its folder holds rows in its columns, and nothing of other parties."""
    received = sorted((out / name).rglob("*"))
    statement = ["statement.html", "statement.json"]
    assert [path.name for path in received] == ["reward.csv", *statement]
    text = received[0].read_text()
    header, *rows = csv.reader(text.splitlines())
    assert sorted(header) == sorted(COLUMNS)
    # No column of others: neither another name nor another number of columns.
    assert {len(row) for row in rows} == {3}
    places = [header.index(column) for column in ("age", "income")]
    given = np.array([[row[k] for k in places] for row in rows], float)
    for other in set(NAMES) - {name}:
        for path in received:
            written = re.sub(r"base64,[^\"]*", "", path.read_text("utf-8"))
            assert other not in written
            assert f"{CANARIES[NAMES.index(other)]}" not in written
        gaps = np.abs(given[:, None] - tables[other][None]).max(axis=-1)
        assert gaps.min() > 1e-6, "a row of another party"
        # The test would see a leak: the party's own rows are elsewhere, too.
        leaked = np.concatenate([given, tables[other][:1]])
        assert np.abs(leaked[:, None] - tables[other][None]).max(-1).min() == 0


def test_a_folder_holds_only_what_was_made_for_its_party(small_run):
    for name in NAMES:
        check_folder(small_run.out, name, small_run.tables)


OTHER_ORDERS = [
    pytest.param(order, marks=[] if i == 2 else pytest.mark.slow)
    for i, order in enumerate(list(itertools.permutations(range(3)))[1:])
]


@pytest.mark.parametrize("order", OTHER_ORDERS)
@pytest.mark.medium
def test_in_other_orders_of_the_parties_too(small_run, no_figures, tmp_path, order):
    settings = Settings(
        generator="kde",
        bandwidth=0.2,
        num_candidates=500,
        stability=False,
        inverse_temperature=4.0,
        stress_test=False,
    )
    files = [small_run.files[i] for i in order]
    tables = opened(files, label_column="sex")
    publish_mediation(mediate(tables, tmp_path / "out", settings))
    for name in NAMES:
        check_folder(tmp_path / "out", name, small_run.tables)


@pytest.mark.medium
def test_whole_numbers_are_not_rounded_to_the_rows_of_others(no_figures, tmp_path):
    rng = np.random.default_rng(3)
    tables = [rng.integers(0, 17, size=(25, 5)) for _ in range(3)]
    names = [f"clinic_{i}" for i in range(3)]
    files = [tmp_path / f"{name}.csv" for name in names]
    for path, rows in zip(files, tables, strict=True):
        np.savetxt(path, rows, "%d", ",", header="a,b,c,d,e", comments="")
    settings = Settings(
        generator="kde",
        num_candidates=500,
        stability=False,
        inverse_temperature=4.0,
        stress_test=False,
    )
    mediation = mediate(opened(files), tmp_path / "out", settings)
    publish_mediation(mediation)
    real = {tuple(row) for rows in tables for row in rows.tolist()}
    num_given = 0
    for name in names:
        text = (tmp_path / "out" / name / "reward.csv").read_text()
        _, *given = csv.reader(text.splitlines())
        assert not {tuple(map(int, row)) for row in given} & real
        num_given += len(given)
    assert num_given > 30 and mediation.parties.warnings == ()
