"""Run by a peer's own Python: learn a table, and draw rows of it.

``python drawing.py PEER TRAINING.csv DRAWN.csv NUM SEED`` imports nothing of cgm-jax.
Columns of numbers are what pandas reads as numbers, all others are categories.
"""

import sys

import numpy as np
import pandas as pd


def adversarial_forest(table: pd.DataFrame, num: int, seed: int) -> pd.DataFrame:
    """Leaves of a forest that tells real rows from drawn ones, as densities."""
    from arfpy import arf

    np.random.seed(seed)
    forest = arf.arf(x=table, random_state=seed)
    forest.forde()
    return forest.forge(n=num)


def gaussian_copula(table: pd.DataFrame, num: int, seed: int) -> pd.DataFrame:
    """Normal ranks with a correlation; categories are ordered by how many rows have."""
    import pyvinecopulib as pv

    rng = np.random.default_rng(seed)
    codes = {name: _codes(column) for name, column in table.items()}
    # Ranks of equal cells are spread at random: the copula of continuous columns.
    ranks = np.column_stack(
        [
            np.argsort(np.lexsort([rng.random(len(table)), x])) + 0.5
            for x in codes.values()
        ]
    )
    controls = pv.FitControlsVinecop(family_set=[pv.BicopFamily.gaussian])
    copula = pv.Vinecop.from_data(ranks / len(table), controls=controls)
    shares = copula.simulate(num, seeds=[seed + 1])
    drawn = {}
    for place, (name, x) in enumerate(codes.items()):
        rows = np.argsort(x, kind="stable")
        at = np.minimum((shares[:, place] * len(table)).astype(int), len(table) - 1)
        drawn[name] = table[name].to_numpy()[rows[at]]
    return pd.DataFrame(drawn)


def _codes(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy()
    places = {value: i for i, value in enumerate(column.value_counts().index)}
    return column.map(places).to_numpy()


PEERS = {"adversarial-forest": adversarial_forest, "gaussian-copula": gaussian_copula}


def main() -> None:
    """Learn and draw, as the command line says."""
    name, source, target, num, seed = sys.argv[1:]
    table = pd.read_csv(source)
    for column in table:  # the peers know no missing cells
        is_number = pd.api.types.is_numeric_dtype(table[column])
        filler = table[column].median() if is_number else ""
        table[column] = table[column].fillna(filler)
    drawn = PEERS[name](table, int(num), int(seed))
    for column in table:
        if pd.api.types.is_integer_dtype(table[column]):
            drawn[column] = drawn[column].astype(float).round().astype("Int64")
    drawn.to_csv(target, index=False)


if __name__ == "__main__":
    main()
