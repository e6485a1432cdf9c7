"""The training loop of dense prediction: template, objective, precision, optimizers."""

from avalanche_seg.training.optimizers import OptimizerFactory, sgd
from avalanche_seg.training.options import TemplateOptions, default_evaluator, own_plugins
from avalanche_seg.training.precision import AMP_MODES, AmpMode
from avalanche_seg.training.roles import RoleOptions, role_groups
from avalanche_seg.training.template import SegmentationTemplate

__all__ = [
    "AMP_MODES",
    "AmpMode",
    "OptimizerFactory",
    "RoleOptions",
    "SegmentationTemplate",
    "TemplateOptions",
    "default_evaluator",
    "own_plugins",
    "role_groups",
    "sgd",
]
