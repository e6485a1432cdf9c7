"""The model as several processes train it."""

from contextlib import AbstractContextManager, nullcontext

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from avalanche_seg.system import world_size

__all__ = ["Parallel"]


class Parallel:
    """Averages a model's gradients over processes; the model itself stays unwrapped.

    The wrapper is made anew every step, because the model has grown. With one process everything
    here does nothing.

    Args:
        all_used: every parameter is part of every loss. Where an objective may leave some out
            (auxiliary heads, say), each iteration must look for them, which takes time.
    """

    def __init__(self, *, all_used: bool = True) -> None:
        self.all_used = all_used
        self._wrapper: DistributedDataParallel | None = None

    def begin_step(self) -> None:
        """Forget the wrapper of the step before."""
        self._wrapper = None

    def wrap(self, model: nn.Module) -> nn.Module:
        """What to call in training instead of the model."""
        if world_size() == 1:
            return model
        if self._wrapper is None:
            # Statistics of batch norm are brought together once an epoch.
            self._wrapper = DistributedDataParallel(
                model, broadcast_buffers=False, find_unused_parameters=not self.all_used
            )
        return self._wrapper

    def averaging(self, model: nn.Module, *, now: bool) -> AbstractContextManager[None]:
        """Where backward passes run: gradients are averaged ``now``, or only add up here."""
        wrapper = self.wrap(model)
        if now or not isinstance(wrapper, DistributedDataParallel):
            return nullcontext()
        return wrapper.no_sync()
