"""The program of a draw is compiled before the draw needs it."""

from collections.abc import Iterator

import jax
import numpy as np
import pytest

from cgm_jax.gram import gram_sums
from cgm_jax.kernels import Laplace
from cgm_jax.sampling import compiling, weighted_sampling
from cgm_jax.sampling.compiling import compile_beside

KEY, KERNEL = jax.random.key(0), Laplace(1.0)
EVENT = "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """Names of the programs that are compiled."""
    names: list[str] = []

    def listen(event: str, _: float, *, fun_name: str = "", **__: object) -> None:
        if event == EVENT:
            names.append(fun_name)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_draw_compiles_nothing_more(dtype: type, compiled: list[str]):
    rng = np.random.default_rng(0)
    parties = [rng.normal(size=(5, 7)) for _ in range(3)]
    candidates = rng.normal(size=(300, 7)).astype(dtype)
    compiling._seen.clear()
    jax.clear_caches()
    compile_beside(KEY, KERNEL, candidates.shape, candidates.dtype)()
    assert "jit(pick_many)" in compiled
    sums = gram_sums(KERNEL, parties, candidates)
    del compiled[:]
    draw = weighted_sampling(
        *(jax.random.key(1), KERNEL, candidates, sums, np.full(3, 0.3)),
        inverse_temperature=2.0,
    )
    assert max(len(reward.indices) for reward in draw) > 0
    assert "jit(pick_many)" not in compiled


def test_it_is_compiled_once_and_not_for_many_candidates(
    monkeypatch: pytest.MonkeyPatch,
):
    started = []
    monkeypatch.setattr(compiling, "_seen", set())
    monkeypatch.setattr(compiling, "beside", started.append)
    for shape in [(300, 2), (301, 2), (300, 3), (600, 2), (2**14, 2)]:
        compile_beside(KEY, KERNEL, shape, np.float32)
    assert len(started) == 3
