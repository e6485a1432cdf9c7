"""SSUL's labels: an unknown channel, and old classes where the previous model is sure."""

from typing import Any

import torch
from torch import Tensor

from avalanche_seg.losses import StepBatch, complete_labels, confident_channels, unknown_channels
from avalanche_seg.plugins.targets import TargetPlugin
from avalanche_seg.system import check_number, shown

__all__ = ["UnknownLabelPlugin"]


class UnknownLabelPlugin(TargetPlugin):
    """Labels become channels of [unknown, background, classes], as SSUL has them.

    Of SSUL (Cha et al., NeurIPS 2021, section 3.2). Salient background is unknown; from step 1 on,
    unknown and background become the previous model's most probable channel where that is a class
    with a sigmoid of at least the threshold. Beside an objective of channels, such as
    :class:`~avalanche_seg.losses.ChannelClassification`. Labels should keep void as void:
    ``train_void="ignore"`` of a benchmark.

    Args:
        saliency: name of the samples' extra that tells salient pixels, 0 elsewhere; None: all
            background is unknown, as SSUL has it on ADE20K.
        threshold: least sigmoid of a pseudo-label, 0..1.

    Images whose extra "raw_labels" is True keep their labels for channels: with class labels each
    of their classes teaches the channel before its own, as in SSUL-M's published code.

    Raises:
        ValueError: for a threshold out of range; before a step's first update, when the samples
            lack the extra.
    """

    def __init__(
        self,
        *,
        saliency: str | None = None,
        threshold: float = 0.7,
    ) -> None:
        super().__init__(first_step=0, progress=False)
        if saliency is not None and not (isinstance(saliency, str) and saliency):
            raise ValueError(
                f"saliency={shown(saliency)}; expected the name of an extra of the samples, such "
                "as 'saliency', or None"
            )
        self.saliency = saliency
        self.threshold = check_number("pseudo_threshold", threshold, most=1)

    def targets(self, batch: StepBatch) -> tuple[Tensor, Tensor | None]:
        """The channels to learn from."""
        channels = unknown_channels(batch.target, self._salient(batch))
        if "raw_labels" in batch.extras:
            raw = batch.extras["raw_labels"].view(-1, 1, 1)
            channels = torch.where(raw, batch.target, channels)
        if batch.teacher is None:
            return channels, None
        sure = confident_channels(batch.teacher.logits, batch.size, threshold=self.threshold)
        return complete_labels(channels, sure), None

    def _salient(self, batch: StepBatch) -> Tensor | None:
        if self.saliency is None:
            return None
        if self.saliency not in batch.extras:
            known: Any = ", ".join(batch.extras) or "none"
            raise ValueError(
                f"saliency={self.saliency!r}: the samples have the extras {known}; expected a map "
                "of that name: describe the data with Split(extras=...) or with_extra_maps(), or "
                "say saliency=None, which takes all background for unknown"
            )
        return batch.extras[self.saliency] > 0
