"""The data sets that can be had by name: command-line choices and benchmarks come from here."""

from collections.abc import Callable
from pathlib import Path

from avalanche_seg.datasets.ade20k import read_ade20k
from avalanche_seg.datasets.cityscapes import read_cityscapes, read_cityscapes_domains
from avalanche_seg.datasets.description import SegmentationFiles
from avalanche_seg.datasets.folder import read_folder
from avalanche_seg.datasets.synthetic import make_synthetic_voc
from avalanche_seg.datasets.voc import read_voc
from avalanche_seg.system import broadcast, is_main

__all__ = ["READERS", "read_files", "read_synthetic", "reader_help"]


def read_synthetic(root: Path) -> SegmentationFiles:
    """Read the made-up VOC, which is written first where it is missing.

    Args:
        root: folder to hold it.

    Raises:
        ValueError: as :func:`avalanche_seg.datasets.make_synthetic_voc`.
    """
    # One of several processes writes; the others wait for the path.
    return read_voc(Path(broadcast(str(make_synthetic_voc(root)) if is_main() else None)))


READERS: dict[str, Callable[[Path], SegmentationFiles]] = {
    "synthetic": read_synthetic,
    "voc": read_voc,
    "folder": read_folder,
    "ade20k": read_ade20k,
    "cityscapes": read_cityscapes,
    "cityscapes_domains": read_cityscapes_domains,
}
"""Readers by name: a folder to the description of its data set.

A data set of your own is known everywhere by one entry: ``READERS["mine"] = read_mine``. The first
line of the reader's docstring is its help.
"""


def reader_help() -> dict[str, str]:
    """One line of help for every reader, by name.

    Example:
        >>> reader_help()["voc"]
        'Read VOC 2012 in any of its usual layouts.'
    """
    return {name: (read.__doc__ or name).strip().splitlines()[0] for name, read in READERS.items()}


def read_files(name: str, root: str | Path) -> SegmentationFiles:
    """Read a data set by its reader's name.

    Args:
        name: one of ``READERS``.
        root: the folder the reader looks in.

    Raises:
        ValueError: for an unknown name, listing the known ones; as the reader does.

    Example:
        >>> read_files("imagenet", "data")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: the data set 'imagenet' is unknown; expected one of synthetic, voc, folder, ...
    """
    if name not in READERS:
        raise ValueError(f"the data set {name!r} is unknown; expected one of {', '.join(READERS)}")
    return READERS[name](Path(root))
