"""The paper's credit ratings from the data to the rewards, in a process of its own.

Two splits of the data, each of them handed out at four β to five parties: eight runs,
from the start of Python to the last point drawn, compilation included; and once more,
when all is compiled.
"""

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any

import jax
import numpy as np

from cgm_jax import promise
from cgm_jax.datasets import credit_ratings

from . import plain
from .rows import Baseline, Row, relative_error
from .sampling import plain_pick
from .timing import in_fresh_process, listen_to_compilations

__all__ = ["eight_runs", "rows"]

_SPLITS = ("equal-disjoint", "unequal")
_BETAS = (1, 2, 4, 8)
_ENOUGH = 100_000  # candidates, for the paper's promises to be feasible


def rows(*, small: bool) -> Iterator[Row]:
    """The eight runs, and the same once more.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        Two rows.
    """
    num_candidates = 1_000 if small else _ENOUGH
    done, seconds = in_fresh_process(
        "benchmarks.whole_run", "eight_runs", num_candidates
    )
    num_picks = sum(draw["num_picks"] for draw in done["draws"])
    again = done["seconds_again"]
    plain_seconds, entries, plain_size = plain_pick(2, small=small)
    row = Row(
        name="eight whole runs",
        size={"g": num_candidates, "d": 2, "n": 5, "picks": num_picks},
        seconds=seconds - again,
        compile_seconds=done["compile_seconds"],
        runs=1,
        throughput=num_picks / (seconds - again),
        unit="points/s",
        error=max(_error(draw, num_candidates) for draw in done["checked"]),
        error_against="the value of each split's smallest reward, from its points",
        baseline=Baseline(
            "the picks alone, every Δ from scratch, float32",
            plain_seconds * _entries(done["draws"], num_candidates) / entries,
            f"one pick at {plain_size}, by (g − p) (s + p + t) for the p-th",
        ),
    )
    yield row
    yield replace(
        row,
        name="eight whole runs once more",
        seconds=again,
        compile_seconds=0.0,
        throughput=num_picks / again,
    )


def eight_runs(num_candidates: int) -> dict[str, Any]:
    """Run both splits at every β.

    Args:
        num_candidates: |G|; below the paper's 100,000 stability is not promised, since
            it could not be kept.

    Returns:
        What JSON can hold: seconds of compilation (summed over threads), how much was
        drawn, and all that is needed to check one reward per split.
    """
    compile_seconds = listen_to_compilations()
    draws, checked = _eight_runs(num_candidates)
    compiling, start = sum(compile_seconds), perf_counter()
    _eight_runs(num_candidates)
    return {
        "compile_seconds": compiling,
        "seconds_again": perf_counter() - start,
        "draws": draws,
        "checked": checked,
    }


def _eight_runs(num_candidates: int) -> tuple[list[dict], list[dict]]:
    """How much every draw drew, and the smallest reward of each split."""
    draws, checked = [], []
    for split in _SPLITS:
        data = credit_ratings(split, num_candidates=num_candidates)
        promises = promise(
            data.parties, data.candidates, stability=num_candidates >= _ENOUGH
        )
        keys = [jax.random.key(beta) for beta in _BETAS]
        rewards = [
            (party, reward)
            for draw in promises.draw_many(keys, inverse_temperatures=_BETAS)
            for party, reward in enumerate(draw.rewards)
        ]
        draws += [
            {
                "party_size": len(data.parties[party]),
                "num_picks": len(reward.indices),
            }
            for party, reward in rewards
        ]
        party, smallest = min(
            (item for item in rewards if len(item[1].indices)),
            key=lambda item: len(item[1].indices),
        )
        checked.append(
            {
                "split": split,
                "party": party,
                "indices": smallest.indices.tolist(),
                "value": smallest.final_value,
                "length_scale": promises.length_scale,
            }
        )
    return draws, checked


def _error(draw: dict[str, Any], num_candidates: int) -> float:
    data = credit_ratings(draw["split"], num_candidates=num_candidates)
    parties = [x.astype(float) for x in data.parties]
    candidates = data.candidates.astype(float)
    subset = np.concatenate([parties[draw["party"]], candidates[draw["indices"]]])
    reference = np.concatenate([*parties, candidates])
    expected = plain.value(subset, reference, draw["length_scale"])
    return relative_error(draw["value"], expected)


def _entries(draws: list[dict[str, int]], num_candidates: int) -> float:
    """Kernel entries that the plain algorithm would compute for all picks."""
    t = num_candidates + sum(draw["party_size"] for draw in draws[:5])
    total = 0.0
    for draw in draws:
        p = np.arange(draw["num_picks"], dtype=float)
        total += float(np.sum((num_candidates - p) * (draw["party_size"] + p + t)))
    return total
