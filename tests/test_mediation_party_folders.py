"""What a party receives from a real run: nothing that is another party's own."""

import csv
import itertools

import numpy as np
import pytest

from cgm_jax.mediation.run import Settings, mediate

NAMES = ("alpha", "beta", "gamma")
COLUMNS = ("height", "weight", "income")
# One number of each party that nobody could come upon by chance.
CANARIES = (1.2345678, 2.3456781, 0.7654321)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three parties of unequal sizes, the same columns in three orders."""
    folder = tmp_path_factory.mktemp("parties")
    rng = np.random.default_rng(0)
    tables = {}
    for i, name in enumerate(NAMES):
        rows = rng.normal(0.5 * i, 1, size=(30 + 10 * i, 3)).round(6)
        rows[7, 1] = CANARIES[i]
        order = np.roll(np.arange(3), i)
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([COLUMNS[k] for k in order])
            writer.writerows(rows[:, order].tolist())
        tables[name] = rows
    return folder, tables


ORDERS = [
    pytest.param(order, marks=[] if i % 3 == 0 else pytest.mark.slow)
    for i, order in enumerate(itertools.permutations(range(3)))
]


@pytest.mark.parametrize("order", ORDERS)
def test_a_folder_holds_only_what_was_made_for_its_party(files, tmp_path, order):
    folder, tables = files
    names = [NAMES[i] for i in order]
    settings = Settings(num_candidates=300, stability=False, beta=4.0, stress=False)
    mediate([folder / f"{name}.csv" for name in names], tmp_path / "out", settings)
    for name in names:
        received = sorted((tmp_path / "out" / name).rglob("*"))
        assert [path.name for path in received] == ["reward.csv"]
        text = received[0].read_text()
        header, *rows = csv.reader(text.splitlines())
        assert sorted(header) == sorted(COLUMNS)
        # No column of others: neither another name nor another number of columns.
        assert {len(row) for row in rows} == {3}
        given = np.array(rows, float)[:, [header.index(c) for c in COLUMNS]]
        for other in set(NAMES) - {name}:
            assert other not in text
            assert f"{CANARIES[NAMES.index(other)]}" not in text
            gaps = np.abs(given[:, None] - tables[other][None]).max(axis=-1)
            assert gaps.min() > 1e-6, "a row of another party"
        # The test would see a leak: the party's own rows are elsewhere, too.
        leaked = np.concatenate([given, tables[other][:1]])
        assert np.abs(leaked[:, None] - tables[other][None]).max(-1).min() == 0


def test_whole_numbers_are_not_rounded_to_the_rows_of_others(tmp_path):
    rng = np.random.default_rng(3)
    tables = [rng.integers(0, 17, size=(25, 5)) for _ in range(3)]
    names = [f"clinic_{i}" for i in range(3)]
    for name, rows in zip(names, tables, strict=True):
        np.savetxt(tmp_path / f"{name}.csv", rows, "%d", ",", header="a,b,c,d,e")
        path = tmp_path / f"{name}.csv"
        path.write_text(path.read_text().removeprefix("# "))
    settings = Settings(num_candidates=400, stability=False, beta=4.0, stress=False)
    files = [tmp_path / f"{name}.csv" for name in names]
    mediation = mediate(files, tmp_path / "out", settings)
    real = {tuple(row) for rows in tables for row in rows.tolist()}
    num_given = 0
    for path in mediation.rewards:
        _, *given = csv.reader(path.read_text().splitlines())
        assert not {tuple(map(int, row)) for row in given} & real
        num_given += len(given)
    assert num_given > 30 and mediation.warnings == ()
