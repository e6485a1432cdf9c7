"""One scan of a split's masks: how many pixels of every value each image holds.

The table answers every question about splits (presence), memory policies (area) and balance
without reading a mask again. It is cached under a fingerprint of the files it was made from.
"""

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.mask_scan import check_values, scan
from avalanche_seg.labels import N_LABELS
from avalanche_seg.system import atomic_write

__all__ = ["MaskStatistics", "cache_folder", "mask_statistics", "fingerprint"]

_FORMAT = 1  # Raise it when what a scan stores or checks changes: old caches are then not used.


@dataclass(frozen=True)
class MaskStatistics:
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


def mask_statistics(samples: Split, *, n_foreground: int, progress: bool = True) -> MaskStatistics:
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
    check_values(samples.masks, counts, n_foreground)  # A cached scan may have known more classes.
    return MaskStatistics(counts, digest)


def fingerprint(samples: Split) -> str:
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
