"""The decoded pixels of a split, read in place of its files.

Everything is decoded once, into one block of bytes that all worker processes share: a file that is
mapped into memory and serves later runs too, or memory that ends with the program. Samples are the
same with and without.
"""

import mmap
import os
import shutil
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.shared_memory import SharedMemory
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from avalanche_seg.datasets.decoding import read_image, read_label_map
from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.mask_statistics import MaskStatistics, cache_folder
from avalanche_seg.system import atomic_write, available_memory, check_free_space, file_lock

__all__ = ["CACHES", "ImageCache", "check_cache", "image_cache"]

CACHES = ("memory", "disk")
_FORMAT = 1  # Raise it when the layout changes: old files are then not used.
_PART = 64  # Images decoded ahead of the writer.


class ImageCache:
    """Images and masks of one split as one block of bytes; pickled as a reference to it.

    The block is an int32 table N x 2 of heights and widths, then for every sample its image
    H x W x 3 and its mask H x W, uint8.

    Args:
        block: opens the block, in any process.
        ends: int64, N + 1; sample i lies in ``ends[i]:ends[i + 1]``.
    """

    def __init__(self, block: Callable[[], "_Block"], ends: NDArray[np.int64]) -> None:
        self._open = block
        self._ends = ends
        self._opened: _Block | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def read(self, index: int) -> tuple[Tensor, NDArray[np.uint8]]:
        """One sample.

        Args:
            index: in the split.

        Returns:
            The image, uint8 3 x H x W, and the mask's values, uint8 H x W: copies, because memory
            that somebody still looks at cannot be given back in the end.
        """
        if self._opened is None:
            self._opened = self._open()
        buffer = self._opened.buf
        height, width = np.frombuffer(buffer, np.int32, count=2, offset=8 * index).tolist()
        start, area = int(self._ends[index]), height * width
        pixels = np.frombuffer(buffer, np.uint8, count=3 * area, offset=start).copy()
        ids = np.frombuffer(buffer, np.uint8, count=area, offset=start + 3 * area).copy()
        image = torch.from_numpy(pixels).view(height, width, 3).permute(2, 0, 1)
        return image, ids.reshape(height, width)


def image_cache(
    samples: Split, index: MaskStatistics, kind: str, *, progress: bool = True
) -> ImageCache:
    """The cache of a split; decodes every image and mask unless that was done before.

    Args:
        samples: the split.
        index: its class index, which knows every image's size and the files' fingerprint.
        kind: "memory": shared memory that ends with the program, each program its own. "disk": a
            file in :func:`~avalanche_seg.datasets.mask_statistics.cache_folder`, mapped into
            memory, for all later runs and all processes.
        progress: show a progress bar while images are decoded.

    Raises:
        ValueError: when there is too little room, or naming a file that cannot be read.
    """
    sizes = 4 * index.counts.sum(axis=1)
    ends = np.cumsum([8 * len(samples), *sizes.tolist()])
    if kind == "disk":
        path = cache_folder() / f"{index.fingerprint}.pixels{_FORMAT}"
        _write_file(path, samples, ends, progress)
        return ImageCache(partial(_File, path), ends)
    cache = _IN_MEMORY.get(index.fingerprint)
    if cache is None:
        memory = _fill_memory(samples, ends, progress)
        cache = ImageCache(partial(SharedMemory, memory.name), ends)
        # Unlike weakref's, it also runs at the end of processes that multiprocessing started.
        Finalize(cache, _free, (memory, os.getpid()), exitpriority=0)
        _IN_MEMORY[index.fingerprint] = cache
    return cache


def check_cache(cache_images: str | bool) -> None:
    """Raise ValueError for an unknown ``cache_images``, listing the known ones."""
    if cache_images is not False and cache_images not in CACHES:
        raise ValueError(
            f"cache_images={cache_images!r} is unknown; expected False or one of "
            f"{', '.join(CACHES)}"
        )


# Benchmarks over the same files share one.
_IN_MEMORY: "weakref.WeakValueDictionary[str, ImageCache]" = weakref.WeakValueDictionary()


class _Block(Protocol):
    @property
    def buf(self) -> Any: ...


class _File:
    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.buf = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _write_file(path: Path, samples: Split, ends: NDArray[np.int64], progress: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(path.with_suffix(".lock")):
            _write_once(path, samples, ends, progress)
    except OSError as error:
        raise ValueError(
            f"cache_images='disk': {path} cannot be written ({error}); let AVALANCHE_SEG_CACHE "
            "name another folder, or leave the cache out"
        ) from error


def _write_once(path: Path, samples: Split, ends: NDArray[np.int64], progress: bool) -> None:
    size = int(ends[-1])
    if path.is_file() and path.stat().st_size == size:
        return
    free = shutil.disk_usage(path.parent).free
    check_free_space(
        f"the decoded split {samples.root.name}/{samples.split}",
        size,
        free,
        f"cache_images='disk': {path.parent}",
        "name another folder by AVALANCHE_SEG_CACHE, or leave the cache out",
    )
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.seek(int(ends[0]))
        shapes = np.zeros((len(samples), 2), dtype=np.int32)
        for i, (image, mask) in enumerate(_decoded(samples, progress)):
            file.write(image.data)
            file.write(mask.data)
            shapes[i] = mask.shape
        file.seek(0)
        file.write(shapes.data)


def _fill_memory(samples: Split, ends: NDArray[np.int64], progress: bool) -> SharedMemory:
    size = int(ends[-1])
    check_free_space(
        f"the decoded split {samples.root.name}/{samples.split}",
        size,
        available_memory(),
        "cache_images='memory': shared memory",
        "cache on the disk, or leave the cache out",
    )
    memory = SharedMemory(create=True, size=size)
    try:
        whole: Any = memory.buf
        block = np.frombuffer(whole, dtype=np.uint8)
        shapes = block[: ends[0]].view(np.int32).reshape(-1, 2)
        for i, (image, mask) in enumerate(_decoded(samples, progress)):
            block[ends[i] : ends[i + 1]] = np.concatenate([image.ravel(), mask.ravel()])
            shapes[i] = mask.shape
        del block, shapes, whole  # Or the memory could not be closed.
    except BaseException:
        _free(memory, os.getpid())
        raise
    return memory


def _free(memory: SharedMemory, owner: int) -> None:
    if os.getpid() == owner:  # And not a worker that was forked from it.
        memory.unlink()
        with suppress(BufferError):  # After an error the traceback still looks at it.
            memory.close()


def _decoded(
    samples: Split, progress: bool
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Image H x W x 3 and mask of every sample in order, decoded in threads."""
    pairs = list(zip(samples.images, samples.masks, strict=True))
    title = f"decoding {samples.root.name}/{samples.split}"
    with (
        ThreadPoolExecutor(max_workers=os.cpu_count()) as pool,
        tqdm(total=len(pairs), desc=title, unit="image", disable=not progress, leave=False) as bar,
    ):
        for start in range(0, len(pairs), _PART):  # No further ahead than memory is good for.
            for decoded in pool.map(_decode, pairs[start : start + _PART]):
                yield decoded
                bar.update()


def _decode(pair: tuple[Path, Path]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image, mask = read_image(pair[0]), read_label_map(pair[1])
    return image.permute(1, 2, 0).contiguous().numpy(), np.ascontiguousarray(mask)
