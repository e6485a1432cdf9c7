"""MiB with exemplars."""

from collections.abc import Sequence
from typing import Unpack

from avalanche.core import BasePlugin
from torch import Tensor, nn
from torch.optim import Optimizer

from avalanche_seg.losses import CrossEntropy, annotated_cross_entropy
from avalanche_seg.plugins import (
    BalancedInitPlugin,
    ClassExemplarsBuffer,
    SMiBPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.training import OptimizerFactory, SegmentationTemplate, TemplateOptions

__all__ = ["SMiB"]


class SMiB(SegmentationTemplate):
    """SMiB: CE + lambda UNKD on new images plus exemplars, balanced initial classifiers.

    As published it takes a benchmark with ``old_labels="visible"``; exemplars show every class seen
    so far.

    Args:
        model: as in :class:`~avalanche_seg.strategies.SegmentationTemplate`.
        optimizer: likewise.
        n_exemplars: exemplars a class, {5, 15, 25, 50, 100} in the report.
        kd_weight: lambda; 10 as published (100 on 15-5s).
        kd_alpha: factor on the teacher's logits.
        selection, labels, update: of the memory, see
            :class:`~avalanche_seg.plugins.ClassExemplarsBuffer`; labels default to "visible",
            "stored" when strict.
        share: None for the union; else the share of every batch that is exemplars.
        strict: never show an old label in a new image, nor a new one in an exemplar: exemplars keep
            the labels of their step, and the loss is the generalised unbiased cross entropy (see
            :func:`avalanche_seg.losses.annotated_cross_entropy`).
        seed: of the random selection.
        plugins: further plugins, after SMiB's own.
        **options: likewise.

    Raises:
        ValueError: when strict and ``labels="visible"``, and as the memory and its plugin do.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: Optimizer | OptimizerFactory,
        n_exemplars: int = 5,
        kd_weight: float = 10.0,
        kd_alpha: float = 1.0,
        selection: str = "random",
        labels: str | None = None,
        update: str = "extend",
        share: float | None = None,
        strict: bool = False,
        seed: int = 0,
        plugins: Sequence[BasePlugin] | None = None,
        **options: Unpack[TemplateOptions],
    ) -> None:
        if strict and labels == "visible":
            raise ValueError("strict=True contradicts labels='visible'; leave one of them out")
        buffer = ClassExemplarsBuffer(
            n_exemplars,
            selection=selection,
            labels=labels or ("stored" if strict else "visible"),
            update=update,
            seed=seed,
        )
        self.memory = SMiBPlugin(buffer, share=share, strict=strict)
        own = [
            BalancedInitPlugin(),
            UnbiasedDistillationPlugin(kd_weight, alpha=kd_alpha),
            self.memory,
        ]
        super().__init__(
            model=model,
            optimizer=optimizer,
            criterion=CrossEntropy(),
            plugins=[*own, *(plugins or ())],
            **options,
        )

    def classification_loss(self, logits: Tensor) -> Tensor:
        """Cross entropy; strict: unbiased by what each image annotates."""
        if not self.memory.strict or self.n_old == 0:
            return super().classification_loss(logits)
        annotated: Tensor = self.mbatch[2]["annotated"][:, : logits.shape[1]]
        return annotated_cross_entropy(logits, self.mb_y, annotated)
