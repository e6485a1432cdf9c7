"""The training loop of dense prediction: template, precision, parallelism, optimizers."""

from avalanche_seg.training.optimizers import OptimizerFactory, sgd
from avalanche_seg.training.options import TemplateOptions, default_evaluator
from avalanche_seg.training.precision import AMP_MODES
from avalanche_seg.training.template import SegmentationTemplate

__all__ = [
    "AMP_MODES",
    "OptimizerFactory",
    "SegmentationTemplate",
    "TemplateOptions",
    "default_evaluator",
    "sgd",
]
