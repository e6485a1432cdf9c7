"""How many images the steps of a task have: all tasks and settings from one table of masks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from avalanche_seg.benchmarks import settings
from avalanche_seg.benchmarks.class_splits import named_order, split_classes
from avalanche_seg.benchmarks.options import Setting, Steps, Task
from avalanche_seg.benchmarks.partitions import partition_of
from avalanche_seg.datasets import MaskStatistics, SegmentationFiles
from avalanche_seg.labels import BACKGROUND

__all__ = ["StepCounts", "count_steps", "steps_of", "usual_tasks"]

# The tasks of the literature by number of foreground classes: VOC, ADE20K, Cityscapes.
_PUBLISHED: Mapping[int, tuple[str, ...]] = {
    20: ("19-1", "15-5", "15-5s", "10-10", "10-5", "10-1"),
    150: ("100-50", "100-10", "100-5", "50-50"),
    19: ("17-2", "14-5", "14-1", "10-9", "10-1"),
}
_MANY = 5  # Classes that make more than one later step worth the look.


class StepCounts(NamedTuple):
    """How many images every step of a task has.

    Attributes:
        task: as it was given.
        setting: of :data:`avalanche_seg.benchmarks.options.SETTINGS`.
        classes: new classes by step, the background left out.
        train: training images by step.
        test: test images after each step.
    """

    task: Task
    setting: str
    classes: tuple[int, ...]
    train: tuple[int, ...]
    test: tuple[int, ...]


def usual_tasks(n_foreground: int) -> tuple[str, ...]:
    """The literature's tasks for so many classes, or else such as fit.

    Example:
        >>> usual_tasks(150)
        ('100-50', '100-10', '100-5', '50-50')
        >>> usual_tasks(12), usual_tasks(2), usual_tasks(1)
        (('9-3', '9-1', '6-6', 'offline'), ('1-1', 'offline'), ('offline',))
    """
    if n_foreground in _PUBLISHED:
        return _PUBLISHED[n_foreground]
    later, half = max(1, n_foreground // 4), n_foreground // 2
    tasks = [f"{n_foreground - later}-{later}"]
    if n_foreground >= _MANY:
        tasks += [f"{n_foreground - later}-1", f"{n_foreground - half}-{half}"]
    return (*dict.fromkeys(tasks if n_foreground > 1 else []), "offline")


def steps_of(
    files: SegmentationFiles, task: Task, class_order: Sequence[int] | str | None = None
) -> Steps:
    """The dataset ids of every step of a task.

    Args:
        files: the data set.
        task: as for :func:`avalanche_seg.benchmarks.incremental_benchmark`.
        class_order: as there.

    Raises:
        ValueError: for an unknown task or order.
    """
    grammar, order = named_order(task, class_order, files.class_orders)
    return split_classes(grammar, class_ids=files.foreground_ids, class_order=order)


def count_steps(
    files: SegmentationFiles,
    of_train: MaskStatistics,
    of_test: MaskStatistics,
    task: Task,
    steps: Steps,
    setting: Setting,
) -> StepCounts:
    """Count the images of every step, as a benchmark of this task and setting would hold them.

    Args:
        files: the data set. For the setting "partitioned" its own partition of the task's name
            counts, or else a drawn one.
        of_train: statistics of the training split.
        of_test: statistics of the test split.
        task: its name, or its steps.
        steps: dataset ids by step.
        setting: which images a step sees.

    Raises:
        ValueError: for an unknown setting.
    """
    published_task = task if setting == "partitioned" else None
    train = settings.train_images(
        of_train.presence,
        steps,
        setting,
        partition=partition_of(files, None, of_train.presence, steps, task=published_task),
        background_id=None if files.zero_is == "class" else BACKGROUND,
    )
    test = (settings.seen_test_images(of_test.presence, steps, i) for i in range(len(steps)))
    new, seen, tested = (tuple(map(len, parts)) for parts in (steps, train, list(test)))
    return StepCounts(task, setting, new, seen, tested)
