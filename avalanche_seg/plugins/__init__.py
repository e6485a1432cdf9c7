"""Plugins: wires between losses, models and Avalanche's training loop."""

from avalanche_seg.plugins.balanced_init import BalancedInitPlugin
from avalanche_seg.plugins.base import SegmentationPlugin
from avalanche_seg.plugins.candidates import Exemplar
from avalanche_seg.plugins.checkpoint import CheckpointPlugin
from avalanche_seg.plugins.distillation import (
    DistillationPlugin,
    FeatureDistillationPlugin,
    ICaRLDistillationPlugin,
    TeacherPlugin,
    UnbiasedDistillationPlugin,
)
from avalanche_seg.plugins.exemplars import ClassExemplarsBuffer
from avalanche_seg.plugins.freeze import FreezePlugin
from avalanche_seg.plugins.loggers import CSVLogger
from avalanche_seg.plugins.penalty import EWCPlugin, ImportancePlugin, PIPlugin, RWPlugin
from avalanche_seg.plugins.periodic_eval import PeriodicEvalPlugin
from avalanche_seg.plugins.poly_lr import PolyLRPlugin, SchedulePlugin, StepLRPlugin
from avalanche_seg.plugins.progress import ProgressPlugin
from avalanche_seg.plugins.replay import SMiBPlugin
from avalanche_seg.plugins.teacher import Teacher
from avalanche_seg.plugins.wandb_logger import WandBLogger

__all__ = [
    "BalancedInitPlugin",
    "CSVLogger",
    "CheckpointPlugin",
    "ClassExemplarsBuffer",
    "DistillationPlugin",
    "Exemplar",
    "SMiBPlugin",
    "EWCPlugin",
    "FeatureDistillationPlugin",
    "FreezePlugin",
    "ICaRLDistillationPlugin",
    "ImportancePlugin",
    "PIPlugin",
    "PeriodicEvalPlugin",
    "PolyLRPlugin",
    "ProgressPlugin",
    "RWPlugin",
    "SchedulePlugin",
    "SegmentationPlugin",
    "StepLRPlugin",
    "Teacher",
    "TeacherPlugin",
    "UnbiasedDistillationPlugin",
    "WandBLogger",
]
