"""Another package's generator: an environment of its own, and rows through files."""

import subprocess
import tempfile
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import pyarrow as pa
from jaxtyping import Array, Float, Key
from pyarrow import csv

from cgm_jax._shared.arrays import Points
from cgm_jax.files import plain_format, write_rewards
from cgm_jax.tables import Cells, TableCodec, read_cells

__all__ = [
    "ENVIRONMENTS",
    "PEERS",
    "Peer",
    "PeerGenerator",
    "SkippedError",
    "installed",
    "printed_by",
    "read_table",
]

ENVIRONMENTS = Path("build", "peers")
PROGRAM = Path(__file__).with_name("drawing.py")
DRAWN = 3  # rows for every row that is learned: some are those of real ones
LEAST_DRAWN = 10_000  # `TableGenerator` looks at thousands


@dataclass(frozen=True)
class Peer:
    """A package from PyPI, with its licence as it says it there."""

    name: str
    packages: tuple[str, ...]
    licence: str


PEERS = (
    Peer("adversarial-forest", ("arfpy", "pandas<3", "numpy<2.4"), "arfpy: MIT"),
    Peer("gaussian-copula", ("pyvinecopulib", "pandas"), "pyvinecopulib: MIT"),
)


class SkippedError(RuntimeError):
    """A peer that cannot be run here, and why."""


def installed(peer: Peer, folder: Path) -> Path:
    """The Python of an environment that has the peer; made if it is not there."""
    python = folder / peer.name / "bin" / "python"
    if not python.exists():
        venv.create(folder / peer.name, with_pip=True, clear=True)
    words = [python, "-m", "pip", "install", "-q", *peer.packages]
    printed_by(words, "it does not install")
    return python


@dataclass(frozen=True, eq=False)
class PeerGenerator:
    """A peer as a generator of a codec's points, drawn when it is fitted."""

    peer: Peer
    python: Path
    codec: TableCodec

    def fit(self, key: Key[Array, ""], points: Points) -> Float[np.ndarray, "m d"]:
        """Rows that it draws after it has learned these."""
        rows = self.codec.decode(np.asarray(points, np.float64))
        seed = int(jax.random.bits(key)) // 4
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "training.csv"), Path(folder, "drawn.csv")
            write_rewards(source, rows, plain_format(rows))
            num = max(LEAST_DRAWN, DRAWN * len(points))
            words = [PROGRAM, self.peer.name, source, target, num, seed]
            printed_by([self.python, *words], "it fails")
            return self.codec.encode(read_table(target))

    def sample(
        self, key: Key[Array, ""], model: Float[np.ndarray, "m d"], num: int
    ) -> Float[np.ndarray, "num d"]:
        """The first of these."""
        del key
        if num > len(model):
            raise SkippedError("nearly all of its rows are real ones")
        return model[:num].astype(np.float32)


def read_table(path: Path) -> Mapping[str, Cells]:
    """The cells of a CSV file."""
    names = csv.open_csv(path).schema.names
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    table = csv.read_csv(path, convert_options=options)
    return {
        name: read_cells(column)
        for name, column in zip(names, table.columns, strict=True)
    }


def printed_by(words: list[object], what: str) -> str:
    """What a command prints; a `SkippedError` with its last line where it fails."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        raise SkippedError(f"{what}: {last}")
    return done.stdout
