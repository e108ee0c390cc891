"""Points in the parties' own units, and back."""

import numpy as np

from cgm_jax.tables import Cells, TableCodec
from cgm_jax.tables.units import from_units, in_units

RNG = np.random.default_rng(0)
NUM = 60


def cells(form: str, values: np.ndarray, share_missing: float = 0) -> Cells:
    is_missing = RNG.random(NUM) < share_missing
    return Cells(form, np.where(is_missing, 0, values), is_missing)


def test_there_and_back_with_numbers_in_their_units():
    table = {
        "age": cells("whole", RNG.integers(18, 80, NUM)),
        "mass": cells("number", RNG.normal(70, 9, NUM).round(1), 0.2),
        "site": cells("whole", np.full(NUM, 7)),
        "ms": cells("whole", 1_700_000_000_000 + 997 * RNG.permutation(NUM * 9)[:NUM]),
        "day": cells("time", 19_000 + RNG.integers(0, 300, NUM)),
        "job": cells("text", RNG.choice(["clerk", "cook"], NUM).astype(object)),
    }
    codec = TableCodec.fit([table])
    points = codec.encode(table)
    rows = in_units(codec, points)
    names = [*codec.coordinates[:3], "site", *codec.coordinates[3:]]
    assert rows.shape == (NUM, len(names))
    column = dict(zip(names, rows.T, strict=True))
    np.testing.assert_allclose(column["age"], table["age"].values, rtol=1e-12)
    present = ~table["mass"].is_missing
    np.testing.assert_allclose(column["mass"][present], table["mass"].values[present])
    np.testing.assert_array_equal(column["site"], 7)  # an image has all of its pixels
    # What float32 could not hold stays in standard deviations.
    for name in ("ms", "day"):
        assert abs(column[name].mean()) < 1e-6 and abs(column[name].std() - 1) < 1e-6
    assert set(np.unique(column["job=cook"])) == {0, points[:, -1].max()}
    back = from_units(codec, rows.astype(np.float32))
    np.testing.assert_allclose(back, points, atol=1e-5)
