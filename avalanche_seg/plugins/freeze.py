"""Parts of the model that do not learn."""

from typing import Any

from torch import nn

from avalanche_seg.models import IncrementalHead
from avalanche_seg.plugins.base import SegmentationPlugin

__all__ = ["FreezePlugin"]


class FreezePlugin(SegmentationPlugin):
    """Freezes batch norm, or everything but the heads.

    Args:
        batch_norm: keep the statistics of every batch norm as they are, and use them.
        body: from the second step on, train the incremental heads alone.
    """

    def __init__(self, *, batch_norm: bool = False, body: bool = False) -> None:
        super().__init__()
        self.batch_norm = batch_norm
        self.body = body
        self._frozen: list[nn.Parameter] = []

    def before_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Freeze the body; an optimizer leaves parameters without gradient as they are."""
        if not self.body or not strategy.experience.previous_classes:
            return
        heads = [m for m in strategy.model.modules() if isinstance(m, IncrementalHead)]
        kept = {id(parameter) for head in heads for parameter in head.parameters()}
        for parameter in strategy.model.parameters():
            if parameter.requires_grad and id(parameter) not in kept:
                self._frozen.append(parameter.requires_grad_(False))

    def after_training_exp(self, strategy: Any, **kwargs: Any) -> None:
        """Thaw the body, so that every step makes the same optimizer."""
        for parameter in self._frozen:
            parameter.requires_grad_(True)
        self._frozen = []

    def before_training_epoch(self, strategy: Any, **kwargs: Any) -> None:
        """Put batch norm in evaluation mode; Avalanche puts the model in training mode a step."""
        if not self.batch_norm:
            return
        for module in strategy.model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
