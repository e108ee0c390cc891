"""How many programs XLA compiles for a collaboration, counted in a fresh process."""

from pathlib import Path

import pytest
from programs import run_program

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
    return len(compiled)

for problems in PROBLEMS:
    jax.clear_caches()
    print(*(collaborate(*problem) for problem in problems))
"""
SIMILAR = (
    ([200, 200, 200], 2_000),
    ([190, 170, 210], 2_000),  # other sizes
    ([200, 200, 200], 1_950),  # fewer candidates
    ([200, 200, 200, 200], 1_940),  # one party more
)
MANY_CANDIDATES = (
    ([200, 200, 200, 200], 5_000),
    ([190, 210, 200, 180, 190], 4_900),
)


TWO_SAMPLES = """
import jax, numpy as np
from cgm_jax import kernels, two_sample

compiled = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, *_, **__: compiled.append(event)
    if event == "/jax/core/compile/backend_compile_duration" else None
)
rng, kernel = np.random.default_rng(0), kernels.SquaredExponential(1.0)

def compare(m, n):
    x, y = rng.normal(size=(m, 3)), rng.normal(size=(n, 3))
    compiled.clear()
    if m == n:
        two_sample.estimate_power(kernel, x, y)
    else:
        two_sample.two_sample_test(jax.random.key(0), kernel, x, y, num_permutations=9)
    return len(compiled)

for sizes in SIZES:
    jax.clear_caches()
    print(*(compare(*size) for size in sizes))
"""
SIMILAR_SAMPLES = (
    ((200, 200), (207, 207), (193, 193)),
    ((1_500, 1_500), (1_520, 1_520), (1_480, 1_480)),  # several tiles
    ((200, 180), (150, 229), (220, 160)),
    ((1_500, 1_300), (1_290, 1_510), (1_200, 1_610)),
)


@pytest.mark.medium
def test_few_programs_serve_two_samples_of_similar_sizes(tmp_path: Path):
    program = TWO_SAMPLES.replace("SIZES", repr(SIMILAR_SAMPLES))
    for line in run_program(program, tmp_path).splitlines():
        first, *others = map(int, line.split())
        assert first <= 6  # with that of the key
        assert others == [0, 0]


@pytest.mark.medium
def test_few_programs_serve_collaborations_of_similar_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # The few programs compute far more than they take to compile.
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    program = PROGRAM.replace("PROBLEMS", repr((SIMILAR, MANY_CANDIDATES)))
    lines = run_program(program, tmp_path).splitlines()
    similar, many_candidates = (list(map(int, line.split())) for line in lines)
    first, *others = similar
    assert first <= 15
    assert others == [0, 0, 0]
    # Many candidates are summed by other programs, and only once.
    first, *others = many_candidates
    assert first <= 16  # small blocks of parties and large ones of candidates
    assert others == [0]
