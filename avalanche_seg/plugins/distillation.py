"""Distillation terms: wires between the losses, the teacher and the training loop."""

import math
from abc import abstractmethod
from typing import Any

from torch import Tensor

from avalanche_seg.losses import unbiased_distillation
from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.plugins.teacher import Teacher, shared_teacher

__all__ = ["TeacherPlugin", "UnbiasedDistillationPlugin"]


class TeacherPlugin(SegmentationPlugin):
    """Base of the plugins that add ``weight`` times a term between student and teacher.

    The term is added before the backward pass, from the second step on.

    Args:
        weight: factor of the term, finite and not negative.
        teacher: the previous model; default the one that the strategy's plugins share.

    Raises:
        ValueError: for a weight that is negative or not finite.
    """

    def __init__(self, weight: float, *, teacher: Teacher | None = None) -> None:
        super().__init__()
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"weight={weight}; expected a finite number, zero or more")
        self.weight = weight
        self.teacher = teacher

    @abstractmethod
    def term(self, strategy: Any, output: Any, teacher_output: Any) -> Tensor:
        """The term on the current batch, a scalar, before it is weighted."""

    def before_training(self, strategy: Any, **kwargs: Any) -> None:
        """Find the teacher that the other plugins hold."""
        if self.teacher is None:
            self.teacher = shared_teacher(strategy)

    def before_backward(self, strategy: Any, **kwargs: Any) -> None:
        """Add the weighted term to the loss."""
        if self.teacher is not None and self.teacher.model is not None:
            teacher_output = self.teacher(strategy.mb_x)
            strategy.loss += self.weight * self.term(strategy, strategy.mb_output, teacher_output)

    def after_training_iteration(self, strategy: Any, **kwargs: Any) -> None:
        """Free the teacher's output."""
        if self.teacher is not None:
            self.teacher.forget()

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Take the teacher of the next step."""
        if self.teacher is not None:
            self.teacher.update(strategy.model, strategy.clock.train_exp_counter)


class UnbiasedDistillationPlugin(TeacherPlugin):
    """MiB's distillation term on the main output, at the size of the label map.

    See :func:`avalanche_seg.losses.unbiased_distillation`.

    Args:
        weight: lambda; 10 as published (100 on 15-5s).
        alpha: factor on the teacher's logits.
        teacher: default the one that the strategy's plugins share.
    """

    def __init__(
        self, weight: float = 10.0, *, alpha: float = 1.0, teacher: Teacher | None = None
    ) -> None:
        super().__init__(weight, teacher=teacher)
        self.alpha = alpha

    def term(self, strategy: Any, output: Any, teacher_output: Any) -> Tensor:
        """The unbiased distillation of the batch."""
        height, width = strategy.mb_y.shape[-2:]
        return unbiased_distillation(
            output.logits, teacher_output.logits, size=(height, width), alpha=self.alpha
        )
