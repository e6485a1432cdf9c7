"""Memory for intermediate results that is used again and again.

Memory that is new to a process costs more than the arithmetic on it: the system clears every page
at the first touch.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["Workspace"]


class Workspace:
    """Tensors that take over each other's memory; for one type and device at a time.

    Example:
        >>> workspace, like = Workspace(), torch.zeros(())
        >>> first = workspace.of_shape((2, 3), like).fill_(1.0)
        >>> workspace.of_shape((1, 2), like).tolist()  # the memory of the first
        [[1.0, 1.0]]
    """

    def __init__(self) -> None:
        self._memory: dict[int, Tensor] = {}

    def of_shape(self, shape: Sequence[int], like: Tensor, number: int = 0) -> Tensor:
        """A contiguous tensor.

        Args:
            shape: wanted.
            like: gives type and device.
            number: tells apart tensors that are needed at the same time.

        Returns:
            contents are what an earlier use left; the next call with this number gives the same
            memory.
        """
        wanted = math.prod(shape)
        memory = self._memory.get(number)
        fits = memory is not None and (memory.dtype, memory.device) == (like.dtype, like.device)
        if memory is None or not fits or memory.numel() < wanted:
            memory = self._memory[number] = torch.empty(
                wanted, dtype=like.dtype, device=like.device
            )
        return memory[:wanted].view(*shape)

    def like(self, tensor: Tensor, number: int = 0) -> Tensor:
        """A dense tensor of the same shape, type and, where that is dense, memory format.

        Args:
            tensor: any.
            number: as in :meth:`of_shape`.

        Returns:
            as :meth:`of_shape`.
        """
        memory = self.of_shape(tensor.shape, tensor, number)
        if tensor.is_contiguous(memory_format=torch.channels_last):
            return memory.as_strided(tensor.shape, tensor.stride())
        return memory
