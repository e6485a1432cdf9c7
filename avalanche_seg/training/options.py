"""What every strategy takes besides model, optimizer and weights."""

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import torch
from avalanche.evaluation.metrics import loss_metrics
from avalanche.logging import InteractiveLogger
from avalanche.training.plugins import EvaluationPlugin

from avalanche_seg.metrics import loss_term_metrics, mean_iou_metrics

__all__ = ["TemplateOptions", "default_evaluator"]


def default_evaluator() -> EvaluationPlugin:
    """IoU, loss and the loss's terms, printed by an ``InteractiveLogger``."""
    return EvaluationPlugin(
        mean_iou_metrics(),
        loss_metrics(epoch=True, experience=True),
        loss_term_metrics(),
        loggers=[InteractiveLogger()],
    )


class TemplateOptions(TypedDict, total=False):
    """The keyword arguments every strategy shares; see :class:`SegmentationTemplate`."""

    train_mb_size: int
    train_epochs: int
    eval_mb_size: int | None
    device: str | torch.device
    evaluator: EvaluationPlugin | Callable[[], EvaluationPlugin] | None
    eval_every: int
    peval_mode: str
    loader: Mapping[str, Any] | None
    channels_last: bool
    amp: str
    accumulate: int
    compile: bool
