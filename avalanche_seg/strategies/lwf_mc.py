"""Learning without forgetting, multi-class."""

from collections.abc import Sequence
from typing import Unpack

from avalanche.core import BasePlugin
from torch import nn
from torch.optim import Optimizer

from avalanche_seg.losses import BinaryCrossEntropy
from avalanche_seg.plugins import ICaRLDistillationPlugin
from avalanche_seg.training import OptimizerFactory, SegmentationTemplate, TemplateOptions

__all__ = ["LwFMC"]


class LwFMC(SegmentationTemplate):
    """LwF-MC (Rebuffi et al., CVPR 2017): BCE + 10 iCaRL distillation; BCE alone at step 0.

    Args:
        model: as in :class:`~avalanche_seg.strategies.SegmentationTemplate`.
        optimizer: likewise.
        kd_weight: factor of the distillation; 10 in MiB's comparison.
        plugins: further plugins, after the method's own.
        **options: likewise.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: Optimizer | OptimizerFactory,
        kd_weight: float = 10.0,
        plugins: Sequence[BasePlugin] | None = None,
        **options: Unpack[TemplateOptions],
    ) -> None:
        own = [ICaRLDistillationPlugin(kd_weight)]
        super().__init__(
            model=model,
            optimizer=optimizer,
            criterion=BinaryCrossEntropy(),
            plugins=[*own, *(plugins or ())],
            **options,
        )
