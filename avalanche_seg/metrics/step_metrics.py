"""The step metrics that have a name on the command line."""

from collections.abc import Callable
from typing import Final

from avalanche_seg.metrics.boundary_iou import BoundaryIoU
from avalanche_seg.metrics.evaluation import StepMetric

__all__ = ["METRICS"]

METRICS: Final[dict[str, Callable[[], StepMetric]]] = {"boundary_iou": BoundaryIoU}
"""Makers of step metrics by name; what is listed here ``--metrics`` offers."""
