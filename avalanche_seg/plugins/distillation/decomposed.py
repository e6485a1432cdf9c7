"""DKD's distillation of logits in two parts, as a plugin."""

from typing import Any

from avalanche_seg.losses import DecomposedTerm
from avalanche_seg.models import SegmentationModel
from avalanche_seg.plugins.base import check_weight
from avalanche_seg.plugins.distillation.plugins import TeacherTermPlugin
from avalanche_seg.plugins.distillation.teacher import Teacher

__all__ = ["DecomposedDistillationPlugin"]

_TAPS = {"head+", "head-"}


class DecomposedDistillationPlugin(TeacherTermPlugin):
    """DKD's distillation of positive and negative reasoning (Baek et al., NeurIPS 2022).

    See :class:`avalanche_seg.losses.DecomposedTerm`. While it trains, the model gives the taps
    "head+" and "head-".

    Args:
        weight: factor of either part; 5 as published.
        teacher: default the one that the strategy's plugins share.

    Raises:
        ValueError: for a weight that is negative or not finite; in training, before step 0, for a
            model whose main head is no 1x1 convolution.
    """

    def __init__(self, weight: float = 5.0, *, teacher: Teacher | None = None) -> None:
        super().__init__(DecomposedTerm(check_weight(weight)), teacher=teacher)
        self._before: frozenset[str] | None = None

    def before_training(self, strategy: Any, **kwargs: Any) -> None:
        """Ask the model for the parts; the teacher is a copy of it."""
        if isinstance(strategy.model, SegmentationModel):
            self._before = strategy.model.taps
            strategy.model.taps = self._before | _TAPS

    def after_training(self, strategy: Any, **kwargs: Any) -> None:
        """Leave the model as it was."""
        if self._before is not None:
            strategy.model.taps = self._before
