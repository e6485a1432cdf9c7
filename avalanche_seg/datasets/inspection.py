"""Every file of a split looked at, with all that is wrong: nothing stops at the first bad one."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.image_facts import ImageFacts, image_facts, pooled
from avalanche_seg.datasets.mask_scan import MaskStatistics, Scan, scan
from avalanche_seg.datasets.mask_statistics import by_id, known_scan, turned_images
from avalanche_seg.datasets.mask_values import MaskValues
from avalanche_seg.datasets.orientation import UPRIGHT
from avalanche_seg.datasets.value_counts import ValueCounts
from avalanche_seg.labels import WIDE_VOID

__all__ = ["SplitFacts", "inspect_split"]

_ANY_VALUE = MaskValues(WIDE_VOID)  # Values without a class name are counted, not refused.
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class SplitFacts:
    """What is known of a split once every file was looked at.

    Attributes:
        split: the split.
        statistics: of its masks, without values that are no class; the rows of files that cannot be
            read are 0.
        is_readable: bool, N; training takes the sample's image, mask and extras.
        sizes: int64, N x 2; height and width of every image as shown, 0 where it is not known.
        kinds: how many image files there are of every format and mode, such as "JPEG RGB".
        mean: by channel, over all pixels, in 0..1; empty where pixels were not looked at.
        std: standard deviation, the same.
        refused: what training would say of every sample, or value, that it refuses.
        remarks: what is odd about files that training takes, a sentence each.
    """

    split: Split
    statistics: MaskStatistics
    is_readable: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    kinds: Counter[str]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    refused: tuple[str, ...]
    remarks: tuple[str, ...]


def inspect_split(
    split: Split, *, pixels: bool = True, progress: bool = True, threads: int | None = None
) -> SplitFacts:
    """Look at every file of a split; what training would refuse is listed, not raised.

    Counts come from the cached mask statistics where there are some, and are cached otherwise, so
    that a training finds them.

    Args:
        split: the split.
        pixels: decode every image: damaged pixels are found then, and mean and deviation known.
            False reads the heads alone, which takes a fraction of the time.
        progress: show progress bars.
        threads: how many; None takes one per core.

    Raises:
        ValueError: for a split that belongs to no data set.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc, read_voc
        >>> with tempfile.TemporaryDirectory() as name:
        ...     files = read_voc(make_synthetic_voc(name, n_train=20, n_val=20, size=(48, 64)))
        ...     facts = inspect_split(files.train, progress=False)
        >>> facts.kinds, facts.sizes[0].tolist(), facts.refused
        (Counter({'JPEG RGB': 20}), [48, 64], ())
    """
    if split.values is None:
        raise ValueError(
            f"{split.root}/{split.name} belongs to no SegmentationFiles, which knows the classes; "
            "take the split of one"
        )
    known, refused = _scanned_split(split, progress, threads)
    images = _in_threads(
        partial(image_facts, pixels=pixels),
        split.images,
        f"images of {split.root.name}/{split.name}",
        progress,
        threads,
    )
    for i, facts in enumerate(images):
        if facts.refused:
            refused.setdefault(i, facts.refused)
    is_unknown = split.values.is_unknown[known.counts.values]
    unknown = known.counts.kept(is_unknown)
    is_readable = np.ones(len(split), dtype=bool)
    is_readable[[*refused, *unknown.mask_of_entry().tolist()]] = False
    mean, std = pooled(images)
    return SplitFacts(
        split=split,
        statistics=by_id(known._replace(counts=known.counts.kept(~is_unknown)), split.values),
        is_readable=is_readable,
        sizes=np.array([facts.size for facts in images], dtype=np.int64).reshape(-1, 2),
        kinds=Counter(facts.kind for facts in images if facts.kind),
        mean=mean,
        std=std,
        refused=(
            *(refused[i] for i in sorted(refused)),
            *_unknown_values(split, split.values, unknown),
        ),
        remarks=tuple(_remarks(split, images, known.orientations)),
    )


def _scanned_split(
    split: Split, progress: bool, threads: int | None
) -> tuple[Scan, dict[int, str]]:
    """The scan of a split, and by index what is wrong with samples that cannot be scanned."""
    try:
        return known_scan(split, values=_ANY_VALUE, progress=progress), {}
    except ValueError:  # Of the first bad file: now for all of them.
        title = f"all files of {split.root.name}/{split.name}"
        samples = [_sample(split, i) for i in range(len(split))]
        found = _in_threads(_scanned, samples, title, progress, threads)
    refused = {i: one for i, one in enumerate(found) if isinstance(one, str)}
    empty = Scan(
        ValueCounts(np.zeros(2, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.int64)),
        np.zeros((1, 2 + len(split.extras)), dtype=np.uint64),
        np.full(1, UPRIGHT, dtype=np.uint8),
    )
    parts = [empty if isinstance(one, str) else one for one in found]
    counts, digests, orientations = zip(*parts, strict=True)
    joined = ValueCounts.joined(counts)
    return Scan(joined, np.concatenate(digests), np.concatenate(orientations)), refused


def _sample(split: Split, i: int) -> Split:
    """A split of one sample."""
    extras = {name: files[i : i + 1] for name, files in split.extras.items()}
    images, masks = split.images[i : i + 1], split.masks[i : i + 1]
    return replace(split, images=images, masks=masks, extras=extras)


def _scanned(sample: Split) -> Scan | str:
    try:
        return scan(sample, values=_ANY_VALUE, progress=False, threads=1)
    except ValueError as error:
        return str(error)


def _unknown_values(split: Split, values: MaskValues, counts: ValueCounts) -> Iterator[str]:
    """What to say of every value that is no class.

    Args:
        split: the split.
        values: what its masks' values mean.
        counts: of the values that mean nothing.
    """
    masks = counts.mask_of_entry()
    for value in np.unique(counts.values).tolist():
        entries = np.flatnonzero(counts.values == value)
        yield (
            f"{split.root}/{split.name}: the value {value} is no class, and {len(entries)} of the "
            f"{len(split)} masks hold {int(counts.pixels[entries].sum())} pixels of it, such as "
            f"{split.masks[masks[entries[0]]]}; expected {values.expected()}"
        )


def _remarks(
    split: Split, images: Sequence[ImageFacts], orientations: NDArray[np.uint8]
) -> Iterator[str]:
    """Odd files that training takes."""
    if (turned := turned_images(split, orientations)) is not None:
        yield turned
    where = f"of the {len(split)} images of {split.root}/{split.name}"
    misnamed = [i for i, facts in enumerate(images) if facts.is_misnamed]
    if misnamed:
        first = misnamed[0]
        yield (
            f"{len(misnamed)} {where} have the suffix of another format, such as "
            f"{split.images[first]} ({images[first].kind}); they are read by their content"
        )
    suffixes = Counter(Path(item.name).suffix for item in split.images).most_common()
    if len(suffixes) > 1:
        kinds = ", ".join(f"{suffix or 'none'} {n}" for suffix, n in suffixes)
        yield f"the images of {split.root}/{split.name} have {len(suffixes)} suffixes: {kinds}"


def _in_threads(
    work: Callable[..., _T], items: Sequence[object], title: str, progress: bool, n: int | None
) -> list[_T]:
    """What a function gives for every item, in order, with a progress bar."""
    with (
        ThreadPoolExecutor(n or os.cpu_count()) as pool,
        tqdm(total=len(items), desc=title, unit="file", disable=not progress, leave=False) as bar,
    ):
        results = []
        for result in pool.map(work, items):
            results.append(result)
            bar.update()
    return results
