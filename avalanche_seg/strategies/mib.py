"""Modelling the background."""

from collections.abc import Sequence
from typing import Unpack

from avalanche.core import BasePlugin
from torch import Tensor, nn
from torch.optim import Optimizer

from avalanche_seg.losses import UnbiasedCrossEntropy, mib_loss
from avalanche_seg.plugins import BalancedInitPlugin, UnbiasedDistillationPlugin
from avalanche_seg.training import OptimizerFactory, SegmentationTemplate, TemplateOptions

__all__ = ["MiB"]


class MiB(SegmentationTemplate):
    """MiB (Cermelli et al., CVPR 2020): UNCE + lambda UNKD, balanced initial classifiers.

    Step 0 is plain cross entropy. Later steps use the unbiased cross entropy on the main and the
    auxiliary outputs, and the unbiased distillation on the main output.

    Args:
        model: as in :class:`~avalanche_seg.strategies.SegmentationTemplate`.
        optimizer: likewise.
        kd_weight: lambda; 10 as published (100 on 15-5s).
        kd_alpha: factor on the teacher's logits.
        plugins: further plugins, after MiB's own.
        **options: likewise.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: Optimizer | OptimizerFactory,
        kd_weight: float = 10.0,
        kd_alpha: float = 1.0,
        plugins: Sequence[BasePlugin] | None = None,
        **options: Unpack[TemplateOptions],
    ) -> None:
        self.distillation = UnbiasedDistillationPlugin(kd_weight, alpha=kd_alpha)
        own = [BalancedInitPlugin(), self.distillation]
        super().__init__(
            model=model,
            optimizer=optimizer,
            criterion=UnbiasedCrossEntropy(),
            plugins=[*own, *(plugins or ())],
            **options,
        )

    def classification_loss(self, logits: Tensor) -> Tensor:
        """The unbiased cross entropy; on the main output in one pass with the distillation."""
        teacher = self.distillation.teacher
        if self.n_old == 0 or teacher is None or logits is not self.mb_output.logits:
            return super().classification_loss(logits)
        old = teacher(self.mb_x, self.run_model).logits
        alpha = self.distillation.alpha
        ce, kd = mib_loss(logits, self.mb_y, old, n_old=self.n_old, teacher_scale=alpha)
        self.distillation.provide(logits, kd)
        return ce
