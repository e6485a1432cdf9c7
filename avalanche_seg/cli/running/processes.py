"""A run among processes and threads: signals, and rank zero alone on standard output."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from avalanche_seg.plugins import CheckpointPlugin
from avalanche_seg.system import is_main

__all__ = ["Shutdown", "graceful_shutdown", "quiet_threads", "rank_zero_stdout"]


@contextmanager
def rank_zero_stdout() -> Iterator[None]:
    """Let rank zero print, and no other process."""
    if is_main():
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


@contextmanager
def quiet_threads() -> Iterator[None]:
    """Let threads that cannot write a file, such as TensorBoard's, say so in one line."""
    before = threading.excepthook

    def hook(failed: threading.ExceptHookArgs) -> None:
        if issubclass(failed.exc_type, OSError):
            print(f"\nwarning: a log is no longer written ({failed.exc_value})", file=sys.stderr)
        else:
            before(failed)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before


@dataclass
class Shutdown:
    """What a signal finds.

    Attributes:
        trained: every step is trained, so that there is nothing to stop or to save.
    """

    trained: bool = False


@contextmanager
def graceful_shutdown(checkpoint: CheckpointPlugin) -> Iterator[Shutdown]:
    """Let the first Ctrl-C or termination save the state; a second one stops at once.

    Python lets the main thread alone handle signals; in another one they are left as they are.
    """
    state = Shutdown()
    if threading.current_thread() is not threading.main_thread():
        yield state
        return
    asked: list[float] = []

    def stop(number: int, frame: object) -> None:
        # A preemption may signal a process twice at once, directly and through its parent.
        if asked and time.monotonic() > asked[0] + 2:
            raise KeyboardInterrupt
        if asked:
            return
        asked.append(time.monotonic())
        if state.trained:
            told = "all steps are trained: nothing is left to do but the last measures"
        else:
            checkpoint.stop = True
            told = "stopping after this iteration"
        print(f"\n{told}; once more to stop at once", file=sys.stderr)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, stop)
        yield state
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
