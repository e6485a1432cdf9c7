"""The folder of everything that is computed once and kept, and what dead processes left in it."""

import os
import time
from contextlib import suppress
from pathlib import Path

from avalanche_seg.system import expand_home, file_lock

__all__ = ["cache_folder", "lock_of", "remove_leftovers"]

_OLD = 60.0  # Seconds; statistics, which are written without a lock, take a second at most.


def cache_folder() -> Path:
    """Where mask statistics and decoded images are cached.

    ``$AVALANCHE_SEG_CACHE``, or ``avalanche_seg`` in the user's cache folder. Never the data set's
    own folder, which may be shared or read-only.
    """
    explicit = os.environ.get("AVALANCHE_SEG_CACHE")
    if explicit:
        return expand_home(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "avalanche_seg"


def lock_of(path: Path) -> Path:
    """The lock that a process holds while it writes decoded images.

    Example:
        >>> lock_of(Path("cache/1f.pixels3")).name
        '1f.lock'
    """
    return path.with_name(f"{path.name.partition('.')[0]}.lock")


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that were killed while they wrote.

    Whose lock can be had is written by nobody, on whatever machine that shares the folder; process
    numbers would not tell.

    Args:
        folder: as :func:`cache_folder`.
    """
    with suppress(OSError):
        for path in folder.glob("*.pixels*.tmp"):
            with file_lock(lock_of(path), wait=False) as is_free:
                if is_free:
                    path.unlink(missing_ok=True)
        for path in folder.glob("*.npz.*.tmp"):
            if time.time() - path.stat().st_mtime > _OLD:
                path.unlink(missing_ok=True)
