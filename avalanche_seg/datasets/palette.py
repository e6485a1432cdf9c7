"""Colours of label maps: VOC's palette, and the one place that colours labels by it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.labels import N_LABELS

__all__ = ["check_palette", "colorize", "voc_palette"]


def voc_palette(n: int = N_LABELS) -> list[int]:
    """Give the standard VOC colour palette.

    The bits of an index, taken three at a time, are spread over red, green and blue from the
    highest bit down, so that neighbouring indices get colours far apart.

    Args:
        n: how many colours.

    Returns:
        3 n integers in 0..255: red, green, blue of index 0, of index 1, ... of index n - 1; the
        form that ``PIL.Image.Image.putpalette`` takes.

    Example:
        >>> palette = voc_palette()
        >>> palette[:9]
        [0, 0, 0, 128, 0, 0, 0, 128, 0]
        >>> palette[-3:]
        [224, 224, 192]
    """
    return [
        sum(((index >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(8))
        for index in range(n)
        for channel in range(3)
    ]


def colorize(
    labels: NDArray[np.integer[Any]], palette: Sequence[int], class_ids: Sequence[int]
) -> NDArray[np.uint8]:
    """Colour a label map of channels with the palette's colours of their dataset ids.

    Args:
        labels: integers of 0 or more, H x W, channels. Void and labels without a channel get void's
            colour, the last one.
        palette: 768 integers in 0..255: red, green and blue of every dataset id, the last ones for
            void; or more, for more than 255 ids.
        class_ids: dataset id of every channel; beyond the palette it is void.

    Returns:
        uint8, H x W x 3, RGB.

    Raises:
        ValueError: for labels that are no integers, or a palette of another length.

    Example:
        >>> labels = np.array([[0, 1, 255]], dtype=np.uint8)
        >>> colorize(labels, voc_palette(), class_ids=(0, 2)).tolist()
        [[[0, 0, 0], [0, 128, 0], [224, 224, 192]]]
    """
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"got labels of {labels.dtype}; expected integers: convert them first")
    check_palette(palette)
    colours = np.asarray(palette, dtype=np.uint8).reshape(-1, 3)
    void = len(colours) - 1
    of_label = colours[np.minimum([*class_ids, void], void)]
    return of_label[np.minimum(labels, len(class_ids))]


def check_palette(palette: Sequence[int]) -> None:
    """ValueError unless there are three integers for each of 256 or more dataset ids."""
    if len(palette) < 3 * N_LABELS or len(palette) % 3:
        raise ValueError(
            f"got a palette of {len(palette)} integers; expected {3 * N_LABELS}: red, green and "
            "blue of every dataset id"
        )
