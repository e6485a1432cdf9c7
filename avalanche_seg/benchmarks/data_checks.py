"""What is wrong with splits as a whole: pure functions of mask statistics that give messages.

Single files are checked while they are scanned; see :mod:`avalanche_seg.datasets.mask_scan`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.benchmarks.options import Steps
from avalanche_seg.datasets import MaskStatistics, SegmentationFiles, Split
from avalanche_seg.labels import BACKGROUND, VOID

__all__ = [
    "check_no_step_is_empty",
    "overlap",
    "split_warnings",
    "two_valued",
    "two_valued_hint",
    "untrained_classes",
]

_MOST_NAMES = 10
_SUSPICIOUS = 0.25  # Share of the masks; in MSRC v2 an eighth shows void alone.

Counts = NDArray[np.int64]
Digests = NDArray[np.uint64]
Indices = NDArray[np.int64]


def check_no_step_is_empty(
    files: SegmentationFiles,
    steps: Steps,
    chosen: Sequence[Indices],
    setting: str,
    statistics: MaskStatistics,
) -> None:
    """ValueError naming the first step without a training image.

    Args:
        files: the data set.
        steps: dataset ids by step.
        chosen: indices of the training images by step.
        setting: which chose them.
        statistics: of the training split.
    """
    for step, (ids, indices) in enumerate(zip(steps, chosen, strict=True)):
        if len(indices) == 0:
            names = ", ".join(files.class_names[class_id] for class_id in ids)
            raise ValueError(
                f"{files.train.root}: step {step} ({names}) has no training image in the setting "
                f"{setting!r}; choose another setting, task or class order"
                f"{two_valued_hint(statistics)}"
            )


def split_warnings(
    files: SegmentationFiles,
    steps: Steps,
    chosen: Sequence[Indices],
    of_train: MaskStatistics,
    of_test: MaskStatistics,
) -> list[str]:
    """What is wrong with the splits but trains all the same, a sentence each.

    Args:
        files: the data set.
        steps: dataset ids by step.
        chosen: indices of the training images by step.
        of_train: statistics of the training split.
        of_test: statistics of the test split.
    """
    is_class = files.zero_is == "class"
    found = (
        overlap(files.train, files.test, of_train.digests, of_test.digests),
        two_valued(files.train, of_train.counts, zero_is_a_class=is_class),
        two_valued(files.test, of_test.counts, zero_is_a_class=is_class),
        untrained_classes(
            files.class_names,
            steps,
            of_train.counts,
            chosen,
            of_test.counts,
            test_name=files.test.name,
        ),
    )
    return [message for message in found if message is not None]


def overlap(train: Split, test: Split, train_digests: Digests, test_digests: Digests) -> str | None:
    """Images that are in both splits, whatever their names.

    Args:
        train: the training split.
        test: the test split.
        train_digests: uint64, N x files of a sample, the image's first; of the contents.
        test_digests: the same of the test split.

    Returns:
        the number and an example; None when there is none.
    """
    shared = np.flatnonzero(np.isin(test_digests[:, 0], train_digests[:, 0]))
    if len(shared) == 0:
        return None
    first = shared[0]
    image = test.images[first]
    twin = train.images[np.flatnonzero(train_digests[:, 0] == test_digests[first, 0])[0]]
    also = "" if twin == image else f", which is {twin}"
    return (
        f"{len(shared)} of the {len(test)} images of {test.root}/{test.name} are in {train.name} "
        f"as well, such as {image}{also}; results on them tell nothing of other images: take them "
        "off one of the lists"
    )


def untrained_classes(
    class_names: Sequence[str],
    steps: Steps,
    train_counts: Counts,
    chosen: Sequence[Indices],
    test_counts: Counts,
    *,
    test_name: str,
) -> str | None:
    """Classes without a pixel in the training images of their step, and those of them in tests.

    Args:
        class_names: by dataset id.
        steps: dataset ids by step.
        train_counts: int64, N x 256; pixels of every value in every training mask.
        chosen: indices of the training images by step.
        test_counts: int64, M x 256; the same of the test masks.
        test_name: of the test split.

    Returns:
        their names; None when every class has a training pixel.

    Example:
        >>> train, test = np.zeros((1, 256), np.int64), np.zeros((1, 256), np.int64)
        >>> train[0, 1] = test[0, 2] = 5
        >>> names = ("background", "ant", "bee")
        >>> message = untrained_classes(
        ...     names, [[1, 2]], train, [np.array([0])], test, test_name="val"
        ... )
        >>> message.partition(":")[0]
        '1 of 2 classes has no pixel in the training images of its step and cannot be learned'
    """
    missing = [
        (class_id, step)
        for step, (ids, images) in enumerate(zip(steps, chosen, strict=True))
        for class_id in ids
        if not train_counts[images, class_id].any()
    ]
    if not missing:
        return None
    n_classes = sum(len(ids) for ids in steps)
    have, their = ("has", "its") if len(missing) == 1 else ("have", "their")
    names = _listed([f"{class_names[class_id]} (step {step})" for class_id, step in missing])
    tested = [class_names[class_id] for class_id, _ in missing if test_counts[:, class_id].any()]
    only = f"; in {test_name} only: {_listed(tested)}" if tested else ""
    return (
        f"{len(missing)} of {n_classes} classes {have} no pixel in the training images of {their} "
        f"step and cannot be learned: {names}{only}; correct the masks, the list of class names or "
        "the lists of images, or choose another task or setting"
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def two_valued(split: Split, counts: Counts, *, zero_is_a_class: bool) -> str | None:
    """Masks of 0 and 255 alone, when they are too many for images whose objects are all void.

    Args:
        split: the split.
        counts: int64, N x 256; pixels of every dataset id in every mask.
        zero_is_a_class: then such masks show a class.

    Returns:
        the number and an example; None when they are few.
    """
    if split.values is not None and split.values.label_map is not None:
        return None  # Somebody has said what they mean.
    found = np.flatnonzero(_is_two_valued(counts))
    if zero_is_a_class or len(found) < 2 or len(found) < _SUSPICIOUS * len(split):
        return None
    return (
        f"{len(found)} of the {len(split)} masks of {split.root}/{split.name} hold only 0 and "
        f"{VOID}, such as {split.masks[found[0]]}; {VOID} is void, so these images show no object: "
        "if white stands for a class, write the class's id instead"
    )


def two_valued_hint(statistics: MaskStatistics) -> str:
    """What to do about a split whose masks hold 0 and 255 alone; empty for others.

    Args:
        statistics: of the split.
    """
    whole = statistics.counts.sum(axis=0, keepdims=True)
    if not _is_two_valued(whole)[0]:
        return ""
    return (
        f"; its masks hold only {BACKGROUND} and {VOID}, which is void: in masks saved as black "
        "and white, write the class's id for white, such as mask // 255 for class 1"
    )


def _is_two_valued(counts: Counts) -> NDArray[np.bool_]:
    """bool, N: the rows that count void, the last column, and nothing between it and 0."""
    return (counts[:, -1] > 0) & ~counts[:, BACKGROUND + 1 : -1].any(axis=1)
