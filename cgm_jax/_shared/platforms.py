"""What suits each platform, in one table: tiles, threads, exponentials, float64.

A row can be replaced before the first call: ``PLATFORMS["gpu"] =
replace(PLATFORMS["gpu"], tile_size=1024)``. What has been compiled keeps the old one.
"""

from dataclasses import dataclass

import jax

__all__ = ["PLATFORMS", "PlatformSettings", "platform", "platform_settings"]


@dataclass(frozen=True)
class PlatformSettings:
    """How the package computes on one platform."""

    tile_size: int
    """Points on the side of a tile of the Gram pass."""

    neighbor_tile_size: int
    """Points on the side of a tile of the search for nearest points."""

    thread_per_core: bool
    """Whether small programs run side by side, in a thread per core."""

    lanes: int
    """Draws of one party for one key in one program: many, or one in each thread."""

    own_exponential: bool
    """Whether `exponential` is faster there than XLA's functions."""

    small_work_on_cpu: bool
    """Whether the CPU takes the few float64 numbers of parties and coalitions."""


PLATFORMS = {
    "cpu": PlatformSettings(
        tile_size=512,  # a megabyte of float32: about a core's cache
        neighbor_tile_size=128,
        thread_per_core=True,
        lanes=1,
        own_exponential=True,
        small_work_on_cpu=False,
    ),
    "gpu": PlatformSettings(
        tile_size=2_048,  # a pass keeps two tiles, 32 MiB: within 50 MiB of L2
        neighbor_tile_size=2_048,
        thread_per_core=False,
        lanes=256,  # each keeps some numbers for every candidate
        own_exponential=False,
        small_work_on_cpu=True,
    ),
    "tpu": PlatformSettings(
        tile_size=2_048,
        neighbor_tile_size=2_048,
        thread_per_core=False,
        lanes=256,
        own_exponential=False,
        small_work_on_cpu=True,  # it has no float64 in hardware
    ),
}


def platform() -> str:
    """The platform that computes here: "cpu", "gpu" or "tpu"."""
    device = jax.config.jax_default_device  # type: ignore[attr-defined]
    if device is None:
        return jax.default_backend()
    return device if isinstance(device, str) else device.platform


def platform_settings() -> PlatformSettings:
    """The row of the platform that computes here; any other is taken for a GPU."""
    return PLATFORMS.get(platform(), PLATFORMS["gpu"])
