"""A data set small enough to derive everything about it by hand."""

from typing import Any

from torch import Tensor

from avalanche_seg.benchmarks import SegmentationScenario, incremental_benchmark
from avalanche_seg.benchmarks.scenario import SegmentationStream
from avalanche_seg.datasets import SegmentationFiles

CLASS_NAMES = ("background", "ant", "bee", "cricket", "drone")

MASKS = {
    "train": {
        "t0": [[0, 1, 1], [255, 1, 0]],
        "t1": [[1, 1, 2], [0, 2, 2]],
        "t2": [[2, 2, 2], [2, 255, 2]],
        "t3": [[1, 0, 3], [1, 3, 3]],
        "t4": [[3, 3, 255], [0, 0, 3]],
        "t5": [[2, 0, 0], [0, 4, 4]],
        "t6": [[4, 4, 4], [0, 4, 255]],
        "t7": [[3, 4, 3], [0, 4, 3]],
        "t8": [[0, 0, 255], [0, 0, 0]],
        "t9": [[1, 2, 3], [4, 255, 0]],
    },
    "val": {
        "v0": [[0, 1, 255], [1, 0, 0]],
        "v1": [[3, 3, 0], [0, 3, 0]],
        "v2": [[2, 4, 0], [2, 4, 255]],
        "v3": [[0, 0, 0], [0, 0, 255]],
        "v4": [[4, 0, 4], [4, 4, 0]],
    },
}

# Task "2-1": ant and bee, then cricket, then drone.
TRAIN_IMAGES = {
    "overlapped": [[0, 1, 2, 3, 5, 9], [3, 4, 7, 9], [5, 6, 7, 9]],
    "disjoint": [[0, 1, 2], [3, 4], [5, 6, 7, 9]],
    "sequential": [[0, 1, 2], [3, 4], [5, 6, 7, 9]],
}
TEST_IMAGES = [[0, 2], [0, 1, 2], [0, 1, 2, 4]]


def keep(image: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A transform that changes nothing."""
    return image, labels


def benchmark(files: SegmentationFiles, **options: Any) -> SegmentationScenario:
    """Task "2-1", images as they are on the disk."""
    settings = {"task": "2-1", "train_transform": keep, "eval_transform": keep, "progress": False}
    return incremental_benchmark(files, **{**settings, **options})


def labels_of(stream: SegmentationStream) -> list[list[list[list[int]]]]:
    """Every label map of every step."""
    return [[labels.tolist() for _, labels in experience.dataset] for experience in stream]


def mapped(split: str, images: list[int], table: dict[int, int]) -> list[list[list[int]]]:
    """Masks of the split with every value replaced, one pixel after the other."""
    masks = list(MASKS[split].values())
    return [[[table[value] for value in row] for row in masks[i]] for i in images]
