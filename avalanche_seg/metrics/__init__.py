"""Measures of incremental segmentation."""

from avalanche_seg.metrics.boundary_iou import BoundaryIoU
from avalanche_seg.metrics.confusion_matrix import ConfusionMatrix, confusion_matrix
from avalanche_seg.metrics.domain_iou import DomainIoU
from avalanche_seg.metrics.evaluation import EvalBatch, StepMetric
from avalanche_seg.metrics.figures import (
    ConfusionMatrixFigure,
    optional_picture,
    render,
    shown_name,
)
from avalanche_seg.metrics.iou import (
    class_accuracy,
    class_groups,
    class_iou,
    forgetting,
    pixel_accuracy,
    protocol_means,
)
from avalanche_seg.metrics.loss_terms import LossTerms, loss_term_metrics
from avalanche_seg.metrics.mean_iou import MeanIoU, mean_iou_metrics
from avalanche_seg.metrics.mean_loss import mean_loss_metrics
from avalanche_seg.metrics.report import RunReport, StepReport
from avalanche_seg.metrics.samples import SamplePredictions
from avalanche_seg.metrics.step_metrics import METRICS

__all__ = [
    "BoundaryIoU",
    "ConfusionMatrix",
    "ConfusionMatrixFigure",
    "DomainIoU",
    "EvalBatch",
    "LossTerms",
    "METRICS",
    "MeanIoU",
    "RunReport",
    "SamplePredictions",
    "StepMetric",
    "StepReport",
    "class_accuracy",
    "class_groups",
    "class_iou",
    "confusion_matrix",
    "forgetting",
    "loss_term_metrics",
    "mean_iou_metrics",
    "mean_loss_metrics",
    "optional_picture",
    "pixel_accuracy",
    "protocol_means",
    "render",
    "shown_name",
]
