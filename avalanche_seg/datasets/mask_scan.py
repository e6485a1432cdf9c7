"""Pixel counts of masks: reading, checking and counting every mask of a split.

What is read anyway is digested on the way, so that contents are known with the counts.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from avalanche_seg.datasets.contents import content_digest, files_by_sample, fingerprint
from avalanche_seg.datasets.decoding import decode_label_map, read_content
from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.images import ImageHead, image_head
from avalanche_seg.datasets.mask_values import MaskValues
from avalanche_seg.datasets.orientation import UPRIGHT
from avalanche_seg.labels import N_LABELS

__all__ = ["MaskStatistics", "pixel_counts", "scan"]

_PART = 32  # Masks a thread takes at a time.
_TOGETHER = 1_400_000  # Pixels counted at once, eight masks of VOC.


class MaskStatistics(NamedTuple):
    """What is known of a split once all its files were read.

    Attributes:
        counts: int64, N x 256; ``counts[i, v]`` = pixels of dataset id v in mask i.
        digests: uint64, N x (2 + number of extras); of the contents of image, mask and extras in
            the order of their names.
        orientations: uint8, N; EXIF's of every image. 1 is upright.

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

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digest of the contents of all files, wherever they lie."""
        return fingerprint(self.digests)

    @property
    def presence(self) -> NDArray[np.bool_]:
        """bool, N x 256: mask i has a pixel of dataset id v."""
        return self.counts > 0


def scan(
    split: Split, *, values: MaskValues, progress: bool = True, threads: int | None = None
) -> MaskStatistics:
    """Count the pixels of every value in every mask, in parallel threads; digest all files.

    Args:
        split: the split.
        values: what the masks' values mean; others are errors.
        progress: show a progress bar.
        threads: how many; None takes one per core. Files are read and decoded outside the
            interpreter's lock.

    Returns:
        the statistics, whose counts are by value: ``values`` may change without another scan.

    Raises:
        ValueError: naming the first bad file of the split.
    """
    files = list(files_by_sample(split))
    parts = [files[start : start + _PART] for start in range(0, len(files), _PART)]
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
                bar.update(len(part.counts))
        except ValueError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    counts, digests, orientations = zip(*scanned, strict=True)
    n_files = 2 + len(split.extras)
    return MaskStatistics(
        np.concatenate(counts),
        np.concatenate([one.reshape(-1, n_files) for one in digests]),
        np.concatenate(orientations),
    )


def _scan_part(files: Sequence[tuple[Path, ...]], *, values: MaskValues) -> MaskStatistics:
    """Read and check some samples: few calls of the pool, as each costs a tenth of a mask."""
    masks = [sample[1] for sample in files]
    counts: list[NDArray[np.int64]] = []
    digests: list[list[int]] = []
    orientations: list[int] = []
    read: list[NDArray[np.uint8]] = []
    first = 0  # Of the masks that are read and not counted.
    for sample in files:
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
    return MaskStatistics(
        np.concatenate(counts),
        np.array(digests, dtype=np.uint64),
        np.array(orientations, dtype=np.uint8),
    )


def _checked_counts(
    paths: Sequence[Path], masks: Sequence[NDArray[np.uint8]], values: MaskValues
) -> NDArray[np.int64]:
    counts = pixel_counts(*masks)
    values.check(paths, counts)
    return counts


def _read(image: Path, mask: Path, *extras: Path) -> tuple[NDArray[np.uint8], ImageHead, list[int]]:
    """The mask's values, the image's head, and the digests of the files."""
    of_mask = read_content(mask, "mask")
    values = decode_label_map(mask, of_mask)
    of_image = read_content(image, "image")
    head = image_head(image, of_image)
    _check_size(image, mask, head, values.shape)
    contents = [of_image, of_mask, *(read_content(path, "extra map") for path in extras)]
    return values, head, [content_digest(content) for content in contents]


def _check_size(image: Path, mask: Path, head: ImageHead, size: tuple[int, ...]) -> None:
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


def pixel_counts(*masks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often every value occurs in each mask.

    Masks are made of runs of one value: their ends are found, and each run is counted as one.

    Args:
        *masks: uint8, any shapes but empty ones. Several at once cost threads fewer exchanges of
            the interpreter's lock.

    Returns:
        int64, number of masks x 256.

    Example:
        >>> pixel_counts(np.array([[7, 7, 7], [7, 1, 7]], dtype=np.uint8))[:, [1, 7]].tolist()
        [[1, 5]]
    """
    if not masks:
        return np.zeros((0, N_LABELS), dtype=np.int64)
    values = np.concatenate(masks, axis=None)
    stops = np.cumsum([mask.size for mask in masks])
    is_end = np.empty(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_end[:-1])
    is_end[stops - 1] = True
    ends = np.flatnonzero(is_end)
    mask_of_end = np.repeat(np.arange(len(masks)), np.diff(np.searchsorted(ends, stops), prepend=0))
    cells = mask_of_end * N_LABELS + values[ends]
    # Sums of whole numbers, which floating point holds exactly.
    counts = np.bincount(cells, np.diff(ends, prepend=-1), len(masks) * N_LABELS)
    return counts.astype(np.int64).reshape(-1, N_LABELS)
