"""The frozen previous model, and the terms that compare the model with it."""

from avalanche_seg.plugins.distillation.decomposed import DecomposedDistillationPlugin
from avalanche_seg.plugins.distillation.local_pod import LocalPODPlugin
from avalanche_seg.plugins.distillation.plugins import (
    DistillationPlugin,
    FeatureDistillationPlugin,
    ICaRLDistillationPlugin,
    TeacherTermPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.plugins.distillation.shared_forward import SharedForwardPlugin, SharedTeacher
from avalanche_seg.plugins.distillation.teacher import Teacher, default_forward, shared_teacher
from avalanche_seg.plugins.distillation.teacher_plugin import TeacherPlugin

__all__ = [
    "DecomposedDistillationPlugin",
    "DistillationPlugin",
    "FeatureDistillationPlugin",
    "ICaRLDistillationPlugin",
    "LocalPODPlugin",
    "SharedForwardPlugin",
    "SharedTeacher",
    "Teacher",
    "TeacherPlugin",
    "TeacherTermPlugin",
    "UnbiasedDistillationPlugin",
    "default_forward",
    "shared_teacher",
]
