"""How much disk space and memory is free."""

import shutil
from contextlib import suppress
from pathlib import Path

__all__ = ["available_memory", "check_free_space"]


def check_free_space(what: str, size: int, free: int, where: str, remedy: str) -> None:
    """Refuse to write what does not fit.

    Args:
        what: is to be written.
        size: of it, in bytes.
        free: bytes to be had.
        where: starts the message.
        remedy: ends it.

    Raises:
        ValueError: when ``size`` is more than ``free``.
    """
    if size > free:
        raise ValueError(
            f"{where} has room for {free / 2**30:.2f} GiB; {what} takes {size / 2**30:.2f}: "
            f"{remedy}"
        )


def available_memory() -> int:
    """Bytes of shared memory that can be had, by what Linux says; elsewhere no bound is known."""
    bounds = [2**62]
    with suppress(OSError):
        bounds.append(shutil.disk_usage("/dev/shm").free)
        (line,) = (
            text
            for text in Path("/proc/meminfo").read_text().splitlines()
            if text.startswith("MemAvailable")
        )
        bounds.append(int(line.split()[1]) * 1024)
    with suppress(OSError, ValueError):  # No bound is the word "max".
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        bounds.append(limit - int((group / "memory.current").read_text()))
    return min(bounds)
