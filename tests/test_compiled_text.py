"""What `compiled_text` finds in programs of which it is known."""

import jax
import jax.numpy as jnp
import numpy as np
from compiled_text import callbacks, collectives, float64_arrays, launches_per_step

PROGRAM = """\
HloModule example, entry_computation_layout={(f32[8]{0})->f32[8]{0}}

%fused (p.1: f32[8]) -> f64[8] {
  %p.1 = f32[8]{0} parameter(0)
  ROOT %wide = f64[8]{0} convert(%p.1)
}

%graph (p.2: f32[8]) -> f32[8] {
  %p.2 = f32[8]{0} parameter(0)
  %first = f64[8]{0} fusion(%p.2), kind=kLoop, calls=%fused
  %one = f64[] constant(1)
  ROOT %second = f32[8]{0} copy(%p.2)
}

%body (p.3: (s32[], f32[8])) -> (s32[], f32[8]) {
  %p.3 = (s32[], f32[8]{0}) parameter(0)
  %x = f32[8]{0} get-tuple-element(%p.3), index=1
  %y = f32[8]{0} call(%x), to_apply=%graph
  %start = (f32[8]{0}, f32[8]{0}) all-gather-start(%y), dimensions={0}
  %done = f32[8]{0} all-gather-done(%start)
  %sum = f32[8]{0} all-reduce(%y), to_apply=%add
  ROOT %out = (s32[], f32[8]{0}) tuple(%x, %sum)
}

ENTRY %main (p.4: f32[8]) -> f32[8] {
  %p.4 = f32[8]{0} parameter(0)
  %asked = f32[] custom-call(), custom_call_target="xla_ffi_gpu_callback"
  %token = (f32[8]{0}, u32[], token[]) send(%p.4), channel_id=1, is_host_transfer=true
  ROOT %loop = (s32[], f32[8]{0}) while(%p.4), condition=%until, body=%body
}
"""


def test_a_step_starts_what_its_graphs_start():
    assert launches_per_step(PROGRAM) == 4  # a kernel, a copy and two exchanges


def test_exchanges_are_found_in_one_part_or_two():
    assert collectives(PROGRAM) == {"all-gather", "all-reduce"}


def test_calls_of_the_host_are_found():
    assert callbacks(PROGRAM) == {"xla_ffi_gpu_callback", "send"}


def test_float64_arrays_are_found_inside_of_fusions():
    assert float64_arrays(PROGRAM) == ["convert: f64[8]{0}"]


def compiled_text(step, *, x64: bool) -> str:
    def loop(x):
        return jax.lax.fori_loop(0, x.shape[0], step, x)

    with jax.enable_x64(x64):
        return jax.jit(loop).lower(np.ones(5, np.float32)).compile().as_text()


def test_in_programs_of_this_xla():
    def asking(i, x):
        return x + jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), x.dtype), x[0])

    assert callbacks(compiled_text(asking, x64=False))
    assert not callbacks(compiled_text(lambda i, x: jnp.sin(x), x64=False))

    def wide(i, x):
        return jnp.cumsum(x.astype(jnp.float64)).astype(x.dtype)

    assert float64_arrays(compiled_text(wide, x64=True))
    assert not float64_arrays(compiled_text(lambda i, x: x + x[0], x64=True))
