"""One scan of a split's masks: how many pixels of every value each image holds.

The table answers every question about splits (presence), memory policies (area) and balance
without reading a mask again. It is cached under a fingerprint of the files it was made from.
"""

import hashlib
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from avalanche_seg.atomic import atomic_write
from avalanche_seg.benchmarks.devkit import UNREADABLE, Samples, read_label_map
from avalanche_seg.labels import N_LABELS, VOID

__all__ = ["ClassIndex", "cache_folder", "class_index", "fingerprint", "pixel_counts", "scan"]

_FORMAT = 1  # Raise it when what a scan stores or checks changes: old caches are then not used.
_PART = 16  # Masks a thread takes at a time.
_TOGETHER = 4  # Masks counted at once.


@dataclass(frozen=True)
class ClassIndex:
    """Pixel counts of one split.

    Args:
        counts: int64, N x 256; ``counts[i, v]`` = pixels of value v in mask i.
        fingerprint: hexadecimal digest of the files the counts were made from.
    """

    counts: NDArray[np.int64]
    fingerprint: str

    @property
    def presence(self) -> NDArray[np.bool_]:
        """bool, N x 256: mask i has a pixel of value v."""
        return self.counts > 0


def class_index(samples: Samples, *, n_foreground: int, progress: bool = True) -> ClassIndex:
    """The class index of a split: from the cache, or by a scan of every mask.

    Args:
        samples: the split.
        n_foreground: number of foreground classes; mask values must be 0..n_foreground or 255.
        progress: show a progress bar during a scan.

    Raises:
        ValueError: naming the first bad file: unreadable, image and mask of different sizes, mask
            without one index a pixel, value that is no class.
    """
    digest = fingerprint(samples)
    path = cache_folder() / f"{digest}.npz"
    counts = _load(path, len(samples))
    if counts is None:
        counts = scan(samples, n_foreground=n_foreground, progress=progress)
        _save(path, counts)
    _check_values(samples.masks, counts, n_foreground)  # A cached scan may have known more classes.
    return ClassIndex(counts, digest)


def fingerprint(samples: Samples) -> str:
    """SHA-256 over path, size and modification time of every image and mask of a split."""
    digest = hashlib.sha256(f"class index {_FORMAT}\n".encode())
    here = Path.cwd()
    for path in (*samples.images, *samples.masks):
        stat = path.stat()
        whole = path if path.is_absolute() else here / path
        digest.update(f"{whole}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Where class indices are cached.

    ``$AVALANCHE_SEG_CACHE``, or ``avalanche_seg`` in the user's cache folder. Never the devkit
    itself, which may be shared or read-only.
    """
    explicit = os.environ.get("AVALANCHE_SEG_CACHE")
    if explicit:
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "avalanche_seg"


def scan(
    samples: Samples, *, n_foreground: int, progress: bool = True, threads: int | None = None
) -> NDArray[np.int64]:
    """Count the pixels of every value in every mask, in parallel threads.

    Args:
        samples: the split.
        n_foreground: number of foreground classes; mask values must be 0..n_foreground or 255.
        progress: show a progress bar.
        threads: how many; None takes one a core. Files are read and decoded outside the
            interpreter's lock.

    Returns:
        int64, N x 256.

    Raises:
        ValueError: naming the first bad file of the split.
    """
    counts = np.zeros((len(samples), N_LABELS), dtype=np.int64)
    starts = range(0, len(samples), _PART)
    parts = [samples.masks[start : start + _PART] for start in starts]
    images = [samples.images[start : start + _PART] for start in starts]
    with (
        ThreadPoolExecutor(threads or os.cpu_count()) as pool,
        tqdm(
            total=len(samples),
            desc=f"class index of {samples.root.name}/{samples.split}",
            unit="mask",
            disable=not progress,
            leave=False,
        ) as bar,
    ):
        try:
            rows = pool.map(partial(_count, n_foreground=n_foreground), images, parts)
            for start, counted in zip(starts, rows, strict=True):
                counts[start : start + len(counted)] = counted
                bar.update(len(counted))
        except ValueError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return counts


def _count(
    images: Sequence[Path], masks: Sequence[Path], *, n_foreground: int
) -> NDArray[np.int64]:
    """Count and check some masks: few calls of the pool, as each costs a tenth of a mask."""
    counts = np.empty((len(masks), N_LABELS), dtype=np.int64)
    for start in range(0, len(masks), _TOGETHER):
        these = slice(start, start + _TOGETHER)
        read: list[NDArray[np.uint8]] = []
        try:
            for image, mask in zip(images[these], masks[these], strict=True):
                read.append(_read(image, mask))
        finally:  # Of several bad files the first is named.
            counted = pixel_counts(*read)
            _check_values(masks[these], counted, n_foreground)
        counts[these] = counted
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


def _check_values(masks: Sequence[Path], counts: NDArray[np.int64], n_foreground: int) -> None:
    foreign = counts[:, n_foreground + 1 : VOID] > 0
    if foreign.any():
        image, value = np.argwhere(foreign)[0]
        raise ValueError(
            f"{masks[image]}: value {value + n_foreground + 1} is no class; expected 0 "
            f"(background), 1..{n_foreground} or {VOID} (void). Correct the mask or the list of "
            "class names"
        )


def _load(path: Path, n_images: int) -> NDArray[np.int64] | None:
    try:
        file = path.open("rb")
    except OSError:
        return None
    try:
        with file, np.load(file, allow_pickle=False) as stored:
            counts = stored["counts"]
    except Exception as error:  # NumPy and zipfile raise half a dozen types on a damaged file.
        warnings.warn(f"{path} is damaged ({error}); scanning the masks again", stacklevel=3)
        return None
    return counts if counts.shape == (n_images, N_LABELS) else None


def _save(path: Path, counts: NDArray[np.int64]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, counts=counts)
    except OSError as error:
        warnings.warn(
            f"the class index was not cached in {path.parent} ({error}); every start scans the "
            "masks again until AVALANCHE_SEG_CACHE names a folder that can be written",
            stacklevel=3,
        )
