"""Rank, world size and collectives of torch.distributed, with one process where there is no group.

Everything here also works without a process group, as the one process there is. Processes are
started by ``torchrun``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = [
    "any_rank",
    "broadcast",
    "collective_device",
    "is_main",
    "least_of_ranks",
    "process_group",
    "rank",
    "all_reduce_sum_",
    "sync_buffers",
    "world_size",
]


def world_size() -> int:
    """The number of processes; 1 without a process group.

    Example:
        >>> world_size(), rank(), is_main()
        (1, 0, True)
    """
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def is_main() -> bool:
    """Whether this is the process that writes and logs."""
    return rank() == 0


@contextmanager
def process_group(*, cuda: bool, timeout: timedelta = timedelta(minutes=10)) -> Iterator[None]:
    """Join the processes that ``torchrun`` started, if it did; leave them at the end.

    Args:
        cuda: talk between GPUs (NCCL), each process on the GPU of its LOCAL_RANK; else gloo.
        timeout: how long to wait for a process before giving up with an error.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if cuda else "gloo", timeout=timeout)
    try:
        yield
    finally:
        dist.destroy_process_group()


def collective_device() -> torch.device:
    """Where tensors that processes exchange must be."""
    gpu = world_size() > 1 and dist.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if gpu else torch.device("cpu")


def all_reduce_sum_(tensor: Tensor) -> Tensor:
    """Replace a tensor by its sum over all processes, in place.

    Example:
        >>> all_reduce_sum_(torch.ones(2)).tolist()
        [1.0, 1.0]
    """
    if world_size() > 1:
        dist.all_reduce(tensor)
    return tensor


def any_rank(flag: bool) -> bool:
    """Whether the flag is set in any process.

    Example:
        >>> any_rank(False), any_rank(True)
        (False, True)
    """
    if world_size() == 1:
        return flag
    return bool(all_reduce_sum_(torch.tensor(int(flag), device=collective_device())))


def least_of_ranks(number: int) -> int:
    """The smallest of the processes' numbers.

    Example:
        >>> least_of_ranks(3)
        3
    """
    if world_size() == 1:
        return number
    least = torch.tensor(number, device=collective_device())
    dist.all_reduce(least, op=dist.ReduceOp.MIN)
    return int(least)


def broadcast(value: Any) -> Any:
    """The main process's value of anything that can be pickled, in all processes.

    Example:
        >>> broadcast({"seed": 3})
        {'seed': 3}
    """
    if world_size() == 1:
        return value
    values = [value]
    dist.broadcast_object_list(values)
    return values[0]


def sync_buffers(model: nn.Module) -> None:
    """Give all processes the main process's buffers, such as the statistics of batch norm."""
    if world_size() > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)
