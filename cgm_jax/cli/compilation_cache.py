"""Compiled programs kept from one command to the next, in the user's cache folder.

A program fits one kind of processor and one version of JAX: each has a folder of its
own. The library itself never sets this up; JAX's own ``JAX_COMPILATION_CACHE_DIR`` is
left as the user set it.
"""

import os
import platform
import re
import sys
import tempfile
from pathlib import Path

import jax

VARIABLE = "CGM_JAX_COMPILATION_CACHE"


def keep_compiled_programs() -> None:
    """Let JAX keep its programs in `cache_folder`, if that can be written."""
    folder = cache_folder()
    if folder is None or _jax_folder() is not None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return  # the work goes on, and compiles anew
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def cache_folder() -> Path | None:
    """Where compiled programs are kept: None if the user turned it off."""
    if (chosen_for_jax := _jax_folder()) is not None:
        return chosen_for_jax
    chosen = os.environ.get(VARIABLE, "")
    if chosen == "off":
        return None
    folder = Path(chosen).expanduser() if chosen else _user_folder() / "cgm-jax"
    return folder / f"{_processor()}-jax-{jax.__version__}"


def _jax_folder() -> Path | None:
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    return Path(folder) if folder else None


def _user_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return folder if folder.is_absolute() else Path.home() / ".cache"


def _processor() -> str:
    """The model of the processor, as a name of a folder."""
    model = platform.processor() or platform.machine()
    description = Path("/proc/cpuinfo")
    if description.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", description.read_text(), re.M)
        model = found[1] if found else model
    return re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-") or "processor"
