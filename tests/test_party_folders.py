"""What a party receives from a real run: nothing that is another party's own."""

import csv
import itertools

import numpy as np
import pytest

from cgm_jax.mediation import Settings, mediate

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
    settings = Settings(num_candidates=300, stability=False, beta=4.0)
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
