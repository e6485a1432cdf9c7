"""The most memory that this process has needed."""

import re
import sys
from contextlib import suppress
from pathlib import Path

import torch

__all__ = ["peak_memory", "reset_peak_memory"]

_PROC = Path("/proc/self")


def peak_memory(device: torch.device | str = "cpu") -> dict[str, int]:
    """The peaks since :func:`reset_peak_memory`, in bytes by kind.

    Args:
        device: on which the process computes.

    Returns:
        "resident": the process's memory in RAM, its libraries included; left out where the system
        does not tell it. On a GPU also "gpu": what torch's allocator gave to tensors there, which
        is less than the driver shows.

    Example:
        >>> all(value > 0 for value in peak_memory().values())
        True
    """
    peaks = {}
    resident = _resident()
    if resident is not None:
        peaks["resident"] = resident
    if torch.device(device).type == "cuda":
        peaks["gpu"] = torch.cuda.max_memory_allocated(device)
    return peaks


def reset_peak_memory(device: torch.device | str = "cpu") -> None:
    """Let the peaks begin anew at what is in use now.

    The resident peak can begin anew on Linux only; elsewhere it is the process's since its start.

    Args:
        device: on which the process computes.
    """
    with suppress(OSError):
        (_PROC / "clear_refs").write_text("5")
    # Before its first use a GPU has no peak, and refuses to begin one.
    if torch.device(device).type == "cuda" and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats(device)


def _resident() -> int | None:
    # Not getrusage's: after an exec that one still counts the memory of the process before it.
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s*(\d+) kB", (_PROC / "status").read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    if sys.platform == "darwin":
        import resource  # Not on every system.

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return None
