"""Streams whose steps bring other images and no other classes."""

import warnings
from functools import partial
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch

from avalanche_seg.benchmarks import data_checks, settings
from avalanche_seg.benchmarks.domain_images import (
    check_no_step_is_empty,
    images_of_steps,
    trained_on,
)
from avalanche_seg.benchmarks.domain_splits import (
    DOMAIN_SPLITS,
    DomainSplit,
    DomainTask,
    domain_steps,
)
from avalanche_seg.benchmarks.label_maps import seen_label_map, train_label_map
from avalanche_seg.benchmarks.options import TrainVoid, Transform, check_options
from avalanche_seg.benchmarks.presets import eval_preset, train_preset
from avalanche_seg.benchmarks.scenario import (
    ExperienceData,
    SegmentationScenario,
    SegmentationStream,
    transform_groups,
)
from avalanche_seg.benchmarks.sources import described
from avalanche_seg.datasets import (
    Domains,
    SegmentationFiles,
    image_cache,
    mask_statistics,
)
from avalanche_seg.labels import LabelSpace
from avalanche_seg.system import is_main

__all__ = ["DomainOptions", "domain_incremental_benchmark"]


class DomainOptions(TypedDict, total=False):
    """The keyword arguments of :func:`domain_incremental_benchmark`."""

    task: DomainTask
    split: DomainSplit
    test_fraction: float
    split_seed: int
    train_transform: Transform | None
    eval_transform: Transform | None
    train_void: TrainVoid
    val_fraction: float
    seed: int
    progress: bool
    cache_images: bool


def domain_incremental_benchmark(
    files_or_name: SegmentationFiles | str,
    root: str | Path | None = None,
    *,
    task: DomainTask = "1-1",
    split: DomainSplit = "files",
    test_fraction: float = 0.2,
    split_seed: int = 0,
    train_transform: Transform | None = None,
    eval_transform: Transform | None = None,
    train_void: TrainVoid = "ignore",
    val_fraction: float = 0.0,
    seed: int = 0,
    progress: bool = True,
    cache_images: bool = False,
) -> SegmentationScenario:
    """Domain-incremental streams over any data set that knows its images' domains.

    Every step shows all classes, in images of other domains, and heads do not grow: distillation
    and replay act on all channels. There is a background channel only where the masks have a
    background. Tests are cumulative; beside the mIoU over all domains so far,
    :class:`~avalanche_seg.metrics.MeanIoU` measures that of the domains of every step
    (``mIoU_domain0``, ...) and their mean (``mIoU_domains``).

    Args:
        files_or_name: a description with ``domains``, or the name of a reader that gives one.
        root: with a name, the folder the reader looks in; else left out.
        task: how the domains are cut into steps: "11-5" takes eleven first, then groups of five;
            "1-1" one after the other; "offline" all at once; or the names of every step's domains.
        split: where test images come from; see
            :data:`avalanche_seg.benchmarks.domain_splits.DomainSplit`.
        test_fraction: of the splits "clean" and "legacy": share of the images for tests.
        split_seed: of the split "clean"; tests of runs with other seeds are on the same images.
        train_transform: callable of (image, labels); default :func:`presets.train_preset`.
        eval_transform: the same for evaluation; default :func:`presets.eval_preset`. Test samples
            have the extra "domain", the step whose domains the image is of, a scalar that
            transforms do not see.
        train_void: what void becomes in training, where there is a background: "ignore" (void) or
            "background".
        val_fraction: share of each step's training images held out as ``valid_stream``.
        seed: seed of the held-out share.
        progress: show a progress bar while the masks are scanned the first time.
        cache_images: as in :func:`incremental_benchmark`.

    Returns:
        A benchmark with ``train_stream``, ``test_stream`` (and ``valid_stream``); ``domains`` holds
        the names of every step's domains.

    Raises:
        ValueError: for a data set without domains, an image of an unknown domain, an unknown task
            or split, a bad file (by name), a step without an image.

    Warns:
        UserWarning: of images that are in both lists of "files", of tests on images that were
            trained on with "legacy", and of classes without a training pixel.
    """
    check_options(train_void=train_void)
    if split not in DOMAIN_SPLITS:
        raise ValueError(f"split={split!r} is unknown; expected one of {', '.join(DOMAIN_SPLITS)}")
    files = described(files_or_name, root)
    domains = _domains(files)
    steps = domain_steps(task, domains.names)
    train, test, images = images_of_steps(
        files, domains, steps, split, test_fraction=test_fraction, seed=split_seed
    )
    of_train = mask_statistics(train, progress=progress)
    of_test = of_train if test is train else mask_statistics(test, progress=progress)
    check_no_step_is_empty(train.root, domains, steps, images)
    chosen, held_out = settings.hold_out(images.train, val_fraction, n_images=len(train), seed=seed)
    nothing: tuple[int, ...] = ()
    space = LabelSpace(
        (files.foreground_ids, *[nothing] * (len(steps) - 1)),
        files.class_names,
        files.zero_is,
        has_background=files.zero_is == "background",
    )
    messages = [
        data_checks.untrained_classes(
            files.class_names,
            [files.foreground_ids],
            of_train.counts,
            [np.concatenate(chosen)],
            of_test.counts[images.test[-1]],
            test_name=test.name,
        ),
        data_checks.overlap(train, test, of_train.digests, of_test.digests)
        if split == "files"
        else trained_on(images),
    ]
    for message in messages:
        if message is not None and is_main():
            warnings.warn(message, stacklevel=2)
    train_map = train_label_map(space, [0], train_void=train_void)
    test_map = seen_label_map(space, 0)
    groups = transform_groups(train_transform or train_preset(), eval_transform or eval_preset())
    of_split = partial(ExperienceData, groups=groups, label_map_of_steps=lambda _: train_map)
    sources = []
    for one, statistics in ((train, of_train), (test, of_test)):
        cache = image_cache(one, statistics, progress=progress) if cache_images else None
        sources.append(
            partial(
                of_split,
                split=one,
                counts=statistics.counts,
                digests=statistics.digests,
                cache=cache,
            )
        )
    data_of_train, data_of_test = sources
    step_of = {number: step for step, group in enumerate(steps) for number in group}
    step_of_image = torch.tensor([step_of.get(n, -1) for n in domains.numbers(test.images)])

    def train_data(indices: list[settings.Indices], group: str, step: int) -> ExperienceData:
        return data_of_train(indices=indices[step], label_map=train_map, group=group)

    def test_data(step: int) -> ExperienceData:
        return data_of_test(
            indices=images.test[step],
            label_map=test_map,
            group="eval",
            per_image={"domain": step_of_image},
        )

    streams = [
        SegmentationStream("train", space, partial(train_data, chosen, "train")),
        SegmentationStream("test", space, test_data),
    ]
    if val_fraction > 0:
        streams.append(SegmentationStream("valid", space, partial(train_data, held_out, "eval")))
    names = tuple(tuple(domains.names[number] for number in step) for step in steps)
    return SegmentationScenario(
        streams, space, files.palette, value_range=files.value_range, domains=names
    )


def _domains(files: SegmentationFiles) -> Domains:
    if files.domains is None:
        raise ValueError(
            f"the data set {files.name} knows no domains; expected a description with "
            "domains=Domains(names, of), where of gives the domain of an image file"
        )
    return files.domains
