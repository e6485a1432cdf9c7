"""Path integral."""

from collections.abc import Sequence
from typing import Unpack

from avalanche.core import BasePlugin
from torch import nn
from torch.optim import Optimizer

from avalanche_seg.plugins import PIPlugin
from avalanche_seg.training import OptimizerFactory, SegmentationTemplate, TemplateOptions

__all__ = ["PI"]


class PI(SegmentationTemplate):
    """PI (Zenke et al., ICML 2017): CE + 500 Omega.

    Args:
        model: as in :class:`~avalanche_seg.strategies.SegmentationTemplate`.
        optimizer: likewise.
        penalty_weight: factor of the penalty; 500 in MiB's comparison.
        plugins: further plugins, after the method's own.
        **options: likewise.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: Optimizer | OptimizerFactory,
        penalty_weight: float = 500.0,
        plugins: Sequence[BasePlugin] | None = None,
        **options: Unpack[TemplateOptions],
    ) -> None:
        own = [PIPlugin(penalty_weight)]
        super().__init__(
            model=model,
            optimizer=optimizer,
            plugins=[*own, *(plugins or ())],
            **options,
        )
