"""Measures of incremental segmentation."""

from avalanche_seg.metrics.confusion_matrix import ConfusionMatrix, confusion_matrix
from avalanche_seg.metrics.iou import (
    class_accuracy,
    class_groups,
    class_iou,
    forgetting,
    pixel_accuracy,
    summarize,
)
from avalanche_seg.metrics.loss_terms import LossTerms, loss_term_metrics
from avalanche_seg.metrics.mean_iou import MeanIoU, mean_iou_metrics
from avalanche_seg.metrics.report import RunReport, StepReport

__all__ = [
    "ConfusionMatrix",
    "LossTerms",
    "MeanIoU",
    "RunReport",
    "StepReport",
    "class_accuracy",
    "class_groups",
    "class_iou",
    "confusion_matrix",
    "forgetting",
    "loss_term_metrics",
    "mean_iou_metrics",
    "pixel_accuracy",
    "summarize",
]
