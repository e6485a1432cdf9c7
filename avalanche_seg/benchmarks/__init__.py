"""Data sets as class-incremental Avalanche streams."""

from avalanche_seg.benchmarks.class_splits import split_classes
from avalanche_seg.benchmarks.classic import (
    FolderIncremental,
    VOCIncremental,
    segmentation_benchmark,
)
from avalanche_seg.benchmarks.presets import eval_preset, train_preset
from avalanche_seg.benchmarks.scenario import (
    ExperienceData,
    SegmentationExperience,
    SegmentationScenario,
    SegmentationStream,
)
from avalanche_seg.benchmarks.settings import OLD_LABELS, SETTINGS

__all__ = [
    "ExperienceData",
    "FolderIncremental",
    "OLD_LABELS",
    "SETTINGS",
    "SegmentationExperience",
    "SegmentationScenario",
    "SegmentationStream",
    "VOCIncremental",
    "eval_preset",
    "segmentation_benchmark",
    "split_classes",
    "train_preset",
]
