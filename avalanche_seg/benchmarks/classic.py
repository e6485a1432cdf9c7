"""The doors users call: a devkit folder in, a benchmark out."""

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from avalanche_seg.benchmarks import settings
from avalanche_seg.benchmarks.class_splits import Task, split_classes
from avalanche_seg.benchmarks.label_maps import check_label_modes, seen_label_map, train_label_map
from avalanche_seg.benchmarks.presets import eval_preset, train_preset
from avalanche_seg.benchmarks.scenario import (
    ExperienceData,
    SegmentationScenario,
    SegmentationStream,
    transform_groups,
)
from avalanche_seg.datasets import (
    SegmentationFiles,
    check_cache,
    download_voc,
    image_cache,
    mask_statistics,
    read_folder,
    read_voc,
)
from avalanche_seg.labels import LabelSpace

__all__ = ["FolderIncremental", "VOCIncremental", "segmentation_benchmark"]

Transform = Callable[..., Any]
Factory = TypeVar("Factory", bound=Callable[..., SegmentationScenario])


class BenchmarkOptions(TypedDict, total=False):
    """The keyword arguments that every benchmark shares; see :func:`segmentation_benchmark`."""

    task: Task
    setting: str
    train_transform: Transform | None
    eval_transform: Transform | None
    train_void: str
    test_unseen: str
    old_labels: str
    class_order: Sequence[int] | None
    partition: Sequence[Sequence[int]] | None
    val_fraction: float
    seed: int
    progress: bool
    cache_images: Literal[False, "memory", "disk"]


def segmentation_benchmark(
    devkit: SegmentationFiles,
    *,
    task: Task = "15-5",
    setting: str = "disjoint",
    train_transform: Transform | None = None,
    eval_transform: Transform | None = None,
    train_void: str = "background",
    test_unseen: str = "ignore",
    old_labels: str = "hidden",
    class_order: Sequence[int] | None = None,
    partition: Sequence[Sequence[int]] | None = None,
    val_fraction: float = 0.0,
    seed: int = 0,
    progress: bool = True,
    cache_images: Literal[False, "memory", "disk"] = False,
) -> SegmentationScenario:
    """Class-incremental segmentation streams over any devkit.

    Args:
        devkit: class names and files, from a reader of this package or of your own.
        task: a name such as "15-5", "15-5s", "10-1", "offline", or explicit lists of dataset ids;
            see :mod:`avalanche_seg.benchmarks.class_splits`.
        setting: which images a step sees: "disjoint", "overlapped", "sequential" or "partitioned";
            see :func:`avalanche_seg.benchmarks.settings.train_images`.
        train_transform: callable of (image, label map); default :func:`presets.train_preset`.
        eval_transform: the same for evaluation; default :func:`presets.eval_preset`.
        train_void: what void pixels become in training. "background" reproduces MiB's code, and so
            every MiB number; "ignore" keeps them void, as PLOP, SSUL and DKD do.
        test_unseen: what classes not seen yet become in the test masks: "ignore" (void, as in MiB)
            or "background" (PLOP, DKD). Once every class is learned both agree.
        old_labels: "hidden": a step annotates its new classes only. "visible": the classes of the
            earlier steps as well (SMiB's published numbers use overlapped with visible).
        class_order: a permutation of the foreground ids that a named task cuts into steps.
        partition: image indices by step, for the setting "partitioned"; default a seeded draw.
        val_fraction: share of each step's training images held out as ``valid_stream``.
        seed: seed of the held-out share and of the drawn partition.
        progress: show a progress bar while the masks are scanned the first time.
        cache_images: decode every image and mask once, before training: into "memory" that all
            worker processes share, or into a file on the "disk" for later runs as well; see
            :mod:`avalanche_seg.datasets.image_cache`. Samples are the same.

    Returns:
        A benchmark with ``train_stream``, ``test_stream`` (and ``valid_stream``), ``n_classes``,
        ``class_names`` and ``class_order``. Samples are uint8 unless a transform converts them.

    Raises:
        ValueError: for an unknown task, setting or label mode, a bad file (by name), a step with no
            image, a cache without room. Every mask is checked before this returns.
    """
    check_cache(cache_images)
    settings.check_setting(setting, old_labels)
    check_label_modes(train_void, test_unseen)
    steps = split_classes(task, n_foreground=devkit.n_foreground, class_order=class_order)
    space = LabelSpace(steps, devkit.class_names)
    train_index, test_index = (
        mask_statistics(samples, n_foreground=devkit.n_foreground, progress=progress)
        for samples in (devkit.train, devkit.test)
    )
    chosen = settings.train_images(
        train_index.presence, steps, setting, partition=partition, seed=seed
    )
    _check_no_step_is_empty(devkit, space, chosen, setting)
    train, valid = settings.hold_out(chosen, val_fraction, n_images=len(devkit.train), seed=seed)
    train_cache, test_cache = (
        image_cache(samples, index, cache_images, progress=progress) if cache_images else None
        for samples, index in ((devkit.train, train_index), (devkit.test, test_index))
    )
    label_map_of_steps = partial(train_label_map, space, train_void=train_void)
    groups = transform_groups(train_transform or train_preset(), eval_transform or eval_preset())

    def training_data(
        indices: list[settings.Indices], group: str
    ) -> Callable[[int], ExperienceData]:
        def data_of_step(step: int) -> ExperienceData:
            table = label_map_of_steps(settings.visible_steps(setting, old_labels, step))
            return ExperienceData(
                devkit.train,
                indices[step],
                table,
                train_index.counts,
                groups,
                group,
                label_map_of_steps,
                cache=train_cache,
            )

        return data_of_step

    def test_data(step: int) -> ExperienceData:
        indices = settings.seen_test_images(test_index.presence, steps, step)
        if len(indices) == 0:
            raise ValueError(
                f"{devkit.test.root}: the split {devkit.test.split} has no image of the classes "
                f"seen at step {step}; choose another task or class order"
            )
        table = seen_label_map(space, step, test_unseen=test_unseen)
        return ExperienceData(
            devkit.test,
            indices,
            table,
            test_index.counts,
            groups,
            "eval",
            label_map_of_steps,
            cache=test_cache,
        )

    test_data(0)  # The smallest test set: raise now rather than after the first step's training.
    streams = [
        SegmentationStream("train", space, training_data(train, "train")),
        SegmentationStream("test", space, test_data),
    ]
    if val_fraction > 0:
        streams.append(SegmentationStream("valid", space, training_data(valid, "eval")))
    return SegmentationScenario(streams, space)


def _with_full_signature(factory: Factory) -> Factory:
    """Spell the shared options out in a door's signature, for ``help`` and editors."""
    signature = inspect.signature(factory)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shared = list(inspect.signature(segmentation_benchmark).parameters.values())[1:]
    factory.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
    return factory


@_with_full_signature
def VOCIncremental(  # noqa: N802 - benchmarks are named like classes in Avalanche
    root: str | Path,
    *,
    augmented: bool | None = None,
    download: bool = False,
    **options: Unpack[BenchmarkOptions],
) -> SegmentationScenario:
    """PASCAL VOC 2012 as class-incremental streams; 20 classes and the background.

    Args:
        root: the devkit's folder, or the folder that holds it; the layouts of
            :func:`avalanche_seg.datasets.voc.read_voc`.
        augmented: train on the 10,582 images of VOC + SBD (True), the 1,464 of VOC (False), or on
            the augmented list when the devkit has one (None).
        download: fetch VOC 2012 and SBD into ``root`` first, unless they are there.
        **options: as in :func:`segmentation_benchmark`.

    Raises:
        ValueError: as :func:`segmentation_benchmark`.
    """
    if download:
        download_voc(Path(root), augmented=augmented is not False)
    return segmentation_benchmark(read_voc(Path(root), augmented=augmented), **options)


@_with_full_signature
def FolderIncremental(  # noqa: N802 - benchmarks are named like classes in Avalanche
    root: str | Path, **options: Unpack[BenchmarkOptions]
) -> SegmentationScenario:
    """Any folder in the VOC layout with a ``classes.txt``, as class-incremental streams.

    Args:
        root: the folder; see :func:`avalanche_seg.datasets.folder.read_folder`.
        **options: as in :func:`segmentation_benchmark`.

    Raises:
        ValueError: as :func:`segmentation_benchmark`.
    """
    return segmentation_benchmark(read_folder(Path(root)), **options)


def _check_no_step_is_empty(
    devkit: SegmentationFiles, space: LabelSpace, chosen: Sequence[settings.Indices], setting: str
) -> None:
    for step, indices in enumerate(chosen):
        if len(indices) == 0:
            names = ", ".join(devkit.class_names[c] for c in space.steps[step])
            raise ValueError(
                f"{devkit.train.root}: step {step} ({names}) has no training image in the setting "
                f"{setting!r}; choose another setting, task or class order"
            )
