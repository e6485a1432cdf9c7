"""The decoded pixels of a split, read in place of its files.

Everything is decoded once, into one file that is mapped into memory: all worker processes share it,
and later runs find it. Samples are the same with and without. A memory that ends with the machine
is a cache folder on a RAM disk.
"""

import mmap
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from avalanche_seg.datasets.decoding import read_extra, read_label_map
from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.images import read_image
from avalanche_seg.datasets.mask_statistics import MaskStatistics, cache_folder
from avalanche_seg.system import atomic_write, check_free_space, file_lock

__all__ = ["ImageCache", "image_cache"]

_FORMAT = 2  # Raise it when the layout changes: old files are then not used.
_PART = 64  # Images decoded ahead of the writer.

Pixels = NDArray[np.uint8]


class ImageCache:
    """Images, masks and extras of one split in one file; pickled as a reference to it.

    The file is an int32 table N x 2 of heights and widths, then for every sample its image
    H x W x 3, its mask H x W and its extras H x W in the order of their names, uint8.

    Args:
        path: the file.
        ends: int64, N + 1; sample i lies in ``ends[i]:ends[i + 1]``.
        extras: names of the extras, ascending.
    """

    def __init__(self, path: Path, ends: NDArray[np.int64], extras: tuple[str, ...] = ()) -> None:
        self._path = path
        self._ends = ends
        self._extras = extras
        self._mapped: mmap.mmap | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_mapped": None}

    def read(self, index: int) -> tuple[Tensor, Pixels, dict[str, Tensor]]:
        """One sample.

        Args:
            index: in the split.

        Returns:
            The image, uint8 3 x H x W; the mask's values, uint8 H x W; and the extras by name,
            uint8 H x W. All are copies, which may be changed in place.
        """
        if self._mapped is None:
            with self._path.open("rb") as file:
                self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapped = self._mapped
        height, width = np.frombuffer(mapped, np.int32, count=2, offset=8 * index).tolist()
        start, area = int(self._ends[index]), height * width

        def planes(first: int, count: int) -> Pixels:
            return np.frombuffer(mapped, np.uint8, count * area, start + first * area).copy()

        image = torch.from_numpy(planes(0, 3)).view(height, width, 3).permute(2, 0, 1)
        extras = {
            name: torch.from_numpy(planes(4 + i, 1)).view(height, width)
            for i, name in enumerate(self._extras)
        }
        return image, planes(3, 1).reshape(height, width), extras


def image_cache(split: Split, statistics: MaskStatistics, *, progress: bool = True) -> ImageCache:
    """The cache of a split; decodes every image, mask and extra unless that was done before.

    The file lies in :func:`~avalanche_seg.datasets.mask_statistics.cache_folder`; it takes
    4 bytes per pixel, and one more for every extra.

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
        ...     torch.equal(image, read_image(split.images[3]))
        True
    """
    names = tuple(sorted(split.extras))
    sizes = (4 + len(names)) * statistics.counts.sum(axis=1)
    ends = np.cumsum([8 * len(split), *sizes.tolist()])
    path = cache_folder() / f"{statistics.fingerprint}.pixels{_FORMAT}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(path.with_suffix(".lock")):
            _write_once(path, split, ends, progress)
    except OSError as error:
        raise ValueError(
            f"cache_images=True: {path} cannot be written ({error}); let AVALANCHE_SEG_CACHE "
            "name another folder, or leave the cache out"
        ) from error
    return ImageCache(path, ends, names)


def _write_once(path: Path, split: Split, ends: NDArray[np.int64], progress: bool) -> None:
    size = int(ends[-1])
    if path.is_file() and path.stat().st_size == size:
        return
    check_free_space(
        f"the decoded split {split.root.name}/{split.name}",
        size,
        shutil.disk_usage(path.parent).free,
        f"cache_images=True: {path.parent}",
        "name another folder by AVALANCHE_SEG_CACHE, or leave the cache out",
    )
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.seek(int(ends[0]))
        shapes = np.zeros((len(split), 2), dtype=np.int32)
        for i, (image, *maps) in enumerate(_decoded(split, progress)):
            for pixels in (image, *maps):
                file.write(pixels.data)
            shapes[i] = image.shape[:2]
        file.seek(0)
        file.write(shapes.data)


def _decoded(split: Split, progress: bool) -> Iterator[list[Pixels]]:
    """Image H x W x 3, mask and extras of every sample in order, decoded in threads."""
    extras = [split.extras[name] for name in sorted(split.extras)]
    files = list(zip(split.images, split.masks, *extras, strict=True))
    title = f"decoding {split.root.name}/{split.name}"
    with (
        ThreadPoolExecutor(max_workers=os.cpu_count()) as pool,
        tqdm(total=len(files), desc=title, unit="image", disable=not progress, leave=False) as bar,
    ):
        for start in range(0, len(files), _PART):  # No further ahead than memory is good for.
            for decoded in pool.map(_decode, files[start : start + _PART]):
                yield decoded
                bar.update()


def _decode(files: tuple[Path, ...]) -> list[Pixels]:
    image = read_image(files[0]).permute(1, 2, 0).contiguous().numpy()
    mask = np.ascontiguousarray(read_label_map(files[1]))
    return [image, mask, *(read_extra(path, mask.shape).numpy() for path in files[2:])]
