"""What the flags of a command line say of a data set's images."""

from collections.abc import Sequence
from dataclasses import replace

from avalanche_seg.datasets import SegmentationFiles

__all__ = ["with_images"]


def with_images(
    files: SegmentationFiles,
    *,
    in_channels: int | None = None,
    value_range: Sequence[float] | None = None,
) -> SegmentationFiles:
    """A data set whose images are read as the flags say.

    Args:
        files: the data set.
        in_channels: of the images; None for those of the data set.
        value_range: the values that become black and white; the same.

    Raises:
        ValueError: for a number of channels or a range that is none.
    """
    if in_channels is None and value_range is None:
        return files
    ends = files.value_range if value_range is None else (value_range[0], value_range[1])
    return replace(files, n_channels=in_channels or files.n_channels, value_range=ends)
