"""What the benchmarks ran on."""

import os
import platform
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cgm_jax
from cgm_jax._shared.platforms import platform_settings

__all__ = ["machine_facts", "machine_name"]


def machine_facts() -> dict[str, Any]:
    """Device, cores, versions, how busy the machine is, and what the package chose."""
    device = jax.devices()[0]
    return {
        "platform": device.platform,
        "device_kind": device.device_kind,
        "num_devices": jax.device_count(),
        "processor": _processor(),
        "num_cores": _num_cores(),
        "load_average": list(os.getloadavg()),
        "cgm_jax": cgm_jax.__version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "settings": asdict(platform_settings()),
    }


def machine_name(facts: dict[str, Any]) -> str:
    """A name for a file: ``cpu-2-cores``, or the accelerator's kind."""
    kind = facts["device_kind"]
    if facts["platform"] == "cpu":
        kind = f"cpu-{facts['num_cores']}-cores"
    return re.sub("[^a-z0-9]+", "-", kind.lower()).strip("-")


def _num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    named = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return named[1] if named else platform.processor() or platform.machine()
