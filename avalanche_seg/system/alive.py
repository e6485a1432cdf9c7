"""Whether a process, known by a few plain values that a file can hold, still runs."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["is_alive", "pid_is_alive", "this_process"]


def this_process() -> dict[str, Any]:
    """What tells this process from all others, also from a later one of the same number.

    Returns:
        host; pid; namespace, in which the pid counts (containers may share a host's name); and
        started, in the system's clock ticks. The last two are None where the system has no /proc.
    """
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "namespace": _namespace(),
        "started": _started(os.getpid()),
    }


def is_alive(process: Mapping[str, Any]) -> bool | None:
    """Whether the process that :func:`this_process` told of still runs; None on another machine.

    Example:
        >>> is_alive(this_process()), is_alive(this_process() | {"host": "elsewhere"})
        (True, None)
        >>> is_alive(this_process() | {"started": 1})
        False
    """
    here = this_process()
    if os.name == "nt":
        return None  # Nothing there tells of a process without changing it.
    if any(process.get(name) != here[name] for name in ("host", "namespace")):
        return None
    pid = int(process["pid"])
    return pid_is_alive(pid) and process.get("started") in (None, _started(pid))


def pid_is_alive(pid: int) -> bool:
    """Whether a process of this number runs on this machine; a zombie does not.

    Example:
        >>> pid_is_alive(os.getpid()), pid_is_alive(2**31 - 1)
        (True, False)
    """
    if os.name == "nt":  # os.kill() would end it.
        return True
    try:
        os.kill(pid, 0)
    except PermissionError:  # Of another user.
        return True
    except (OSError, OverflowError):
        return False
    return _stat(pid)[:1] != ["Z"]


def _namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None


def _started(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 else None


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the process's state on; empty where there is none."""
    try:
        # The name before them stands in brackets and may hold anything.
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
