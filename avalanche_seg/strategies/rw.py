"""Riemannian walk."""

from collections.abc import Sequence
from typing import Unpack

from avalanche.core import BasePlugin
from torch import nn
from torch.optim import Optimizer

from avalanche_seg.plugins import RWPlugin
from avalanche_seg.training import OptimizerFactory, SegmentationTemplate, TemplateOptions

__all__ = ["RW"]


class RW(SegmentationTemplate):
    """RW (Chaudhry et al., ECCV 2018): CE + 100 Omega.

    Args:
        model: as in :class:`~avalanche_seg.strategies.SegmentationTemplate`.
        optimizer: likewise.
        penalty_weight: factor of the penalty; 100 in MiB's comparison.
        decay: weight of the newest squared gradient.
        interval: iterations between two points of the path.
        plugins: further plugins, after the method's own.
        **options: likewise.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: Optimizer | OptimizerFactory,
        penalty_weight: float = 100.0,
        decay: float = 0.9,
        interval: int = 10,
        plugins: Sequence[BasePlugin] | None = None,
        **options: Unpack[TemplateOptions],
    ) -> None:
        own = [RWPlugin(penalty_weight, decay=decay, interval=interval)]
        super().__init__(
            model=model,
            optimizer=optimizer,
            plugins=[*own, *(plugins or ())],
            **options,
        )
