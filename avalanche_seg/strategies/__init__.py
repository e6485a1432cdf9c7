"""Methods: a template, a criterion and plugins."""

from avalanche_seg.strategies.fine_tuning import FineTuning
from avalanche_seg.strategies.joint import Joint
from avalanche_seg.strategies.mib import MiB
from avalanche_seg.strategies.optimizers import sgd
from avalanche_seg.strategies.template import SegmentationTemplate, default_evaluator

__all__ = ["FineTuning", "Joint", "MiB", "SegmentationTemplate", "default_evaluator", "sgd"]
