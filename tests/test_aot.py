"""Programs for one and four H100 and a TPU v5e 2×2, compiled without having any."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from aot_programs import NUM_LANES, PROGRAMS, compile_for, missing
from compiled_text import callbacks, collectives, float64_arrays, launches_per_step

from cgm_jax._shared.platforms import PLATFORMS

pytestmark = pytest.mark.aot

MIB = 2**20


class Row(NamedTuple):
    """A program on some devices, and what is expected of it."""

    program: str
    platform: str
    num_devices: int
    temporaries: float  # MiB a device
    collectives: tuple[str, ...] = ()


# A program on a mesh is one more row, with what it is to exchange.
ROWS = [
    Row("MMD-GAN step", "gpu", 1, 0.62),
    Row("sums of parties", "gpu", 4, 33, ("all-reduce",)),
    Row("step of a ring", "gpu", 4, 33, ("all-reduce", "collective-permute")),
    Row("lanes", "gpu", 4, 0.8),
    Row("lanes", "gpu", 1, 3.5),
    Row("pick", "gpu", 1, 0.4),
    Row("Gram tile", "gpu", 1, 32.2),
    Row("length-scale step", "gpu", 1, 32.2),
    Row("Shapley batch", "gpu", 1, 0.184),
    # A TPU keeps most tiles in the memory beside its cores, which is not counted.
    Row("lanes", "tpu", 4, 1.14),
    Row("MMD-GAN step", "tpu", 1, 0.1),
    Row("Gram tile", "tpu", 1, 0.62),
    Row("sums of parties", "tpu", 4, 16.5, ("all-reduce",)),
    # It adds up float64 numbers, which it has to emulate, where all of them are.
    Row("step of a ring", "tpu", 4, 16.5, ("all-gather", "collective-permute")),
    Row("length-scale step", "tpu", 1, 0.5),
    Row("Shapley batch", "tpu", 1, 0.1),
]
OF_ROWS = pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: " ".join(map(str, row[:3]))
)


class Compiled:
    """The rows' programs, compiled two at a time."""

    def __init__(self, executor: ThreadPoolExecutor):
        self.programs = {
            row[:3]: executor.submit(
                compile_for, row.platform, row.num_devices, row.program
            )
            for row in ROWS
            if missing(row.platform) is None
        }

    def __call__(self, program: str, platform: str, num_devices: int = 1) -> Any:
        if reason := missing(platform):
            pytest.skip(reason)
        return self.programs[program, platform, num_devices].result()


@pytest.fixture(scope="module")
def compiled() -> Iterator[Compiled]:
    executor = ThreadPoolExecutor(2)
    yield Compiled(executor)
    executor.shutdown(cancel_futures=True)  # what no chosen test has asked for


def test_every_program_is_compiled_for_both():
    of = {
        name: {row.program for row in ROWS if row.platform == name}
        for name in PLATFORMS
    }
    assert of["gpu"] == {*PROGRAMS}
    assert of["tpu"] == {*PROGRAMS} - {"pick"}  # a lane alone: seconds, and no news


@OF_ROWS
def test_calls_nothing_on_the_host(row: Row, compiled: Compiled):
    assert callbacks(compiled(*row[:3]).as_text()) == set()


@OF_ROWS
def test_devices_exchange_what_they_should_and_no_more(row: Row, compiled: Compiled):
    assert collectives(compiled(*row[:3]).as_text()) == {*row.collectives}


@OF_ROWS
def test_temporary_memory_is_what_is_expected(row: Row, compiled: Compiled):
    found = compiled(*row[:3]).memory_analysis().temp_size_in_bytes
    assert found <= 1.1 * row.temporaries * MIB


@pytest.mark.parametrize("program", ["Gram tile", "length-scale step"])
def test_a_gpu_keeps_two_tiles_and_both_fit_its_cache(program: str, compiled: Compiled):
    two_tiles = 2 * 4 * PLATFORMS["gpu"].tile_size ** 2
    memory = compiled(program, "gpu").memory_analysis()
    # Of arguments there may be a copy in another order.
    assert memory.temp_size_in_bytes <= two_tiles + memory.argument_size_in_bytes
    assert two_tiles <= 32 * MIB  # of 50 on an H100


# Twenty kernels and two copies were those of one lane when each was drawn by itself.
@pytest.mark.parametrize(
    ("program", "num_devices"), [("pick", 1), ("lanes", 1), ("lanes", 4)]
)
def test_a_pick_starts_few_kernels_and_computes_in_float32(
    program: str, num_devices: int, compiled: Compiled
):
    text = compiled(program, "gpu", num_devices).as_text()
    assert launches_per_step(text) <= 22
    # A few float64 numbers of every lane are what a value is made of.
    assert float64_arrays(text, more_than=NUM_LANES) == []
