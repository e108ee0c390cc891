"""Checkpoints of a training that are trusted only once they have been verified.

Orbax writes a folder ``step_00000250``; then its files are forced to disk, and
``step_00000250.json`` is published with the SHA-256 of the numbers and with what they
belong to. A checkpoint counts if its numbers have the digest of its record; otherwise
the one before counts. At any moment of a kill one of the two is whole.
"""

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cgm_jax._shared.archive import Arrays, named_arrays, with_arrays
from cgm_jax._shared.digests import digest_of_arrays
from cgm_jax._shared.publishing import publish, sync_folder

NUM_KEPT = 2


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training, known by its options, data and key as JSON."""

    folder: Path
    belongs_to: dict[str, Any]

    def save(self, step: int, tree: Any) -> None:
        """Save a tree of arrays; older checkpoints go once this one is whole."""
        arrays, path = named_arrays(tree), self._path(step)
        self.folder.mkdir(parents=True, exist_ok=True)
        # What a killed process left without a record was never a checkpoint.
        self._record(step).unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        _write(path, arrays)
        _sync_tree(path)
        sync_folder(self.folder)
        record = {"belongs_to": self.belongs_to, "sha256": digest_of_arrays(arrays)}
        text = json.dumps(record, indent=1).encode()
        publish(self._record(step), lambda file: file.write(text))
        # Also what a kill left of a checkpoint on its way in or out.
        kept = self._steps()[-NUM_KEPT:]
        for old in set(self._steps(r"step_(\d+)(\.json)?")).difference(kept):
            self._record(old).unlink(missing_ok=True)
            shutil.rmtree(self._path(old), ignore_errors=True)

    def newest(self, template: Any) -> Any | None:
        """The newest checkpoint that is whole, as a tree like the template, or None."""
        for step in reversed(self._steps()):
            try:
                record = json.loads(self._record(step).read_bytes())
                belongs_to, digest = record["belongs_to"], record["sha256"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            self._check_belongs(belongs_to)
            try:
                arrays = _read(self._path(step))
                if digest_of_arrays(arrays) == digest:
                    return with_arrays(template, arrays)
            except Exception:  # Orbax may raise anything for damaged files
                continue
        return None

    def _check_belongs(self, saved: dict[str, Any]) -> None:
        ours = self.belongs_to
        differing = [
            f"{name} {saved.get(name)!r} there and {ours.get(name)!r} now"
            for name in sorted(set(saved) | set(ours))
            if saved.get(name) != ours.get(name)
        ]
        if differing:
            raise ValueError(
                f"Expected checkpoints of this training in {self.folder}, found those "
                f"of another: {'; '.join(differing)}. Train as there, or choose "
                "another checkpoint_dir."
            )

    def _steps(self, pattern: str = r"step_(\d+)\.json") -> list[int]:
        """The steps in names of the folder that match, from old to new."""
        if not self.folder.is_dir():
            return []
        matches = (re.fullmatch(pattern, path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in matches if match)

    def _path(self, step: int) -> Path:
        return self.folder / f"step_{step:08d}"

    def _record(self, step: int) -> Path:
        return self.folder / f"step_{step:08d}.json"


def _write(path: Path, arrays: Arrays) -> None:
    import orbax.checkpoint as ocp

    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as checkpointer:
        checkpointer.save(path, args=ocp.args.PyTreeSave(arrays))


def _read(path: Path) -> Arrays:
    import orbax.checkpoint as ocp

    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as checkpointer:
        metadata = checkpointer.metadata(path)
        tree = getattr(metadata, "item_metadata", metadata)
        as_numpy = jax.tree.map(
            lambda _: ocp.RestoreArgs(restore_type=np.ndarray), dict(tree)
        )
        args = ocp.args.PyTreeRestore(restore_args=as_numpy)
        return dict(checkpointer.restore(path, args=args))


def _sync_tree(folder: Path) -> None:
    """Orbax renames atomically, but leaves to the system when bytes reach the disk."""
    for root, _, names in os.walk(folder):
        for name in names:
            with open(Path(root, name), "rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(root))
