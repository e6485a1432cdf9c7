"""A run among processes: signals, and rank zero alone on standard output."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from avalanche_seg.plugins import CheckpointPlugin
from avalanche_seg.system import is_main

__all__ = ["rank_zero_stdout", "graceful_shutdown"]


@contextmanager
def rank_zero_stdout() -> Iterator[None]:
    """Let rank zero print, and no other process."""
    if is_main():
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


@contextmanager
def graceful_shutdown(checkpoint: CheckpointPlugin) -> Iterator[None]:
    """Let the first Ctrl-C or termination save the state; a second one stops at once."""
    asked: list[float] = []

    def stop(number: int, frame: object) -> None:
        # A preemption may signal a process twice at once, directly and through its parent.
        if asked and time.monotonic() > asked[0] + 2:
            raise KeyboardInterrupt
        if not asked:
            asked.append(time.monotonic())
            checkpoint.stop = True
            print("\nstopping after this iteration; once more to stop at once", file=sys.stderr)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
