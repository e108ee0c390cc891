"""The command line: ``cgm-jax demo``, ``run``, ``reproduce``, ``audit`` and others."""

import sys

try:
    from .app import main
except ModuleNotFoundError as error:
    sys.exit(f'error: {error.name} is missing: install "cgm-jax[run]"')

__all__ = ["main"]
__dir__ = __all__.copy
