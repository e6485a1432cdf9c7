"""What the C library does with memory that tensors on the CPU leave behind."""

import ctypes
import sys

__all__ = ["keep_freed_memory"]

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc's malloc.h.


def keep_freed_memory() -> bool:
    """Let this process keep memory that is freed, for the tensors to come.

    By default glibc gives the memory of large tensors back to the system, and asks for it again in
    the next iteration; the system clears every page of it at the first touch. Networks on a CPU
    spend a good part of their time on that. Numbers stay the same. The call is for a whole
    process and for good, so it is a program's to make, not a library's: the command line does.

    Returns:
        whether it can be done: True with glibc, as on most Linux systems; else nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    # No tensor gets pages of its own, which freeing it would return, and nothing else is returned.
    return all([mallopt(_M_MMAP_MAX, 0) == 1, mallopt(_M_TRIM_THRESHOLD, -1) == 1])
