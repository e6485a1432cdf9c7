"""The frozen previous model, and the terms that compare the model with it."""

from avalanche_seg.plugins.distillation.plugins import (
    DistillationPlugin,
    FeatureDistillationPlugin,
    ICaRLDistillationPlugin,
    TeacherPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.plugins.distillation.teacher import Teacher, default_forward, shared_teacher

__all__ = [
    "DistillationPlugin",
    "FeatureDistillationPlugin",
    "ICaRLDistillationPlugin",
    "Teacher",
    "TeacherPlugin",
    "UnbiasedDistillationPlugin",
    "default_forward",
    "shared_teacher",
]
