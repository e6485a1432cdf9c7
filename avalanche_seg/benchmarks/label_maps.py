"""Lookup tables from dataset ids to channels: the label maps of every step.

A table has 256 entries, one for every value an 8-bit mask can hold, so mapping a mask is one
indexing operation.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.benchmarks.options import TestUnseen, TrainVoid
from avalanche_seg.labels import BACKGROUND, N_LABELS, VOID, LabelSpace

__all__ = ["seen_label_map", "train_label_map"]


def train_label_map(
    space: LabelSpace, visible_steps: Iterable[int], *, train_void: TrainVoid = "background"
) -> NDArray[np.uint8]:
    """The label map of a training step.

    Classes of the visible steps become their channels, every other class the background. Void, and
    0 where it is unlabelled, becomes background ("background": the behaviour of MiB's code, behind
    every MiB number) or void ("ignore": PLOP, SSUL, DKD). Where no channel is the background, all
    of that is void.

    Args:
        space: the order of learning.
        visible_steps: steps whose classes the masks show.
        train_void: "background" or "ignore".

    Returns:
        uint8, 256 entries, indexed by dataset id.

    Example:
        >>> space = LabelSpace(steps=((2, 1), (3,)), names=("background", "a", "b", "c"))
        >>> train_label_map(space, [1])[[0, 1, 2, 3, 255]].tolist()
        [0, 0, 0, 3, 0]
    """
    rest = BACKGROUND if space.has_background else VOID
    table = np.full(N_LABELS, rest, dtype=np.uint8)
    _show(table, space, visible_steps)
    table[_unlabelled(space)] = VOID if train_void == "ignore" else rest
    return table


def seen_label_map(
    space: LabelSpace, step: int, *, test_unseen: TestUnseen = "ignore"
) -> NDArray[np.uint8]:
    """The label map of the test set after ``step``.

    Every class seen so far becomes its channel. A class not seen yet becomes void ("ignore": MiB)
    or background ("background": PLOP, DKD). Void stays void; 0 where it is unlabelled becomes void.

    Args:
        space: the order of learning.
        step: the step just learned.
        test_unseen: "ignore" or "background".

    Returns:
        uint8, 256 entries, indexed by dataset id.

    Example:
        >>> space = LabelSpace(steps=((2, 1), (3,)), names=("background", "a", "b", "c"))
        >>> seen_label_map(space, 0)[[0, 1, 2, 3, 255]].tolist()
        [0, 2, 1, 255, 255]
    """
    unseen = BACKGROUND if test_unseen == "background" and space.has_background else VOID
    table = np.full(N_LABELS, unseen, dtype=np.uint8)
    if space.has_background:
        table[space.background_id] = BACKGROUND
    table[_unlabelled(space)] = VOID
    _show(table, space, range(step + 1))
    return table


def _unlabelled(space: LabelSpace) -> list[int]:
    """The values of pixels without a label."""
    return [VOID, 0] if space.zero_is == "unlabelled" else [VOID]


def _show(table: NDArray[np.uint8], space: LabelSpace, steps: Iterable[int]) -> None:
    for step in steps:
        class_ids = space.steps[step]
        table[list(class_ids)] = space.to_channels(class_ids)
