"""A training in a process of its own, for the tests that kill it."""

from multiprocessing.connection import Connection
from pathlib import Path

import jax
import numpy as np

# Imported here, a server that only forks has them ready; none of them starts a device.
import orbax.checkpoint  # noqa: F401
import sklearn.model_selection
import sklearn.neighbors  # noqa: F401

from cgm_jax.generators import MMDGAN

__all__ = ["OPTIONS", "POINTS", "train"]

POINTS = np.random.default_rng(0).normal(size=(120, 2)).astype(np.float32)
OPTIONS = MMDGAN(width=4, depth=1, batch_size=8, num_steps=300, evaluate_every=30)


def train(folder: Path, cache: Path, told: Connection) -> None:
    """Train with checkpoints, and tell the start, every evaluation and the end."""
    jax.config.update("jax_compilation_cache_dir", str(cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    told.send("start")
    OPTIONS.fit(
        jax.random.key(0),
        POINTS,
        checkpoint_dir=folder,
        progress=lambda at: told.send(at.step),
    )
    told.send("end")
