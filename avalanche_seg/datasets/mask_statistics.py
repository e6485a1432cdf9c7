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

    Example:
        >>> counts = np.zeros((1, 256), dtype=np.int64)
        >>> counts[0, [0, 7]] = [90, 10]
        >>> np.flatnonzero(MaskStatistics(counts, "").presence[0]).tolist()
        [0, 7]
    """

    counts: NDArray[np.int64]
    fingerprint: str

    @property
    def presence(self) -> NDArray[np.bool_]:
        """bool, N x 256: mask i has a pixel of value v."""
        return self.counts > 0


def mask_statistics(split: Split, *, n_values: int, progress: bool = True) -> MaskStatistics:
    """The mask statistics of a split: from the cache, or by a scan of every mask.

    Args:
        split: the split.
        n_values: how many values have a class name; masks hold 0..n_values - 1 or 255 (void).
        progress: show a progress bar during a scan.

    Raises:
        ValueError: naming the first bad file: unreadable, image and mask of different sizes, mask
            without one index per pixel, value that is no class.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc, read_voc
        >>> with tempfile.TemporaryDirectory() as name:
        ...     files = read_voc(make_synthetic_voc(name, n_train=20, n_val=20, size=(48, 64)))
        ...     statistics = mask_statistics(files.train, n_values=21, progress=False)
        >>> statistics.counts.shape, int(statistics.counts[0].sum())
        ((20, 256), 3072)
    """
    digest = fingerprint(split)
    path = cache_folder() / f"{digest}.npz"
    counts = _load(path, len(split))
    if counts is None:
        counts = scan(split, n_values=n_values, progress=progress)
        _save(path, counts)
    check_values(split.masks, counts, n_values)  # A cached scan may have known more classes.
    return MaskStatistics(counts, digest)


def fingerprint(split: Split) -> str:
    """SHA-256 over path, size and modification time of every file of a split."""
    digest = hashlib.sha256(f"mask statistics {_FORMAT}\n".encode())
    here = Path.cwd()
    extras = (path for name in sorted(split.extras) for path in split.extras[name])
    for path in (*split.images, *split.masks, *extras):
        stat = path.stat()
        whole = path if path.is_absolute() else here / path
        digest.update(f"{whole}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Where mask statistics and decoded images are cached.

    ``$AVALANCHE_SEG_CACHE``, or ``avalanche_seg`` in the user's cache folder. Never the data set's
    own folder, which may be shared or read-only.
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
            f"the mask statistics were not cached in {path.parent} ({error}); every start scans "
            "the masks again until AVALANCHE_SEG_CACHE names a folder that can be written",
            stacklevel=3,
        )
