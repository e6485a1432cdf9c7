"""One process at a time in a folder, also of several machines that share it."""

import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from avalanche_seg.system.alive import is_alive, this_process
from avalanche_seg.system.files import file_clock, flock

__all__ = ["FolderLock", "folder_holder"]

_NAME = "in_use.json"
_BEAT = 5.0  # Seconds between two signs of life.
_SILENT = 60.0  # Seconds without one after which a process of another machine counts as dead.


class FolderLock:
    """Holds a folder for this process by a file in it, whose time is a sign of life.

    The lock of a process that is dead is taken over: at once when it ran on this machine, after a
    minute without a sign of life when it ran on another one.

    Args:
        folder: that exists.

    Raises:
        ValueError: from ``with``, naming the process that holds the folder.
        OSError: from ``with``, when the folder cannot be written.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> with FolderLock(folder):
        ...     [path.name for path in folder.iterdir()]
        ['in_use.json']
        >>> list(folder.iterdir())
        []
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / _NAME
        self._token = secrets.token_hex(8)
        self._released = threading.Event()

    def __enter__(self) -> "FolderLock":
        with self._opened() as file:
            holder = _read(file)
            if holder is not None and not _is_dead(holder, self.path):
                raise ValueError(
                    f"{self.path.parent} is in use by process {holder['pid']} on {holder['host']} "
                    f"since {holder['since']}; wait for its end, or stop it first (a lock is taken "
                    f"over when its process is dead, {_SILENT:.0f} s later from another machine)"
                )
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            _write(file, this_process() | {"since": now, "token": self._token})
        threading.Thread(target=self._beat, name="sign of life", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._released.set()
        with suppress(OSError), self._opened() as file:
            if (_read(file) or {}).get("token") == self._token:
                self.path.unlink()

    def _beat(self) -> None:
        while not self._released.wait(_BEAT):
            with suppress(OSError):
                os.utime(self.path)

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        """The lock's file, made where it is missing, in no other process at the same time."""
        while True:
            with self.path.open("a+b") as file:
                flock(file)
                # Its last holder may have removed it while this process waited.
                if _is_same(file, self.path):
                    yield file
                    return


def folder_holder(folder: Path) -> dict[str, Any] | None:
    """The process that holds a folder, without touching it; None where none that lives does.

    Args:
        folder: that need not exist.

    Returns:
        its host, pid and since when, among others.

    Example:
        >>> folder = getfixture("tmp_path")
        >>> with FolderLock(folder):
        ...     folder_holder(folder)["pid"] == os.getpid()
        True
        >>> folder_holder(folder)
    """
    path = folder / _NAME
    try:
        with path.open("rb") as file:
            holder = _read(file)
        return None if holder is None or _is_dead(holder, path) else holder
    except OSError:  # Nobody's, or given back meanwhile.
        return None


def _is_dead(holder: dict[str, Any], path: Path) -> bool:
    alive = is_alive(holder)
    if alive is not None:
        return not alive
    # The clocks of two machines differ, that of the disk is one.
    return file_clock(path.parent) - path.stat().st_mtime > _SILENT


def _is_same(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _read(file: IO[bytes]) -> dict[str, Any] | None:
    """Who holds the lock; None for nobody, and for a file that was not written to its end."""
    file.seek(0)
    try:
        holder = json.loads(file.read())
    except ValueError:
        return None
    whole = isinstance(holder, dict) and {"host", "pid", "since"} <= holder.keys()
    return holder if whole and isinstance(holder["pid"], int) else None


def _write(file: IO[bytes], holder: dict[str, Any]) -> None:
    file.truncate(0)
    file.write(json.dumps(holder).encode())
    file.flush()
