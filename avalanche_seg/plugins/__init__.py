"""Callbacks that connect losses, models and memories to Avalanche's training loop."""

from avalanche_seg.plugins.balanced_init import BalancedInitPlugin
from avalanche_seg.plugins.base import SegmentationPlugin, record_term
from avalanche_seg.plugins.checkpoint import (
    ArithmeticLog,
    CheckpointPlugin,
    grow,
    on_device,
    read_state,
    stateful_plugins,
    write_state,
)
from avalanche_seg.plugins.distillation import (
    DecomposedDistillationPlugin,
    DistillationPlugin,
    FeatureDistillationPlugin,
    ICaRLDistillationPlugin,
    LocalPODPlugin,
    SharedForwardPlugin,
    SharedTeacher,
    Teacher,
    TeacherPlugin,
    TeacherTermPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.plugins.epochs import EpochsPlugin
from avalanche_seg.plugins.extra_init import ExtraInitPlugin
from avalanche_seg.plugins.freeze import FreezePlugin
from avalanche_seg.plugins.growth import check_channels
from avalanche_seg.plugins.importance import EWCPlugin, ImportancePlugin, PIPlugin, RWPlugin
from avalanche_seg.plugins.lr_schedules import PolyLRPlugin, SchedulePlugin, StepLRPlugin
from avalanche_seg.plugins.objective import ObjectivePlugin, step_batch
from avalanche_seg.plugins.periodic_eval import PeriodicEvalPlugin, PevalMode
from avalanche_seg.plugins.progress import ProgressPlugin
from avalanche_seg.plugins.pseudo_labels import PseudoLabelPlugin
from avalanche_seg.plugins.replay import (
    Annotates,
    ClassExemplarsBuffer,
    Exemplar,
    ExemplarMemory,
    ImageMemory,
    ImageReplayPlugin,
    LabelMode,
    MemoryLabels,
    MemoryPolicy,
    ReplayPlugin,
    Selection,
    SMiBPlugin,
)
from avalanche_seg.plugins.targets import TargetPlugin
from avalanche_seg.plugins.unknown_labels import UnknownLabelPlugin
from avalanche_seg.plugins.weight_edit import WeightEditPlugin
from avalanche_seg.plugins.weight_fusion import WeightFusionPlugin

__all__ = [
    "Annotates",
    "ArithmeticLog",
    "BalancedInitPlugin",
    "CheckpointPlugin",
    "ClassExemplarsBuffer",
    "DecomposedDistillationPlugin",
    "DistillationPlugin",
    "EWCPlugin",
    "EpochsPlugin",
    "Exemplar",
    "ExemplarMemory",
    "ExtraInitPlugin",
    "FeatureDistillationPlugin",
    "FreezePlugin",
    "ICaRLDistillationPlugin",
    "ImageMemory",
    "ImageReplayPlugin",
    "ImportancePlugin",
    "LabelMode",
    "LocalPODPlugin",
    "MemoryLabels",
    "MemoryPolicy",
    "ObjectivePlugin",
    "PIPlugin",
    "PeriodicEvalPlugin",
    "PevalMode",
    "PolyLRPlugin",
    "ProgressPlugin",
    "PseudoLabelPlugin",
    "RWPlugin",
    "ReplayPlugin",
    "SMiBPlugin",
    "SchedulePlugin",
    "SegmentationPlugin",
    "Selection",
    "SharedForwardPlugin",
    "SharedTeacher",
    "StepLRPlugin",
    "TargetPlugin",
    "Teacher",
    "TeacherPlugin",
    "TeacherTermPlugin",
    "UnbiasedDistillationPlugin",
    "UnknownLabelPlugin",
    "WeightEditPlugin",
    "WeightFusionPlugin",
    "check_channels",
    "grow",
    "on_device",
    "read_state",
    "record_term",
    "stateful_plugins",
    "step_batch",
    "write_state",
]
