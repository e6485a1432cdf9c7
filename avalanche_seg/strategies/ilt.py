"""Incremental learning techniques."""

from collections.abc import Sequence
from typing import Unpack

from avalanche.core import BasePlugin
from torch import nn
from torch.optim import Optimizer

from avalanche_seg.plugins import DistillationPlugin, FeatureDistillationPlugin
from avalanche_seg.training import OptimizerFactory, SegmentationTemplate, TemplateOptions

__all__ = ["ILT"]


class ILT(SegmentationTemplate):
    """ILT (Michieli and Zanuttigh, ICCV workshops 2019): CE + 100 KD + 100 feature KD.

    Args:
        model: as in :class:`~avalanche_seg.strategies.SegmentationTemplate`.
        optimizer: likewise.
        kd_weight: factor of the distillation; 100 in MiB's comparison.
        feature_weight: factor of the feature distillation; 100 in MiB's comparison, 10 in SMiB's
            BiSeNet.
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
        feature_weight: float = 100.0,
        kd_alpha: float = 1.0,
        plugins: Sequence[BasePlugin] | None = None,
        **options: Unpack[TemplateOptions],
    ) -> None:
        own = [
            DistillationPlugin(kd_weight, alpha=kd_alpha),
            FeatureDistillationPlugin(feature_weight),
        ]
        super().__init__(
            model=model,
            optimizer=optimizer,
            plugins=[*own, *(plugins or ())],
            **options,
        )
