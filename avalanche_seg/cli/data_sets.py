"""The data set that a command line names, with what its flags say of the images."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from avalanche_seg.datasets import SegmentationFiles, read_files

__all__ = ["read_data_set"]


def read_data_set(
    name: str,
    root: str | Path,
    *,
    in_channels: int | None = None,
    value_range: Sequence[float] | None = None,
) -> SegmentationFiles:
    """Read a data set by its reader's name.

    Args:
        name: as for :func:`avalanche_seg.datasets.read_files`.
        root: the same.
        in_channels: of the images; None for those of the data set.
        value_range: the values that become black and white; the same.

    Raises:
        ValueError: as the reader does.
    """
    files = read_files(name, root)
    if in_channels is None and value_range is None:
        return files
    ends = files.value_range if value_range is None else (value_range[0], value_range[1])
    return replace(files, n_channels=in_channels or files.n_channels, value_range=ends)
