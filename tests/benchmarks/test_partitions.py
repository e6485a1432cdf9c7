"""Which partition a benchmark takes; those by name are in test_incremental.py too."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from avalanche_seg.benchmarks.partitions import partition_of
from avalanche_seg.datasets import SegmentationFiles
from tests.insects import benchmark

STEPS = ((1, 2), (3,), (4,))


def test_given_named_of_the_task_or_none(devkit: SegmentationFiles) -> None:
    lists = [[0], [1], [2]]
    files = dataclasses.replace(
        devkit, partitions={"2-1": lists, "made": lambda presence, steps: [[len(presence)], steps]}
    )
    presence = np.zeros((7, 256), dtype=bool)

    def chosen(partition: Any, task: Any) -> Any:
        return partition_of(files, partition, presence, STEPS, task=task)

    assert chosen([[5], [6], [4]], "2-1") == [[5], [6], [4]]
    assert chosen("made", "2-1") == [[7], STEPS]
    assert chosen(None, "2-1") == lists
    assert chosen(None, "1-1") is chosen(None, None) is chosen(None, [[1], [2]]) is None
    with pytest.raises(ValueError, match=r"names no partition of .*; expected one of 2-1, made"):
        chosen("none", None)


def test_a_partition_may_be_made_from_what_the_masks_hold(devkit: SegmentationFiles) -> None:
    def first_class_decides(presence: Any, steps: Any) -> list[list[int]]:
        first = [int(row[1:5].argmax()) + 1 if row[1:5].any() else 0 for row in presence]
        return [[i for i, shown in enumerate(first) if shown in step] for step in steps]

    files = dataclasses.replace(devkit, partitions={"first": first_class_decides})
    stream = benchmark(files, setting="partitioned", partition="first").train_stream
    shown = [list(experience.data.indices) for experience in stream]
    assert shown == [[0, 1, 2, 3, 5, 9], [4, 7], [6]]


def test_a_class_order_of_ones_own_has_no_published_partition(devkit: SegmentationFiles) -> None:
    files = dataclasses.replace(devkit, partitions={"2-1": [[0, 9], [3], [6]]})
    order = [4, 3, 2, 1]
    ours, drawn = (
        benchmark(one, setting="partitioned", class_order=order).train_stream
        for one in (files, devkit)
    )
    assert [e.data.indices.tolist() for e in ours] == [e.data.indices.tolist() for e in drawn]
