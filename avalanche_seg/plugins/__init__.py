"""Callbacks that connect losses, models and memories to Avalanche's training loop."""

from avalanche_seg.plugins.balanced_init import BalancedInitPlugin
from avalanche_seg.plugins.base import SegmentationPlugin, record_term
from avalanche_seg.plugins.checkpoint import (
    CheckpointPlugin,
    grow,
    on_device,
    read_state,
    stateful_plugins,
    write_state,
)
from avalanche_seg.plugins.distillation import (
    DistillationPlugin,
    FeatureDistillationPlugin,
    ICaRLDistillationPlugin,
    Teacher,
    TeacherPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.plugins.freeze import FreezePlugin
from avalanche_seg.plugins.importance import EWCPlugin, ImportancePlugin, PIPlugin, RWPlugin
from avalanche_seg.plugins.lr_schedules import PolyLRPlugin, SchedulePlugin, StepLRPlugin
from avalanche_seg.plugins.periodic_eval import PeriodicEvalPlugin
from avalanche_seg.plugins.progress import ProgressPlugin
from avalanche_seg.plugins.replay import (
    LABEL_MODES,
    SELECTIONS,
    UPDATES,
    ClassExemplarsBuffer,
    Exemplar,
    SMiBPlugin,
)

__all__ = [
    "BalancedInitPlugin",
    "CheckpointPlugin",
    "ClassExemplarsBuffer",
    "DistillationPlugin",
    "EWCPlugin",
    "Exemplar",
    "FeatureDistillationPlugin",
    "FreezePlugin",
    "ICaRLDistillationPlugin",
    "ImportancePlugin",
    "LABEL_MODES",
    "PIPlugin",
    "PeriodicEvalPlugin",
    "PolyLRPlugin",
    "ProgressPlugin",
    "RWPlugin",
    "SELECTIONS",
    "SMiBPlugin",
    "SchedulePlugin",
    "SegmentationPlugin",
    "StepLRPlugin",
    "Teacher",
    "TeacherPlugin",
    "UPDATES",
    "UnbiasedDistillationPlugin",
    "grow",
    "on_device",
    "read_state",
    "record_term",
    "stateful_plugins",
    "write_state",
]
