"""The training loop of dense prediction: template, objective, precision, optimizers."""

from avalanche_seg.training.channels import check_channels_of
from avalanche_seg.training.optimizers import OptimizerFactory, sgd, with_roles
from avalanche_seg.training.options import TemplateOptions, default_evaluator, own_plugins
from avalanche_seg.training.precision import AMP_MODES, AmpMode, resolve_amp
from avalanche_seg.training.roles import RoleOptions, role_groups
from avalanche_seg.training.template import SegmentationTemplate

__all__ = [
    "AMP_MODES",
    "AmpMode",
    "OptimizerFactory",
    "RoleOptions",
    "SegmentationTemplate",
    "TemplateOptions",
    "check_channels_of",
    "default_evaluator",
    "own_plugins",
    "resolve_amp",
    "role_groups",
    "sgd",
    "with_roles",
]
