"""The command line: ``cgm-jax demo``, ``run``, ``reproduce``, ``audit`` and others."""

import sys
from collections.abc import Sequence
from typing import NoReturn

from .interrupts import heard_interrupts

__all__ = ["main"]
__dir__ = __all__.copy


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code.

    Args:
        arguments: the words after ``cgm-jax``; those of the process by default.

    Raises:
        SystemExit: always, with the code.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> try:
        ...     main(["example", "digits", folder, "--split", "unequal"])
        ... except SystemExit as stopped:  # doctest: +ELLIPSIS
        ...     print(stopped.code)
        Wrote 5 files of 349 digits each to .../
        0
    """
    with heard_interrupts() as raise_them:
        try:
            # Here and not above: most of a second goes into it.
            from .app import app, run_app
        except ModuleNotFoundError as error:
            sys.exit(f'error: {error.name} is missing: install "cgm-jax[run]"')
        raise_them()
        run_app(app, arguments)
