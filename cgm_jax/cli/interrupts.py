"""Ctrl-C, answered from the first moment of a command to its last."""

import _thread
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 1.0  # seconds after which a Ctrl-C that went unheard is raised again


@contextmanager
def heard_interrupts() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C end the process at once; after a call of what is given, raise it.

    At once while modules are imported: nothing is to be undone then, and compiled
    modules that are half imported can crash as Python exits. Afterwards it is a
    ``KeyboardInterrupt``, and again one until it arrives: callbacks from compiled
    code, as JAX has one for the collection of garbage, drop exceptions.
    """
    before, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    if before is not signal.default_int_handler:  # ignored, as in the background
        yield lambda: None
        return
    timers: list[threading.Timer] = []

    def end(*_: Any) -> None:
        os.write(2, b"error: interrupted\n")
        os._exit(130)

    def interrupt(*_: Any) -> None:
        timers.append(threading.Timer(PATIENCE, _thread.interrupt_main))
        timers[-1].daemon = True
        timers[-1].start()
        raise KeyboardInterrupt

    def dropped(what: Any) -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            hook(what)

    def raise_from_now_on() -> None:
        signal.signal(signal.SIGINT, interrupt)

    signal.signal(signal.SIGINT, end)
    sys.unraisablehook = dropped
    try:
        yield raise_from_now_on
    finally:
        for timer in timers:
            timer.cancel()
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook
