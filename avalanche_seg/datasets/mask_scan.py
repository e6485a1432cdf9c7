"""Pixel counts of masks: reading, checking and counting every mask of a split."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from avalanche_seg.datasets.decoding import UNREADABLE, read_label_map
from avalanche_seg.datasets.description import Split
from avalanche_seg.labels import N_LABELS, VOID

__all__ = ["check_values", "pixel_counts", "scan"]

_PART = 32  # Masks a thread takes at a time.
_TOGETHER = 1_400_000  # Pixels counted at once, eight masks of VOC.


def scan(
    split: Split, *, n_values: int, progress: bool = True, threads: int | None = None
) -> NDArray[np.int64]:
    """Count the pixels of every value in every mask, in parallel threads.

    Args:
        split: the split.
        n_values: how many values have a class name; masks hold 0..n_values - 1 or 255 (void).
        progress: show a progress bar.
        threads: how many; None takes one per core. Files are read and decoded outside the
            interpreter's lock.

    Returns:
        int64, N x 256.

    Raises:
        ValueError: naming the first bad file of the split.
    """
    counts = np.zeros((len(split), N_LABELS), dtype=np.int64)
    starts = range(0, len(split), _PART)
    parts = [split.masks[start : start + _PART] for start in starts]
    images = [split.images[start : start + _PART] for start in starts]
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
            rows = pool.map(partial(_count, n_values=n_values), images, parts)
            for start, counted in zip(starts, rows, strict=True):
                counts[start : start + len(counted)] = counted
                bar.update(len(counted))
        except ValueError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return counts


def _count(images: Sequence[Path], masks: Sequence[Path], *, n_values: int) -> NDArray[np.int64]:
    """Count and check some masks: few calls of the pool, as each costs a tenth of a mask."""
    counts: list[NDArray[np.int64]] = []
    read: list[NDArray[np.uint8]] = []
    first = 0  # Of the masks that are read and not counted.
    for image, mask in zip(images, masks, strict=True):
        try:
            read.append(_read(image, mask))
        except ValueError:
            _checked_counts(masks[first:], read, n_values)  # An earlier one is to be named.
            raise
        if sum(one.size for one in read) >= _TOGETHER:
            counts.append(_checked_counts(masks[first:], read, n_values))
            first += len(read)
            read = []
    counts.append(_checked_counts(masks[first:], read, n_values))
    return np.concatenate(counts)


def _checked_counts(
    paths: Sequence[Path], masks: Sequence[NDArray[np.uint8]], n_values: int
) -> NDArray[np.int64]:
    counts = pixel_counts(*masks)
    check_values(paths, counts, n_values)
    return counts


def _read(image_path: Path, mask_path: Path) -> NDArray[np.uint8]:
    mask = read_label_map(mask_path)
    try:
        with Image.open(image_path) as image:
            width, height = image.size
    except UNREADABLE as error:
        raise ValueError(
            f"{image_path}: the image cannot be read ({error}); replace the file or take it off "
            "the list"
        ) from error
    if (height, width) != mask.shape:
        raise ValueError(
            f"{mask_path} is {mask.shape[1]}x{mask.shape[0]} pixels and its image "
            f"{image_path.name} {width}x{height}; expected the same size: export the mask at its "
            "image's size"
        )
    return mask


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


def check_values(masks: Sequence[Path], counts: NDArray[np.int64], n_values: int) -> None:
    """ValueError naming the first mask that counts a value which is no class.

    Args:
        masks: N files.
        counts: N x 256.
        n_values: values must be 0..n_values - 1 or 255.
    """
    foreign = counts[:, n_values:VOID] > 0
    if foreign.any():
        image, value = np.argwhere(foreign)[0]
        raise ValueError(
            f"{masks[image]}: value {value + n_values} is no class; expected 0..{n_values - 1}, "
            f"the values with a class name, or {VOID} (void). Correct the mask or the list of "
            "class names"
        )
