"""When processes that are to stop do so: all after the same batch."""

import torch

from avalanche_seg.system import any_rank, world_size

__all__ = ["stop_agreed"]

_ASK_EVERY = 10


def stop_agreed(asked: bool, n_batches: int, device: torch.device | str) -> bool:
    """Whether to stop after this batch, because one of the processes was asked to.

    On a GPU asking waits for the device, so several processes ask after every tenth batch there.

    Args:
        asked: whether this process was asked to stop.
        n_batches: that the process has had; every process calls with the same numbers.
        device: that batches are computed on.

    Example:
        >>> stop_agreed(False, 3, "cpu"), stop_agreed(True, 3, "cuda")
        (False, True)
    """
    if world_size() == 1:
        return asked
    every = 1 if torch.device(device).type == "cpu" else _ASK_EVERY
    return n_batches % every == 0 and any_rank(asked)
