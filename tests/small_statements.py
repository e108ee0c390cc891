"""A run of three parties whose tables have columns of every kind."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cgm_jax.mediation.run import Mediation, Settings, mediate
from cgm_jax.mediation.tables import (
    CodedTables,
    TableOptions,
    fitted_codec,
    open_tables,
)

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
        generator="kde",
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


def with_other_data(mediation, party):
    """The same for one party, where the rows of all others are quite different ones.

    Others have other names, three times as many rows, larger incomes and younger
    people; candidates that the party was not given are others, too.
    """
    rng = np.random.default_rng(1)
    parties, codec = mediation.parties, mediation.tables.codec
    tables, labels = list(parties.tables), list(parties.labels)
    names, files = list(parties.names), list(parties.files)
    for j in set(range(3)) - {party}:
        chosen = rng.integers(len(labels[j]), size=3 * len(labels[j]))
        table = {name: cells.take(chosen) for name, cells in tables[j].items()}
        income, age = table["income"], table["age"]
        table["income"] = dataclasses.replace(income, values=income.values * 7)
        younger = np.where(age.is_missing, 0, age.values - 15)
        table["age"] = dataclasses.replace(age, values=younger)
        numbers = table["patient no"]
        numbers = dataclasses.replace(numbers, values=10**j + np.arange(len(chosen)))
        table["patient no"] = numbers
        tables[j], labels[j] = table, labels[j][chosen]
        names[j] = f"other_{j}"
        files[j] = dataclasses.replace(files[j], sha256="0" * 64)
    others = dataclasses.replace(
        parties,
        names=tuple(names),
        files=tuple(files),
        tables=tuple(tables),
        labels=tuple(labels),
    )
    options = dataclasses.replace(mediation.tables.options, standardize=True)
    coded = CodedTables(others, fitted_codec(others, (), options), options)
    promises, reward = (
        mediation.collaboration.promises,
        mediation.collaboration.draw.rewards[party],
    )
    before = np.asarray(promises.candidates, np.float64)
    candidates = coded.codec.encode(codec.decode(before))
    is_given = np.isin(np.arange(len(before)), reward.indices)
    candidates[~is_given] = candidates[is_given][0]
    changed = dataclasses.replace(mediation, tables=coded)
    return with_promises(changed, candidates=candidates, parties=coded.points)
