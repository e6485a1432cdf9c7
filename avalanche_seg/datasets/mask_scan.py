"""Reading, checking and counting every mask of a split.

What is read anyway is digested on the way, so that contents are known with the counts.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from avalanche_seg.datasets.contents import content_digest, fingerprint, items_by_sample
from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.images import ImageHead
from avalanche_seg.datasets.mask_values import MaskValues
from avalanche_seg.datasets.orientation import UPRIGHT
from avalanche_seg.datasets.sources import Item, content_of, image_content, mask_content
from avalanche_seg.datasets.value_counts import ValueCounts

__all__ = ["MaskStatistics", "Scan", "scan"]

_PART = 32  # Masks a thread takes at a time.
_TOGETHER = 1_400_000  # Pixels counted at once, eight masks of VOC.


class MaskStatistics(NamedTuple):
    """What is known of a split once all its files were read.

    Attributes:
        counts: int64, N x 256, or N x (n + 1) of n > 255 classes; ``counts[i, v]`` = pixels of
            dataset id v in mask i, and the last column those of void.
        digests: uint64, N x (2 + number of extras); of the contents of image, mask and extras in
            the order of their names.
        orientations: uint8, N; EXIF's of every image. 1 is upright.
        is_deep: some mask holds a value above 255.

    Example:
        >>> counts = np.zeros((1, 256), dtype=np.int64)
        >>> counts[0, [0, 7]] = [90, 10]
        >>> digests, orientations = np.zeros((1, 2), np.uint64), np.ones(1, np.uint8)
        >>> np.flatnonzero(MaskStatistics(counts, digests, orientations).presence[0]).tolist()
        [0, 7]
    """

    counts: NDArray[np.int64]
    digests: NDArray[np.uint64]
    orientations: NDArray[np.uint8]
    is_deep: bool = False

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the contents of all files, wherever they lie."""
        return fingerprint(self.digests)

    @property
    def presence(self) -> NDArray[np.bool_]:
        """bool, the shape of ``counts``: mask i has a pixel of dataset id v."""
        return self.counts > 0


class Scan(NamedTuple):
    """What was read of the masks and images of a split, whatever the masks' values mean.

    Attributes:
        counts: pixels of every value in every mask.
        digests: as those of :class:`MaskStatistics`.
        orientations: as those of :class:`MaskStatistics`.
    """

    counts: ValueCounts
    digests: NDArray[np.uint64]
    orientations: NDArray[np.uint8]


def scan(
    split: Split, *, values: MaskValues, progress: bool = True, threads: int | None = None
) -> Scan:
    """Count the pixels of every value in every mask, in parallel threads; digest all files.

    Args:
        split: the split.
        values: what the masks' values mean; others are errors.
        progress: show a progress bar.
        threads: how many; None takes one per core. Files are read and decoded outside the
            interpreter's lock.

    Raises:
        ValueError: naming the first bad file of the split.
    """
    items = list(items_by_sample(split))
    parts = [items[start : start + _PART] for start in range(0, len(items), _PART)]
    scanned = [_scan_part([], values=values)]
    with (
        ThreadPoolExecutor(threads or os.cpu_count()) as pool,
        tqdm(
            total=len(split),
            desc=f"mask statistics of {split.root.name}/{split.name}",
            unit="mask",
            disable=not progress,
            leave=False,
        ) as bar,
    ):
        try:
            for part in pool.map(partial(_scan_part, values=values), parts):
                scanned.append(part)
                bar.update(len(part.digests))
        except ValueError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    counts, digests, orientations = zip(*scanned, strict=True)
    n_items = 2 + len(split.extras)
    return Scan(
        ValueCounts.joined(counts),
        np.concatenate([one.reshape(-1, n_items) for one in digests]),
        np.concatenate(orientations),
    )


def _scan_part(samples: Sequence[tuple[Item, ...]], *, values: MaskValues) -> Scan:
    """Read and check some samples: few calls of the pool, as each costs a tenth of a mask."""
    masks = [sample[1] for sample in samples]
    counts: list[ValueCounts] = []
    digests: list[list[int]] = []
    orientations: list[int] = []
    read: list[NDArray[Any]] = []
    first = 0  # Of the masks that are read and not counted.
    for sample in samples:
        try:
            mask, head, digest = _read(*sample)
        except ValueError:
            _checked_counts(masks[first:], read, values)  # An earlier one is to be named.
            raise
        read.append(mask)
        digests.append(digest)
        orientations.append(head.orientation)
        if sum(one.size for one in read) >= _TOGETHER:
            counts.append(_checked_counts(masks[first:], read, values))
            first += len(read)
            read = []
    counts.append(_checked_counts(masks[first:], read, values))
    return Scan(
        ValueCounts.joined(counts),
        np.array(digests, dtype=np.uint64),
        np.array(orientations, dtype=np.uint8),
    )


def _checked_counts(
    items: Sequence[Item], masks: Sequence[NDArray[Any]], values: MaskValues
) -> ValueCounts:
    counts = ValueCounts.of(*masks)
    values.check(items, counts)
    return counts


def _read(image: Item, mask: Item, *extras: Item) -> tuple[NDArray[Any], ImageHead, list[int]]:
    """The mask's values, the image's head, and the digests of the contents."""
    of_mask, values = mask_content(mask)
    of_image, head = image_content(image)
    _check_size(image, mask, head, values.shape)
    contents = [of_image, of_mask, *(content_of(item, "extra map") for item in extras)]
    return values, head, [content_digest(content) for content in contents]


def _check_size(image: Item, mask: Item, head: ImageHead, size: tuple[int, ...]) -> None:
    if (head.height, head.width) == size:
        return
    shown, remedy = f"{head.width}x{head.height}", "at its image's size"
    if head.orientation != UPRIGHT:
        shown += f", turned upright as its EXIF orientation {head.orientation} says"
        remedy = "as it lies on the upright image, or remove the orientation from the image"
    raise ValueError(
        f"{mask} is {size[1]}x{size[0]} pixels and its image {image.name} {shown}; expected the "
        f"same size: export the mask {remedy}"
    )
