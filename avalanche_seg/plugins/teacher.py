"""The frozen previous model, shared by every distillation plugin of a strategy."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Teacher", "shared_teacher"]


class Teacher:
    """A frozen copy of the model as it was at the end of the previous step.

    However many plugins ask, the copy is made once a step and run once a batch: in evaluation mode,
    without gradient.

    Attributes:
        model: the copy; None before the end of the first step.
    """

    def __init__(self) -> None:
        self.model: nn.Module | None = None
        self._taken_at: int | None = None
        self._images: Tensor | None = None
        self._output: Any = None

    def update(self, model: nn.Module, step: int) -> None:
        """Copy the model at the end of ``step``; further calls for the same step do nothing."""
        if step == self._taken_at:
            return
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.model.zero_grad(set_to_none=True)
        self._taken_at = step

    def __call__(self, images: Tensor) -> Any:
        """The copy's output on a batch; computed once for the same tensor.

        Raises:
            RuntimeError: before the end of the first step.
        """
        if self.model is None:
            raise RuntimeError("there is no teacher before the end of the first step")
        if self._images is not images:
            with torch.no_grad():
                self._output = self.model(images)
            self._images = images
        return self._output

    def forget(self) -> None:
        """Free the last batch's output."""
        self._images = self._output = None


def shared_teacher(strategy: Any) -> Teacher:
    """The teacher that a plugin of the strategy holds already, or a new one."""
    for plugin in strategy.plugins:
        teacher = getattr(plugin, "teacher", None)
        if isinstance(teacher, Teacher):
            return teacher
    return Teacher()
