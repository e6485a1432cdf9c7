"""Atomic file writes, and locks between processes."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from avalanche_seg.system.alive import pid_is_alive

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "atomic_write",
    "expand_home",
    "file_clock",
    "file_lock",
    "flock",
    "remove_left_overs",
]


@contextmanager
def atomic_write(path: Path, *, keep: Path | None = None) -> Iterator[Path]:
    """Give a temporary path to write to; it takes the place of ``path`` when all went well.

    The old file stays until the new one is on the disk. After an error the temporary file is
    removed and the old one is as it was.

    Args:
        path: the file.
        keep: where to move the old file, once the new one is on the disk; None replaces it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     target = Path(folder) / "a.txt"
        ...     with atomic_write(target) as temporary:
        ...         _ = temporary.write_text("whole")
        ...     [file.name for file in Path(folder).iterdir()]
        ['a.txt']
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if keep is not None and path.exists():
            path.replace(keep)
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring a renaming to the disk, where the system knows how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def expand_home(path: str | Path) -> Path:
    """A path with the home folder for a ``~`` at its start, which shells leave in ``--flag=~/x``.

    Example:
        >>> expand_home("runs/~a"), expand_home("~/runs") == Path.home() / "runs"
        (PosixPath('runs/~a'), True)
    """
    # Path.expanduser() fails where nobody is called x in "~x", and expands "./~" too.
    return Path(os.path.expanduser(path))  # noqa: PTH111


@contextmanager
def file_lock(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Let one process at a time in, where the system can: the others find the work done.

    Args:
        path: a file that is made where it is missing, and stays.
        wait: until no other process has the lock; else go on without it.

    Yields:
        whether this process has the lock.
    """
    with path.open("wb") as file:
        yield fcntl is None or _locked(file.fileno(), wait)


def _locked(descriptor: int, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def flock(file: IO[bytes]) -> None:
    """Wait until no other process has this file locked, where the system can; closing unlocks."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX)


def file_clock(folder: Path) -> float:
    """The time of a folder's disk, which may be another machine's, in seconds."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime


def remove_left_overs(folder: Path, pattern: str = "*") -> list[Path]:
    """Remove the temporary files that dead processes left in a folder, not in folders inside.

    Args:
        folder: where :func:`atomic_write` wrote.
        pattern: of the names of the files that were to be written.

    Returns:
        what was removed. Files of processes that run are left alone.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> for name in (f"a.pt.{os.getpid()}.tmp", f"a.pt.{2**31 - 1}.tmp", "a.pt"):
        ...     _ = (folder / name).write_text("")
        >>> [path.name for path in remove_left_overs(folder)]
        ['a.pt.2147483647.tmp']
    """
    found = []
    for path in sorted(folder.glob(f"{pattern}.*.tmp")):
        number = path.name.split(".")[-2]
        if number.isascii() and number.isdecimal() and not pid_is_alive(int(number)):
            with suppress(OSError):
                path.unlink()
                found.append(path)
    return found
