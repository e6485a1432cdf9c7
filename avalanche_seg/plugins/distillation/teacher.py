"""The frozen previous model, shared by every distillation plugin of a strategy."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from avalanche_seg.models import SegmentationOutput, as_output, fold_batch_norms

__all__ = ["Teacher", "default_forward", "shared_teacher"]

Runner = Callable[[nn.Module, Tensor], SegmentationOutput]


def default_forward(model: nn.Module, images: Tensor) -> SegmentationOutput:
    """The model's output on a batch, as the model gives it."""
    return as_output(model(images))


class Teacher:
    """A frozen copy of the model as the previous step left it.

    However many plugins ask, the copy is made once per step and run once per batch: in evaluation
    mode, without gradient, batch norms folded into the convolutions before them
    (:func:`avalanche_seg.models.fold_batch_norms`), which is the same up to rounding.

    Attributes:
        model: the copy, as it was trained; None at the first step.
        step: the step that it was taken for.

    Example:
        >>> model, teacher = nn.Conv2d(3, 2, 1), Teacher()
        >>> teacher.update(model, step=1)
        >>> images = torch.zeros(1, 3, 2, 2)
        >>> teacher(images) is teacher(images)  # Once per batch.
        True
    """

    def __init__(self) -> None:
        self.model: nn.Module | None = None
        self.step: int | None = None
        self._folded: nn.Module | None = None
        self._images: Tensor | None = None
        self._output: SegmentationOutput | None = None

    def update(self, model: nn.Module, step: int) -> None:
        """Copy the model, before it grows for ``step``; once per step, further calls do nothing."""
        if step == self.step:
            return
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.model.zero_grad(set_to_none=True)
        self._folded = None
        self.step = step

    def __call__(self, images: Tensor, run: Runner = default_forward) -> SegmentationOutput:
        """The copy's output on a batch; computed once for the same tensor.

        Args:
            images: the batch.
            run: runs the copy; a strategy's way when it has one (mixed precision).

        Raises:
            RuntimeError: at the first step.
        """
        if self.model is None:
            raise RuntimeError("there is no teacher at the first step")
        if self._images is not images:
            with torch.no_grad():
                if self._folded is None:  # One image tells which norm follows which convolution.
                    self._folded = fold_batch_norms(self.model, images[:1])
                self._output = run(self._folded, images)
            self._images = images
        assert self._output is not None
        return self._output

    def state_dict(self) -> dict[str, Any]:
        """The copy's weights and the step it was taken for."""
        weights = None if self.model is None else self.model.state_dict()
        return {"step": self.step, "model": weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put the weights into the copy of this step, which must have been made."""
        self.step = state["step"]
        if state["model"] is not None and self.model is not None:
            self.model.load_state_dict(state["model"])
            self._folded = None

    def clear_cache(self) -> None:
        """Free the last batch's output."""
        self._images = self._output = None


def shared_teacher(strategy: Any) -> Teacher:
    """The teacher that a plugin of the strategy holds already, or a new one."""
    for plugin in strategy.plugins:
        teacher = getattr(plugin, "teacher", None)
        if isinstance(teacher, Teacher):
            return teacher
    return Teacher()
