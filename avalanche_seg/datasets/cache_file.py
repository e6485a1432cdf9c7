"""The file of decoded pixels: its layout, and how it is written.

A table of N heights, widths and CRC-32 checksums with a checksum of its own, then for every sample
its image H x W x 3, its mask H x W and its extras H x W in the order of their names. All are uint8
but the masks of a split with deeper ones, which are uint16.
"""

import os
import shutil
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from avalanche_seg.datasets.contents import items_by_sample
from avalanche_seg.datasets.decoding import read_extra
from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.sources import Item, image_of, mask_of
from avalanche_seg.system import atomic_write, check_free_space

__all__ = ["ENTRY", "FORMAT", "Pixels", "is_finished", "pixel_bytes", "sample_ends", "write"]

FORMAT = 3  # Raise it when the layout changes: old files are then not used.

ENTRY = np.dtype([("height", "<i4"), ("width", "<i4"), ("checksum", "<u4")])
"""Of a sample, in the table."""

_TABLE_END = 4  # Bytes of the table's own checksum.
_PART = 64  # Images decoded ahead of the writer.

Pixels = NDArray[np.uint8]


def sample_ends(
    areas: NDArray[np.int64], n_extras: int, *, is_deep: bool = False
) -> NDArray[np.int64]:
    """Where samples lie in the file: sample i in ``ends[i]:ends[i + 1]``.

    Args:
        areas: int64, N; pixels of every image.
        n_extras: maps of a sample besides its mask.
        is_deep: masks take two bytes per pixel.

    Returns:
        int64, N + 1.
    """
    table = ENTRY.itemsize * len(areas) + _TABLE_END
    return np.cumsum([table, *(pixel_bytes(n_extras, is_deep) * areas).tolist()])


def pixel_bytes(n_extras: int, is_deep: bool) -> int:
    """Bytes per pixel of a sample: image, mask and extras."""
    return 3 + (2 if is_deep else 1) + n_extras


def is_finished(path: Path, ends: NDArray[np.int64]) -> bool:
    """Whether the file is there in its size, with a sound table; samples are checked when read.

    Args:
        path: the file.
        ends: as :func:`sample_ends`.
    """
    try:
        if path.stat().st_size != ends[-1]:
            return False
        with path.open("rb") as file:
            head = file.read(int(ends[0]))
    except OSError:
        return False
    table = head[:-_TABLE_END]
    return len(head) == ends[0] and head[-_TABLE_END:] == _checksum(table)


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(_TABLE_END, "little")


def write(
    path: Path, split: Split, ends: NDArray[np.int64], *, is_deep: bool = False, progress: bool
) -> None:
    """Decode every image, mask and extra into the file, which appears when it is whole.

    Args:
        path: the file.
        split: the split.
        ends: as :func:`sample_ends`.
        is_deep: masks take two bytes per pixel.
        progress: show a progress bar.

    Raises:
        ValueError: when there is too little free space, or naming a file that cannot be read.
        OSError: when the file cannot be written.
    """
    check_free_space(
        f"the decoded split {split.root.name}/{split.name}",
        int(ends[-1]),
        shutil.disk_usage(path.parent).free,
        f"cache_images=True: {path.parent}",
        "name another folder by AVALANCHE_SEG_CACHE, or leave the cache out",
    )
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.seek(int(ends[0]))
        table = np.zeros(len(split), dtype=ENTRY)
        for i, (image, *maps) in enumerate(_decoded(split, is_deep, progress)):
            checksum = 0
            for pixels in (image, *maps):
                file.write(pixels.data)
                checksum = zlib.crc32(pixels.data, checksum)
            table[i] = (*image.shape[:2], checksum)
        file.seek(0)
        file.write(table.tobytes() + _checksum(table.tobytes()))


def _decoded(split: Split, is_deep: bool, progress: bool) -> Iterator[list[NDArray[Any]]]:
    """Image H x W x 3, mask and extras of every sample in order, decoded in threads."""
    items = list(items_by_sample(split))
    decode = partial(_decode, mask_dtype=np.uint16 if is_deep else np.uint8)
    title = f"decoding {split.root.name}/{split.name}"
    with (
        ThreadPoolExecutor(max_workers=os.cpu_count()) as pool,
        tqdm(total=len(items), desc=title, unit="image", disable=not progress, leave=False) as bar,
    ):
        for start in range(0, len(items), _PART):  # No further ahead than memory is good for.
            for decoded in pool.map(decode, items[start : start + _PART]):
                yield decoded
                bar.update()


def _decode(items: tuple[Item, ...], mask_dtype: type[np.generic]) -> list[NDArray[Any]]:
    image = image_of(items[0]).permute(1, 2, 0).contiguous().numpy()
    mask = np.ascontiguousarray(mask_of(items[1]), dtype=mask_dtype)
    extras = (path for path in items[2:] if isinstance(path, Path))  # All of them are.
    return [image, mask, *(read_extra(path, mask.shape).numpy() for path in extras)]
