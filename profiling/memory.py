"""Memory that a call adds, by the system's accounting."""

import ctypes
import gc
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from profiling.measuring import Work

__all__ = ["extra_memory", "resident"]


def extra_memory(work: Work, *, warmup: Work | None = None) -> int:
    """How much a call adds to resident memory at its peak, by the system's accounting.

    The call runs in a forked process of its own, on one thread, after memory that is free but held
    was given back to the system; so neither earlier calls nor their caches count. What does is how
    they scattered the free memory (so measure memory before time), and the pages of libraries that
    the call is the first to touch (some megabytes), unless ``warmup`` did before.

    Args:
        work: a call without arguments, on the CPU.
        warmup: called first in the same process, such as the same on something small.

    Returns:
        bytes; the peak during the call less what was resident before.

    Raises:
        RuntimeError: when the call fails; its traceback is on standard error.
    """
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_measure_peak, args=(work, warmup, sender))
    process.start()
    sender.close()
    try:
        added: int = receiver.recv()
    except EOFError:
        raise RuntimeError("the call failed in its own process; see its traceback") from None
    finally:
        process.join()
        receiver.close()
    return added


def _measure_peak(work: Work, warmup: Work | None, sender: Connection) -> None:
    # The threads of the parent's OpenMP pool are not there after a fork: waiting for them hangs.
    torch.set_num_threads(1)
    if warmup is not None:
        warmup()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # Sets the peak to what is resident now.
    before = _status("VmRSS")
    work()
    sender.send(max(0, _status("VmHWM") - before))


def resident() -> int:
    """Bytes of this process that are in memory now."""
    return _status("VmRSS")


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}; memory is measured on Linux only")
