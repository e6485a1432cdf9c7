"""The decoded pixels of a split, read in place of its files.

Everything is decoded once, into one file that is mapped into memory: all worker processes share it,
and later runs find it. Samples are the same with and without, for every one has a checksum: a
damaged one is read from its files. A memory that ends with the machine is a cache folder on a RAM
disk.
"""

import mmap
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avalanche_seg.datasets.cache_file import (
    ENTRY,
    FORMAT,
    Pixels,
    is_finished,
    pixel_bytes,
    sample_ends,
    write,
)
from avalanche_seg.datasets.cache_folder import cache_folder, lock_of
from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.mask_scan import MaskStatistics
from avalanche_seg.system import file_lock

__all__ = ["ImageCache", "image_cache"]

CachedSample = tuple[Tensor, NDArray[Any], dict[str, Tensor]]


class ImageCache:
    """Images, masks and extras of one split in one file; pickled as a reference to it.

    Args:
        path: the file; see :mod:`avalanche_seg.datasets.cache_file`.
        ends: int64, N + 1; sample i lies in ``ends[i]:ends[i + 1]``.
        extras: names of the extras, ascending.
        is_deep: masks are uint16.
    """

    def __init__(
        self,
        path: Path,
        ends: NDArray[np.int64],
        extras: tuple[str, ...] = (),
        *,
        is_deep: bool = False,
    ) -> None:
        self._path = path
        self._ends = ends
        self._extras = extras
        self._is_deep = is_deep
        self._mapped: mmap.mmap | None = None
        self._is_lost = False
        self._checked = bytearray(len(ends) - 1)

    def __getstate__(self) -> dict[str, Any]:
        unread = {"_mapped": None, "_is_lost": False, "_checked": bytearray(len(self._checked))}
        return {**self.__dict__, **unread}

    def read(self, index: int) -> CachedSample | None:
        """One sample, whose checksum is compared the first time it is read.

        A file that is damaged is removed with a warning, so that the next start makes it anew.

        Args:
            index: in the split.

        Returns:
            The image, uint8 3 x H x W; the mask's values, uint8 or uint16 H x W; and the extras
            by name, uint8 H x W. All are copies, which may be changed in place. None when the
            sample is damaged, or the file gone: then the data set's own files are to be read.
        """
        mapped = self._map()
        if mapped is None:
            return None
        entry = np.frombuffer(mapped, ENTRY, count=1, offset=ENTRY.itemsize * index)
        height, width, checksum = entry[0].item()
        start, end, area = int(self._ends[index]), int(self._ends[index + 1]), height * width
        if not self._checked[index]:
            if (
                area * pixel_bytes(len(self._extras), self._is_deep) != end - start
                or zlib.crc32(memoryview(mapped)[start:end]) != checksum
            ):
                self._discard(f"the checksum of sample {index} is wrong")
                return None
            self._checked[index] = True

        def planes(first: int, count: int) -> Pixels:
            return np.frombuffer(mapped, np.uint8, count * area, start + first * area).copy()

        image = torch.from_numpy(planes(0, 3)).view(height, width, 3).permute(2, 0, 1)
        first = pixel_bytes(0, self._is_deep)
        mask = planes(3, first - 3).view(np.uint16 if self._is_deep else np.uint8)
        extras = {
            name: torch.from_numpy(planes(first + i, 1)).view(height, width)
            for i, name in enumerate(self._extras)
        }
        return image, mask.reshape(height, width), extras

    def _map(self) -> mmap.mmap | None:
        """The file in memory; None, after a warning, once it is gone or of another size."""
        if self._mapped is None and not self._is_lost:
            try:
                with self._path.open("rb") as file:
                    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                self._discard(str(error))
            else:
                if len(mapped) == self._ends[-1]:
                    self._mapped = mapped
                else:
                    self._discard(f"it has {len(mapped)} bytes instead of {self._ends[-1]}")
        return self._mapped

    def _discard(self, reason: str) -> None:
        """Remove the file, which other processes go on with, and read it no more."""
        self._mapped, self._is_lost = None, True
        try:
            self._path.unlink(missing_ok=True)
            remedy = "the next start decodes them anew"
        except OSError:
            remedy = "remove it, so that the next start decodes them anew"
        warnings.warn(
            f"{self._path}: the decoded images are damaged ({reason}); images are read from their "
            f"own files instead, the same pixels, and {remedy}",
            stacklevel=4,
        )


def image_cache(split: Split, statistics: MaskStatistics, *, progress: bool = True) -> ImageCache:
    """The cache of a split; decodes every image, mask and extra unless that was done before.

    The file lies in :func:`~avalanche_seg.datasets.cache_folder.cache_folder`; it takes
    4 bytes per pixel, one more for deep masks and one for every extra. A finished one is used from
    a folder that cannot be written, too.

    Args:
        split: the split.
        statistics: its mask statistics, which know every image's size and the files' fingerprint.
        progress: show a progress bar while images are decoded.

    Raises:
        ValueError: when there is too little free space, or naming a file that cannot be read.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc, mask_statistics, read_voc
        >>> with tempfile.TemporaryDirectory() as name:
        ...     split = read_voc(make_synthetic_voc(name, n_train=20, n_val=20)).train
        ...     statistics = mask_statistics(split, n_values=21, progress=False)
        ...     image, mask, extras = image_cache(split, statistics, progress=False).read(3)
        >>> image.shape, mask.shape, extras
        (torch.Size([3, 96, 128]), (96, 128), {})
    """
    names, is_deep = tuple(sorted(split.extras)), statistics.is_deep
    ends = sample_ends(statistics.counts.sum(axis=1), len(names), is_deep=is_deep)
    path = cache_folder() / f"{statistics.fingerprint}.pixels{FORMAT}"
    if not is_finished(path, ends):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(lock_of(path)):
                if not is_finished(path, ends):  # By another process, meanwhile.
                    write(path, split, ends, is_deep=is_deep, progress=progress)
        except OSError as error:
            raise ValueError(
                f"cache_images=True: {path} cannot be written ({error}); let AVALANCHE_SEG_CACHE "
                "name another folder, or leave the cache out"
            ) from error
    return ImageCache(path, ends, names, is_deep=is_deep)
