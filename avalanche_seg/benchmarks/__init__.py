"""Data sets as class-incremental Avalanche streams."""

from avalanche_seg.benchmarks.classic import (
    FolderIncremental,
    VOCIncremental,
    segmentation_benchmark,
)
from avalanche_seg.benchmarks.devkit import Devkit, Samples
from avalanche_seg.benchmarks.presets import eval_preset, train_preset
from avalanche_seg.benchmarks.scenario import SegmentationScenario
from avalanche_seg.benchmarks.synthetic import make_synthetic_voc

__all__ = [
    "Devkit",
    "FolderIncremental",
    "Samples",
    "SegmentationScenario",
    "VOCIncremental",
    "eval_preset",
    "make_synthetic_voc",
    "segmentation_benchmark",
    "train_preset",
]
