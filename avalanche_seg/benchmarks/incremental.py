"""From the description of a data set to class-incremental streams."""

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from avalanche_seg.benchmarks import data_checks, settings
from avalanche_seg.benchmarks.class_splits import named_order, split_classes
from avalanche_seg.benchmarks.label_maps import seen_label_map, train_label_map
from avalanche_seg.benchmarks.options import (
    OldLabels,
    Setting,
    Steps,
    Task,
    TestUnseen,
    TrainVoid,
    Transform,
    check_options,
)
from avalanche_seg.benchmarks.partitions import partition_of
from avalanche_seg.benchmarks.presets import eval_preset, train_preset
from avalanche_seg.benchmarks.scenario import (
    ExperienceData,
    SegmentationScenario,
    SegmentationStream,
    transform_groups,
)
from avalanche_seg.benchmarks.sources import described
from avalanche_seg.datasets import (
    SegmentationFiles,
    image_cache,
    mask_statistics,
)
from avalanche_seg.labels import BACKGROUND, LabelSpace
from avalanche_seg.system import is_main

__all__ = ["incremental_benchmark"]


def incremental_benchmark(
    files_or_name: SegmentationFiles | str,
    root: str | Path | None = None,
    *,
    task: Task = "15-5",
    setting: Setting = "disjoint",
    train_transform: Transform | None = None,
    eval_transform: Transform | None = None,
    train_void: TrainVoid = "background",
    test_unseen: TestUnseen = "ignore",
    old_labels: OldLabels = "hidden",
    class_order: Sequence[int] | str | None = None,
    partition: Steps | str | None = None,
    val_fraction: float = 0.0,
    seed: int = 0,
    progress: bool = True,
    cache_images: bool = False,
) -> SegmentationScenario:
    """Class-incremental segmentation streams over any data set.

    Args:
        files_or_name: class names and files, from a reader of this package or of your own; or the
            name of a reader, one of :data:`avalanche_seg.datasets.READERS`.
        root: with a name, the folder the reader looks in; else left out.
        task: a name such as "15-5", "15-5s", "10-1", "offline", or explicit lists of dataset ids;
            see :mod:`avalanche_seg.benchmarks.class_splits`. "15-1_b" cuts the data set's class
            order "b".
        setting: which images a step sees: "disjoint", "overlapped", "sequential" or "partitioned";
            see :func:`avalanche_seg.benchmarks.settings.train_images`.
        train_transform: callable of (image, labels); default :func:`presets.train_preset`. With
            extra maps it is called with (image, labels, maps).
        eval_transform: the same for evaluation; default :func:`presets.eval_preset`.
        train_void: what void pixels become in training. "background" reproduces MiB's code, and so
            every MiB number; "ignore" keeps them void, as PLOP, SSUL and DKD do.
        test_unseen: what classes not seen yet become in the test masks: "ignore" (void, as in MiB)
            or "background" (PLOP, DKD). Once every class is learned both agree.
        old_labels: "hidden": a step annotates its new classes only. "visible": the classes of the
            earlier steps as well (SMiB's published numbers use overlapped with visible).
        class_order: a permutation of the foreground ids that a named task cuts into steps, or the
            name of one of the data set's.
        partition: for the setting "partitioned": image indices by step, or the name of one of the
            data set's partitions. None takes the data set's partition of the task's name, unless
            there is a ``class_order``, or else a seeded draw.
        val_fraction: share of each step's training images held out as ``valid_stream``.
        seed: seed of the held-out share and of the drawn partition.
        progress: show a progress bar while the masks are scanned the first time.
        cache_images: decode every image, mask and extra once, before training, into a file of the
            cache folder that later runs find as well; see
            :mod:`avalanche_seg.datasets.image_cache`. Samples are the same.

    Returns:
        A benchmark with ``train_stream``, ``test_stream`` (and ``valid_stream``), ``n_classes``,
        ``class_names``, ``class_ids`` and ``palette``. Samples are uint8 unless a transform
        converts them.

    Raises:
        ValueError: for an unknown data set, task, setting or label mode, a bad file (by name), a
            step with no image, a cache without free space. Every mask is checked before this
            returns.

    Warns:
        UserWarning: with the number and an example, of images that are in both splits, of classes
            without a training pixel, of masks that hold 0 and 255 alone, and of images that EXIF
            turns.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     benchmark = incremental_benchmark(
        ...         "synthetic", folder, task="15-1", setting="overlapped", progress=False
        ...     )
        >>> len(benchmark.train_stream), benchmark.n_classes, benchmark.class_names[16]
        (6, 21, 'pottedplant')
        >>> benchmark.train_stream[2].test.classes_seen_so_far[-1]
        17
    """
    check_options(
        setting=setting, old_labels=old_labels, train_void=train_void, test_unseen=test_unseen
    )
    files = described(files_or_name, root)
    grammar, order = named_order(task, class_order, files.class_orders)
    steps = split_classes(grammar, class_ids=files.foreground_ids, class_order=order)
    space = LabelSpace(steps, files.class_names, files.zero_is)
    # A published partition is that of the task's own class order.
    published_task = task if setting == "partitioned" and class_order is None else None
    splits = (files.train, files.test)
    train_statistics, test_statistics = (
        mask_statistics(split, progress=progress) for split in splits
    )
    chosen = settings.train_images(
        train_statistics.presence,
        steps,
        setting,
        partition=partition_of(
            files, partition, train_statistics.presence, steps, task=published_task
        ),
        seed=seed,
        background_id=None if files.zero_is == "class" else BACKGROUND,
    )
    data_checks.check_no_step_is_empty(files, steps, chosen, setting, train_statistics)
    train, valid = settings.hold_out(chosen, val_fraction, n_images=len(files.train), seed=seed)
    for message in data_checks.split_warnings(
        files, steps, train, train_statistics, test_statistics
    ):
        if is_main():  # Of several processes one says it.
            warnings.warn(message, stacklevel=2)
    label_map_of_steps = partial(train_label_map, space, train_void=train_void)
    groups = transform_groups(train_transform or train_preset(), eval_transform or eval_preset())
    of_train, of_test = (
        partial(
            ExperienceData,
            split=split,
            counts=statistics.counts,
            digests=statistics.digests,
            groups=groups,
            label_map_of_steps=label_map_of_steps,
            cache=image_cache(split, statistics, progress=progress) if cache_images else None,
        )
        for split, statistics in zip(splits, (train_statistics, test_statistics), strict=True)
    )

    def train_data(indices: list[settings.Indices], group: str, step: int) -> ExperienceData:
        table = label_map_of_steps(settings.visible_steps(setting, old_labels, step))
        return of_train(indices=indices[step], label_map=table, group=group)

    def test_data(step: int) -> ExperienceData:
        indices = settings.seen_test_images(test_statistics.presence, steps, step)
        if len(indices) == 0:
            raise ValueError(
                f"{files.test.root}: the split {files.test.name} has no image of the classes "
                f"seen at step {step}; choose another task or class order"
                f"{data_checks.two_valued_hint(test_statistics)}"
            )
        table = seen_label_map(space, step, test_unseen=test_unseen)
        return of_test(indices=indices, label_map=table, group="eval")

    test_data(0)  # The smallest test set: raise now rather than after the first step's training.
    streams = [
        SegmentationStream("train", space, partial(train_data, train, "train")),
        SegmentationStream("test", space, test_data),
    ]
    if val_fraction > 0:
        streams.append(SegmentationStream("valid", space, partial(train_data, valid, "eval")))
    return SegmentationScenario(streams, space, files.palette, value_range=files.value_range)
