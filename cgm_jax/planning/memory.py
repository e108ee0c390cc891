"""How much memory this process may hold: on the host, and on the device."""

import math
import os
from pathlib import Path
from typing import Any

import jax

from cgm_jax._shared.platforms import platform

__all__ = ["device_capacity", "host_capacity"]

_CGROUPS = Path("/sys/fs/cgroup")
_GROUPS_OF_PROCESS = Path("/proc/self/cgroup")
_FREE = Path("/proc/meminfo")


def host_capacity() -> float:
    """Bytes of host memory that this process may hold, what it holds now included.

    The least of what is free, of the limits of its control groups and of that of its
    addresses (``ulimit -v``); infinite where the system does not say.
    """
    return min(_free_for_this_process(), _limit_of_addresses(), *_limits_of_groups())


def device_capacity() -> float:
    """Bytes of the default device that JAX may use; infinite if it does not say."""
    if platform() == "cpu":
        return math.inf
    device: Any = jax.config.jax_default_device  # type: ignore[attr-defined]
    if device is None or isinstance(device, str):
        device = jax.local_devices()[0]
    found = device.memory_stats() or {}
    return float(found.get("bytes_limit", math.inf))


def _free_for_this_process() -> float:
    try:
        lines = _FREE.read_text("ascii").splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        free = int(facts["MemAvailable"].split()[0]) * 1024
        return float(free + _addressed_and_held()[1])
    except (OSError, ValueError, KeyError):
        pass
    try:  # not Linux: all there is
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def _limit_of_addresses() -> float:
    """What may be addressed beyond what is now, and what is held; often infinite."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        addressed, held = _addressed_and_held()
    except (ImportError, OSError, ValueError):  # not Linux
        return math.inf
    return math.inf if limit == resource.RLIM_INFINITY else limit - addressed + held


def _addressed_and_held() -> tuple[int, int]:
    """Bytes of this process's addresses, and of them in memory."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[:2]
    addressed, held = (int(count) * os.sysconf("SC_PAGE_SIZE") for count in pages)
    return addressed, held


def _limits_of_groups() -> list[float]:
    """Limits of the process's control groups, of both versions; none is infinite."""
    limits = [math.inf]
    try:
        lines = _GROUPS_OF_PROCESS.read_text("utf-8").splitlines()
    except OSError:
        return limits
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _CGROUPS / "memory" if controllers else _CGROUPS
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(root):
                break
            try:
                limits.append(float((folder / name).read_text("ascii")))
            except (OSError, ValueError):  # no such group here, or "max"
                continue
    return limits
