"""Plugins: wires between losses, models and Avalanche's training loop."""

from avalanche_seg.plugins.balanced_init import BalancedInitPlugin
from avalanche_seg.plugins.distillation import TeacherPlugin, UnbiasedDistillationPlugin
from avalanche_seg.plugins.periodic_eval import PeriodicEvalPlugin
from avalanche_seg.plugins.poly_lr import PolyLRPlugin
from avalanche_seg.plugins.progress import ProgressPlugin
from avalanche_seg.plugins.teacher import Teacher

__all__ = [
    "BalancedInitPlugin",
    "PeriodicEvalPlugin",
    "PolyLRPlugin",
    "ProgressPlugin",
    "Teacher",
    "TeacherPlugin",
    "UnbiasedDistillationPlugin",
]
