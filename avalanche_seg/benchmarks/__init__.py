"""Data sets as class-incremental Avalanche streams."""

from avalanche_seg.benchmarks.ade20k import ADE20KIncremental
from avalanche_seg.benchmarks.cityscapes import CityscapesDomains, CityscapesIncremental
from avalanche_seg.benchmarks.class_splits import split_classes
from avalanche_seg.benchmarks.classic import (
    FolderIncremental,
    VOCIncremental,
    with_full_signature,
)
from avalanche_seg.benchmarks.data_report import DataReport, Finding, Severity, check_data
from avalanche_seg.benchmarks.domain_incremental import domain_incremental_benchmark
from avalanche_seg.benchmarks.domain_splits import DOMAIN_SPLITS, DomainSplit, DomainTask
from avalanche_seg.benchmarks.incremental import incremental_benchmark
from avalanche_seg.benchmarks.model_input import model_input
from avalanche_seg.benchmarks.options import (
    OLD_LABELS,
    SETTINGS,
    TEST_UNSEEN,
    TRAIN_VOID,
    BenchmarkOptions,
    OldLabels,
    Setting,
    TestUnseen,
    TrainVoid,
)
from avalanche_seg.benchmarks.presets import eval_preset, train_preset
from avalanche_seg.benchmarks.scenario import (
    ExperienceData,
    SegmentationExperience,
    SegmentationScenario,
    SegmentationStream,
)
from avalanche_seg.benchmarks.step_counts import StepCounts, usual_tasks

__all__ = [
    "ADE20KIncremental",
    "BenchmarkOptions",
    "DataReport",
    "CityscapesDomains",
    "CityscapesIncremental",
    "DOMAIN_SPLITS",
    "DomainSplit",
    "DomainTask",
    "ExperienceData",
    "Finding",
    "FolderIncremental",
    "OLD_LABELS",
    "OldLabels",
    "SETTINGS",
    "SegmentationExperience",
    "SegmentationScenario",
    "SegmentationStream",
    "Setting",
    "Severity",
    "StepCounts",
    "TEST_UNSEEN",
    "TRAIN_VOID",
    "TestUnseen",
    "TrainVoid",
    "VOCIncremental",
    "check_data",
    "domain_incremental_benchmark",
    "eval_preset",
    "incremental_benchmark",
    "model_input",
    "split_classes",
    "train_preset",
    "usual_tasks",
    "with_full_signature",
]
