"""The partition of the training images that a benchmark is asked for."""

from avalanche_seg.benchmarks.options import Steps, Task
from avalanche_seg.benchmarks.settings import BoolTable
from avalanche_seg.datasets import SegmentationFiles

__all__ = ["partition_of"]


def partition_of(
    files: SegmentationFiles,
    partition: Steps | str | None,
    presence: BoolTable,
    steps: Steps,
    *,
    task: Task | None,
) -> Steps | None:
    """The partition that was given or named, or the data set's of the task.

    Args:
        files: the data set.
        partition: image indices by step, the name of one of the data set's, or None.
        presence: bool, N x 256; training image i has a pixel of value v.
        steps: dataset ids by step.
        task: whose name may be that of a partition; None looks for none.

    Returns:
        image indices by step; None when there is none.

    Raises:
        ValueError: for an unknown name, or as the partition's rule.
    """
    if isinstance(partition, str):
        if partition not in files.partitions:
            known = ", ".join(files.partitions)
            raise ValueError(
                f"partition={partition!r} names no partition of {files.name}; "
                f"{f'expected one of {known}' if known else 'it has none'}"
            )
        named = files.partitions[partition]
    elif partition is None and isinstance(task, str) and task in files.partitions:
        named = files.partitions[task]
    else:
        return partition
    return named(presence, steps) if callable(named) else named
