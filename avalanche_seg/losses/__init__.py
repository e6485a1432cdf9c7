"""Losses of incremental segmentation: pure functions, and thin modules around them."""

from avalanche_seg.losses.cross_entropy import (
    CrossEntropy,
    UnbiasedCrossEntropy,
    cross_entropy,
    unbiased_cross_entropy,
)
from avalanche_seg.losses.distillation import UnbiasedDistillation, unbiased_distillation

__all__ = [
    "CrossEntropy",
    "UnbiasedCrossEntropy",
    "UnbiasedDistillation",
    "cross_entropy",
    "unbiased_cross_entropy",
    "unbiased_distillation",
]
