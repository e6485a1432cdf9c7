"""One scan of a split's masks: how many pixels of every value each image holds.

The table answers every question about splits (presence), memory policies (area) and balance
without reading a mask again. It is cached, together with digests of all contents, until the system
says that a file may have changed; see :func:`avalanche_seg.datasets.contents.file_states`.
"""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.cache_folder import cache_folder, remove_leftovers
from avalanche_seg.datasets.contents import content_digest, file_states, items_by_sample
from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.mask_scan import MaskStatistics, Scan, scan
from avalanche_seg.datasets.mask_values import MaskValues
from avalanche_seg.datasets.orientation import UPRIGHT
from avalanche_seg.datasets.sources import content_of
from avalanche_seg.datasets.value_counts import ValueCounts
from avalanche_seg.system import atomic_write, is_main

__all__ = ["known_scan", "mask_statistics"]

_LOOKED_AT = 16  # Samples at every start.
_MOST_OF_8_BITS = 255


def mask_statistics(
    split: Split, *, n_values: int | None = None, progress: bool = True
) -> MaskStatistics:
    """The mask statistics of a split: from the cache, or by a scan of every mask.

    Args:
        split: the split.
        n_values: how many dataset ids have a class name; None for those of the data set that the
            split belongs to. Masks without a label map hold 0..n_values - 1 or 255 (void).
        progress: show a progress bar during a scan.

    Raises:
        ValueError: naming the first bad file: unreadable, image and mask of different sizes, mask
            without one index per pixel, value that is no class. For a split without
            ``n_values`` that belongs to no data set.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc, read_voc
        >>> with tempfile.TemporaryDirectory() as name:
        ...     files = read_voc(make_synthetic_voc(name, n_train=20, n_val=20, size=(48, 64)))
        ...     statistics = mask_statistics(files.train, n_values=21, progress=False)
        >>> statistics.counts.shape, int(statistics.counts[0].sum())
        ((20, 256), 3072)
    """
    values = _values(split, n_values)
    known = known_scan(split, values=values, progress=progress)
    _warn_of_turned_images(split, known.orientations)
    counts = values.counts_by_id(known.counts)
    is_deep = bool((known.counts.values > _MOST_OF_8_BITS).any())
    return MaskStatistics(counts, known.digests, known.orientations, is_deep)


def known_scan(split: Split, *, values: MaskValues, progress: bool = True) -> Scan:
    """The scan of a split: from the cache, or made now and cached.

    Args:
        split: the split.
        values: what the masks' values mean; others are errors.
        progress: show a progress bar during a scan.

    Raises:
        ValueError: as :func:`mask_statistics`.
    """
    remove_leftovers(cache_folder())
    states = file_states(split)
    path = cache_folder() / f"{states}.npz"
    known = None if states is None else _load(path, split)
    if known is None or _differ(split, known.digests):
        known = scan(split, values=values, progress=progress)
        if states is not None and file_states(split) == states:  # Else a file was written.
            _save(path, known)
    values.check(split.masks, known.counts)  # A cached scan may have known more classes.
    return known


def _values(split: Split, n_values: int | None) -> MaskValues:
    if split.values is None:
        if n_values is None:
            raise ValueError(
                f"{split.root}/{split.name} belongs to no SegmentationFiles, which knows the "
                "classes; pass n_values"
            )
        return MaskValues(n_values)
    return split.values if n_values is None else replace(split.values, n_ids=n_values)


def _differ(split: Split, digests: NDArray[np.uint64]) -> bool:
    """Whether some samples have other contents, which not every file system's times tell."""
    items = list(items_by_sample(split))
    step = max(1, -(-len(items) // _LOOKED_AT))
    return any(
        content_digest(content_of(item, "file")) != digest
        for i in range(0, len(items), step)
        for item, digest in zip(items[i], digests[i].tolist(), strict=True)
    )


def _warn_of_turned_images(split: Split, orientations: NDArray[np.uint8]) -> None:
    turned = np.flatnonzero(orientations != UPRIGHT)
    if len(turned) and is_main():
        first = turned[0]
        warnings.warn(
            f"{len(turned)} of the {len(split)} images of {split.root}/{split.name} have an EXIF "
            f"orientation other than 1, such as {split.images[first]} ({orientations[first]}); "
            "they are turned upright, as viewers show them, so their masks must be drawn on the "
            "upright image",
            stacklevel=3,
        )


def _load(path: Path, split: Split) -> Scan | None:
    try:
        file = path.open("rb")
    except OSError:
        return None
    try:
        with file, np.load(file, allow_pickle=False) as stored:
            counts = ValueCounts(*(stored[name] for name in ValueCounts._fields))
            known = Scan(counts, stored["digests"], stored["orientations"])
    except Exception as error:  # NumPy and zipfile raise half a dozen types on a damaged file.
        warnings.warn(f"{path} is damaged ({error}); scanning the masks again", stacklevel=3)
        return None
    n_images, n_items = len(split), 2 + len(split.extras)
    n_entries = int(counts.starts[-1]) if len(counts.starts) else 0
    expected = [(n_images + 1,), (n_entries,), (n_entries,), (n_images, n_items), (n_images,)]
    found = [table.shape for table in (*counts, known.digests, known.orientations)]
    return known if found == expected else None


def _save(path: Path, known: Scan) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                **known.counts._asdict(),
                digests=known.digests,
                orientations=known.orientations,
            )
    except OSError as error:
        warnings.warn(
            f"the mask statistics were not cached in {path.parent} ({error}); every start scans "
            "the masks again until AVALANCHE_SEG_CACHE names a folder that can be written",
            stacklevel=3,
        )
