"""A state on the disk: whole or not at all, the one before it kept, no code in it."""

import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from avalanche_seg.system import atomic_write, is_main, remove_left_overs

__all__ = ["previous_of", "read_state", "write_state"]

_FORMAT = "avalanche_seg state 1"


def previous_of(path: Path) -> Path:
    """Where the state before the one at ``path`` is kept.

    Example:
        >>> previous_of(Path("run/state.pt")).name
        'state.previous.pt'
    """
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def write_state(path: Path, state: Mapping[str, Any], *, keep_previous: bool = True) -> None:
    """Write tensors and plain values; the last state stays beside it as the previous one.

    At any moment one of the two files is whole: the new one is written under another name and
    reaches the disk before the old one is moved.

    Args:
        path: the file.
        state: tensors, numbers, strings and None in dicts, lists and tuples.
        keep_previous: False replaces the last state instead.

    Raises:
        OSError: when it cannot be written; what was saved before is still there.
    """
    remove_left_overs(path.parent, path.name)
    with atomic_write(path, keep=previous_of(path) if keep_previous else None) as temporary:
        try:
            torch.save({"format": _FORMAT, **state}, temporary)
        except RuntimeError as error:  # torch's writer, when the disk is full.
            raise OSError(f"{path} cannot be written ({error}); is the disk full?") from error


def read_state(path: Path, *, parts: Sequence[str] = ()) -> dict[str, Any] | None:
    """The newest whole state: the file, or else the previous one; None when neither exists.

    A damaged file is moved aside, to ``state.damaged.pt``, when the previous one serves. Nothing
    in a file is run: it is read with ``weights_only=True``.

    Args:
        path: the file.
        parts: names that the state must have.

    Raises:
        ValueError: when there are files and none is whole and has these parts.
    """
    problems = []
    for candidate in (path, previous_of(path)):
        if not candidate.exists():
            continue
        try:
            state = _read(candidate, parts)
        except ValueError as error:
            problems.append(str(error))
            continue
        for problem in problems:
            warnings.warn(f"{problem}; going on from {candidate}", stacklevel=2)
        if problems and is_main():
            # Out of the way, or the next write would take it for the last good one.
            path.replace(path.with_name(f"{path.stem}.damaged{path.suffix}"))
        return state
    if problems:
        raise ValueError(f"{'; '.join(problems)}; remove what is there to start again")
    return None


def _read(path: Path, parts: Sequence[str]) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:  # torch's format; its reader checks no checksum.
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"the checksum of {damaged} is wrong")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # torch's text tells how to run the file's code.
        raise ValueError(
            f"{path} is cut off, damaged or foreign (it holds more than tensors and plain values)"
        ) from error
    except Exception as error:  # Damage can make the readers fail in any way.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is cut off, damaged or foreign ({reason})") from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise ValueError(f"{path} is no state of this package; expected {_FORMAT!r}")
    missing = [name for name in parts if name not in state]
    if missing:
        raise ValueError(
            f"{path} is a state of another kind: it has no {', '.join(missing)}; expected one that "
            "the same plugin or command wrote"
        )
    return state
