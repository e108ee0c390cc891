"""How many programs XLA compiles for a collaboration, counted in a fresh process."""

import os
import subprocess
import sys

PROGRAM = """
import jax, numpy as np
import cgm_jax

compiled = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, *_, **__: compiled.append(event)
    if event == "/jax/core/compile/backend_compile_duration" else None
)
rng = np.random.default_rng(0)

def collaborate(sizes, num_candidates):
    compiled.clear()
    parties = [rng.normal(0.1 * i, 1, (size, 3)) for i, size in enumerate(sizes)]
    candidates = rng.normal(0.1, 1, (num_candidates, 3))
    cgm_jax.collaborate(
        jax.random.key(0),
        [x.astype(np.float32) for x in parties],
        candidates.astype(np.float32),
    )
    print(len(compiled))

for sizes, num_candidates in PROBLEMS:
    collaborate(sizes, num_candidates)
"""


def numbers_of_programs(*problems: tuple[list[int], int]) -> list[int]:
    """Programs compiled by one collaboration after another in one process."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("PROBLEMS", repr(problems))],
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return list(map(int, done.stdout.split()))


def test_few_programs_serve_collaborations_of_similar_sizes():
    first, *others = numbers_of_programs(
        ([200, 200, 200], 2_000),
        ([190, 170, 210], 2_000),  # other sizes
        ([200, 200, 200], 1_950),  # fewer candidates
        ([200, 200, 200, 200], 1_940),  # one party more
    )
    assert first <= 15
    assert others == [0, 0, 0]


def test_many_candidates_are_summed_by_other_programs_only_once():
    first, *others = numbers_of_programs(
        ([200, 200, 200, 200], 5_000),
        ([190, 210, 200, 180], 5_050),
        ([190, 190, 190, 190, 190], 4_900),
    )
    assert first <= 16  # small blocks of parties and large ones of candidates
    assert others == [0, 0]
