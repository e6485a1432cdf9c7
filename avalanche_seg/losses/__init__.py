"""Losses of incremental segmentation: pure functions, thin modules, and objectives of a step."""

from avalanche_seg.losses.annotated import AnnotatedCrossEntropy, annotated_cross_entropy
from avalanche_seg.losses.binary import (
    BinaryCrossEntropy,
    ICaRLDistillation,
    binary_cross_entropy,
    icarl_distillation,
)
from avalanche_seg.losses.classification import (
    AnnotatedClassification,
    Classification,
    CriterionObjective,
)
from avalanche_seg.losses.cross_entropy import (
    CrossEntropy,
    UnbiasedCrossEntropy,
    cross_entropy,
    unbiased_cross_entropy,
)
from avalanche_seg.losses.decomposed import (
    AuxiliaryClassification,
    DecomposedTerm,
    OldClassesTerm,
    auxiliary_binary_cross_entropy,
)
from avalanche_seg.losses.distillation import (
    Distillation,
    UnbiasedDistillation,
    distillation,
    unbiased_distillation,
)
from avalanche_seg.losses.external import AtTargetSize, Criterion, at_target_size, criterion_of_step
from avalanche_seg.losses.features import FeatureDistillation, feature_distillation
from avalanche_seg.losses.label_guided import (
    LabelGuidedDistillationTerm,
    label_guided_distillation,
)
from avalanche_seg.losses.mib import MiBLoss, mib_loss
from avalanche_seg.losses.objective import (
    DenseOutput,
    Objective,
    StepBatch,
    TeacherTerm,
    combine,
    reads_classes,
)
from avalanche_seg.losses.pod import ExtraChannels, LocalPODTerm, local_pod, merge_new_channels
from avalanche_seg.losses.pseudo_labels import (
    PseudoLabels,
    ThresholdRule,
    class_thresholds,
    count_scores,
    entropy_score,
    pseudo_labels,
    score_histograms,
)
from avalanche_seg.losses.reduction import REDUCTIONS, Reduction, weighted_reduction
from avalanche_seg.losses.teacher_terms import (
    DistillationTerm,
    FeatureDistillationTerm,
    ICaRLDistillationTerm,
    UnbiasedDistillationTerm,
)
from avalanche_seg.losses.unknown import (
    ChannelClassification,
    complete_labels,
    confident_channels,
    unknown_channels,
)

__all__ = [
    "AnnotatedClassification",
    "AnnotatedCrossEntropy",
    "AtTargetSize",
    "AuxiliaryClassification",
    "BinaryCrossEntropy",
    "ChannelClassification",
    "Classification",
    "Criterion",
    "CriterionObjective",
    "CrossEntropy",
    "DecomposedTerm",
    "DenseOutput",
    "Distillation",
    "DistillationTerm",
    "ExtraChannels",
    "FeatureDistillation",
    "FeatureDistillationTerm",
    "ICaRLDistillation",
    "ICaRLDistillationTerm",
    "LabelGuidedDistillationTerm",
    "LocalPODTerm",
    "MiBLoss",
    "Objective",
    "OldClassesTerm",
    "PseudoLabels",
    "REDUCTIONS",
    "Reduction",
    "StepBatch",
    "TeacherTerm",
    "ThresholdRule",
    "UnbiasedCrossEntropy",
    "UnbiasedDistillation",
    "UnbiasedDistillationTerm",
    "annotated_cross_entropy",
    "at_target_size",
    "auxiliary_binary_cross_entropy",
    "binary_cross_entropy",
    "class_thresholds",
    "combine",
    "complete_labels",
    "confident_channels",
    "count_scores",
    "criterion_of_step",
    "cross_entropy",
    "distillation",
    "entropy_score",
    "feature_distillation",
    "icarl_distillation",
    "label_guided_distillation",
    "local_pod",
    "merge_new_channels",
    "mib_loss",
    "pseudo_labels",
    "reads_classes",
    "score_histograms",
    "unbiased_cross_entropy",
    "unbiased_distillation",
    "unknown_channels",
    "weighted_reduction",
]
