"""Learning without forgetting."""

from collections.abc import Sequence
from typing import Unpack

from avalanche.core import BasePlugin
from torch import nn
from torch.optim import Optimizer

from avalanche_seg.plugins import DistillationPlugin
from avalanche_seg.training import OptimizerFactory, SegmentationTemplate, TemplateOptions

__all__ = ["LwF"]


class LwF(SegmentationTemplate):
    """LwF (Li and Hoiem, ECCV 2016): CE + 100 KD on the main output.

    Args:
        model: as in :class:`~avalanche_seg.strategies.SegmentationTemplate`.
        optimizer: likewise.
        kd_weight: factor of the distillation; 100 in MiB's comparison.
        kd_alpha: factor on the teacher's logits.
        plugins: further plugins, after the method's own.
        **options: likewise.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: Optimizer | OptimizerFactory,
        kd_weight: float = 100.0,
        kd_alpha: float = 1.0,
        plugins: Sequence[BasePlugin] | None = None,
        **options: Unpack[TemplateOptions],
    ) -> None:
        own = [DistillationPlugin(kd_weight, alpha=kd_alpha)]
        super().__init__(
            model=model,
            optimizer=optimizer,
            plugins=[*own, *(plugins or ())],
            **options,
        )
