"""Lookup tables from dataset ids to channels: the label maps of every step.

A table has an entry for every dataset id and a last one for void: 256 entries up to 255 ids, n + 1
for n > 255. Its entries are uint8, or int32 where there are more than 255 channels. So mapping a
mask is one indexing operation.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.benchmarks.options import TestUnseen, TrainVoid
from avalanche_seg.labels import BACKGROUND, VOID, LabelSpace, table_length

__all__ = ["seen_label_map", "train_label_map"]

_VOID_ENTRY = -1


def train_label_map(
    space: LabelSpace, visible_steps: Iterable[int], *, train_void: TrainVoid = "background"
) -> NDArray[Any]:
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
        uint8 or int32, indexed by dataset id; the last entry is that of void.

    Example:
        >>> space = LabelSpace(steps=((2, 1), (3,)), names=("background", "a", "b", "c"))
        >>> train_label_map(space, [1])[[0, 1, 2, 3, 255]].tolist()
        [0, 0, 0, 3, 0]
    """
    rest = BACKGROUND if space.has_background else space.void
    table = _full(space, rest)
    _show(table, space, visible_steps)
    table[_unlabelled(space)] = space.void if train_void == "ignore" else rest
    return table


def seen_label_map(
    space: LabelSpace, step: int, *, test_unseen: TestUnseen = "ignore"
) -> NDArray[Any]:
    """The label map of the test set after ``step``.

    Every class seen so far becomes its channel. A class not seen yet becomes void ("ignore": MiB)
    or background ("background": PLOP, DKD). Void stays void; 0 where it is unlabelled becomes void.

    Args:
        space: the order of learning.
        step: the step just learned.
        test_unseen: "ignore" or "background".

    Returns:
        uint8 or int32, indexed by dataset id; the last entry is that of void.

    Example:
        >>> space = LabelSpace(steps=((2, 1), (3,)), names=("background", "a", "b", "c"))
        >>> seen_label_map(space, 0)[[0, 1, 2, 3, 255]].tolist()
        [0, 2, 1, 255, 255]
    """
    hides = test_unseen == "background" and space.has_background
    table = _full(space, BACKGROUND if hides else space.void)
    if space.zero_is == "background":
        table[BACKGROUND] = BACKGROUND
    table[_unlabelled(space)] = space.void
    _show(table, space, range(step + 1))
    return table


def _unlabelled(space: LabelSpace) -> list[int]:
    """The entries of pixels without a label."""
    return [_VOID_ENTRY, 0] if space.zero_is == "unlabelled" else [_VOID_ENTRY]


def _full(space: LabelSpace, label: int) -> NDArray[Any]:
    dtype = np.uint8 if space.void == VOID else np.int32
    return np.full(table_length(len(space.names)), label, dtype=dtype)


def _show(table: NDArray[Any], space: LabelSpace, steps: Iterable[int]) -> None:
    for step in steps:
        class_ids = space.steps[step]
        table[list(class_ids)] = space.to_channels(class_ids)
