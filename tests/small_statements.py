"""A run of three parties whose tables have columns of every kind."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cgm_jax.mediation.run import Mediation, Settings, mediate
from cgm_jax.mediation.tables import TableOptions, open_tables

NAMES = ("harbour", "inland", "upland")
SIZES = (57, 83, 71)
SEED = 918273
RARE = ("falconer", "glazier", "harpist")  # a job of two rows of each party


def write_tables(folder: Path) -> list[Path]:
    """Their files, with the columns in three orders."""
    rng = np.random.default_rng(5)
    paths = []
    for i, (name, num) in enumerate(zip(NAMES, SIZES, strict=True)):
        jobs = rng.choice(
            ["clerk", "nurse", "smith"], num, p=np.roll([0.6, 0.3, 0.1], i)
        )
        jobs = jobs.astype(object)
        jobs[[3, 11]] = RARE[i]
        income = np.exp(rng.normal(7 + 0.4 * i, 0.4, num))
        age = np.where(
            rng.random(num) < 0.15, "", rng.integers(18, 70, num).astype(str)
        )
        days = np.datetime64("2021-03-01") + rng.integers(0, 300, num)
        columns = {
            "patient no": [f"{1000 * (i + 1) + j}" for j in range(num)],
            "income": [f"{x:.3f}" for x in income],
            "age": age.tolist(),
            "job": jobs.tolist(),
            "admitted": days.astype(str).tolist(),
            "country": ["CH"] * num,
            "ward": rng.choice(["north", "south"], num).tolist(),
        }
        order = list(np.roll(list(columns), i))
        rows = zip(*(columns[column] for column in order), strict=True)
        lines = [",".join(order), *(",".join(row) for row in rows)]
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths


def run_tables(files: Sequence[Path], out: Path) -> Mediation:
    """What a mediator computes of them."""
    settings = Settings(
        bandwidth=0.3,
        num_candidates=400,
        inverse_temperature=4.0,
        seed=SEED,
        num_resamples=0,
        stress_test=False,
    )
    return mediate(open_tables(files, TableOptions(label_column="ward")), out, settings)


def with_scheme(mediation: Mediation, **changes) -> Mediation:
    """The same, but for some fields of the reward scheme."""
    promises = mediation.collaboration.promises
    scheme = dataclasses.replace(promises.scheme, **changes)
    return with_promises(mediation, scheme=scheme)


def with_promises(mediation: Mediation, **changes) -> Mediation:
    """The same, but for some fields of the promises."""
    promises = dataclasses.replace(mediation.collaboration.promises, **changes)
    collaboration = dataclasses.replace(mediation.collaboration, promises=promises)
    return dataclasses.replace(mediation, collaboration=collaboration)
