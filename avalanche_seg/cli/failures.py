"""Exceptions of a command that are no fault of its code, as one sentence each."""

import re
import sys

import torch

__all__ = ["BAD_INPUT", "INTERRUPTED", "exit_code_of", "is_out_of_memory", "sentence_of"]

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

BAD_INPUT = (ValueError, FloatingPointError, OSError)
"""What is raised with a message for the user."""

_NO_MEMORY = re.compile(r"DefaultCPUAllocator|can't allocate memory|[Cc]annot allocate memory")
# torch's words for a process that was killed, and for shared memory that is full.
_LOST_WORKER = re.compile(
    r"DataLoader worker \(pid[^)]*\).*(exited unexpectedly|killed by signal)"
    r"|unable to (write to|open|mmap|resize|allocate) .*(shm|shared memory|torch_)"
    r"|received \d+ items of ancdata",
    re.DOTALL,
)


def sentence_of(error: Exception, *, less_memory: str, go_on: str = "") -> str | None:
    """What to tell the user instead of a traceback.

    Args:
        error: that ended a command.
        less_memory: what to lower when memory is full.
        go_on: what is to be said of work that is saved.

    Returns:
        the sentence, or None for an error that asks for its traceback.

    Example:
        >>> sentence_of(ValueError("--lr 0; expected a positive number"), less_memory="")
        '--lr 0; expected a positive number'
        >>> sentence_of(KeyError("x"), less_memory="") is None
        True
    """
    text = str(error)
    if isinstance(error, RuntimeError) and _LOST_WORKER.search(text):
        return (
            "a process that loads data was lost, for lack of memory or of shared memory; lower "
            "--num_workers, or give the machine more (docker run --shm-size 8g)" + go_on
        )
    if is_out_of_memory(error):
        # Of a failure in a loader's process, or one with torch's place in front, the reason alone.
        reason = re.sub(r"^.*(?=CUDA out of memory|DefaultCPUAllocator)", "", text, flags=re.DOTALL)
        first = (reason.splitlines() or ["out of memory"])[0].rstrip(". ")
        return f"{first}. Start again with {less_memory}{go_on}"
    if isinstance(error, BAD_INPUT):
        # A loader's worker process wraps the message in its traceback; it comes last there.
        return text.rpartition("\nValueError: ")[2].strip()
    return None


def exit_code_of(error: Exception | KeyboardInterrupt, *, less_memory: str) -> int:
    """Tell the user in one line what ended a command.

    Args:
        error: that ended it.
        less_memory: as for :func:`sentence_of`.

    Returns:
        the command's exit code: 130 after an interruption, else 2.

    Raises:
        Exception: the error itself, where it asks for its traceback.
    """
    if isinstance(error, KeyboardInterrupt):
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    reason = sentence_of(error, less_memory=less_memory)
    if reason is None:
        raise error
    print(f"error: {reason}", file=sys.stderr)
    return 2


def is_out_of_memory(error: Exception) -> bool:
    """Whether the memory of the machine or of its GPU was too small.

    Example:
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("shapes differ"))
        (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_NO_MEMORY.search(str(error)))
