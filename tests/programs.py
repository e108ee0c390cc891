"""Programs that the documents print, run as a reader would."""

import os
import subprocess
import sys
from pathlib import Path

import jax

ROOT = Path(__file__).parents[1]
# Every warning fails, but for one: another process is writing that entry just now.
STRICT = ["-W", "error", "-W", "ignore:Error reading persistent compilation cache"]
# A third of the compiling time of the default, for programs that run slower. XLA stops
# at a flag that it does not know: newer ones have no other emitters.
QUICKLY_COMPILED = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)
if jax.__version_info__ < (0, 11):
    QUICKLY_COMPILED += " --xla_cpu_use_fusion_emitters=false"


def run_program(code: str, folder: Path) -> str:
    """What a program prints, run in a folder with no settings but how to compile."""
    settings = {
        name: text
        for name, text in os.environ.items()
        if name.startswith(("JAX_", "XLA_"))
    }
    done = subprocess.run(
        [sys.executable, *STRICT, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **settings},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


if __name__ == "__main__":
    print(QUICKLY_COMPILED)  # noqa: T201  (for the Makefile)
