"""Losses of incremental segmentation: pure functions, and thin Modules around them.

They take logits at the model's own stride and resize them tile by tile. Their gradients are
computed in the same pass; with ``create_graph=True`` they can be differentiated again, by the plain
formula at full size.
"""

from avalanche_seg.losses.annotated import AnnotatedCrossEntropy, annotated_cross_entropy
from avalanche_seg.losses.binary import (
    BinaryCrossEntropy,
    ICaRLDistillation,
    binary_cross_entropy,
    icarl_distillation,
)
from avalanche_seg.losses.cross_entropy import (
    CrossEntropy,
    UnbiasedCrossEntropy,
    cross_entropy,
    unbiased_cross_entropy,
)
from avalanche_seg.losses.distillation import (
    Distillation,
    UnbiasedDistillation,
    distillation,
    unbiased_distillation,
)
from avalanche_seg.losses.external import AtTargetSize, at_target_size
from avalanche_seg.losses.features import FeatureDistillation, feature_distillation
from avalanche_seg.losses.mib import MiBLoss, mib_loss
from avalanche_seg.losses.reduction import REDUCTIONS, Reduction, weighted_reduction

__all__ = [
    "AnnotatedCrossEntropy",
    "AtTargetSize",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Distillation",
    "FeatureDistillation",
    "ICaRLDistillation",
    "MiBLoss",
    "REDUCTIONS",
    "Reduction",
    "UnbiasedCrossEntropy",
    "UnbiasedDistillation",
    "annotated_cross_entropy",
    "at_target_size",
    "binary_cross_entropy",
    "cross_entropy",
    "distillation",
    "feature_distillation",
    "icarl_distillation",
    "mib_loss",
    "unbiased_cross_entropy",
    "unbiased_distillation",
    "weighted_reduction",
]
