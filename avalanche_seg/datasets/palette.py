"""Colours of label maps: VOC's palette, and the one place that colours labels by it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.labels import N_LABELS, VOID

__all__ = ["colorize", "voc_palette"]


def voc_palette() -> list[int]:
    """Give the standard VOC colour palette.

    The bits of an index, taken three at a time, are spread over red, green and blue from the
    highest bit down, so that neighbouring indices get colours far apart.

    Returns:
        768 integers in 0..255: red, green, blue of index 0, of index 1, ... of index 255; the form
        that ``PIL.Image.Image.putpalette`` takes.

    Example:
        >>> palette = voc_palette()
        >>> palette[:9]
        [0, 0, 0, 128, 0, 0, 0, 128, 0]
        >>> palette[-3:]
        [224, 224, 192]
    """
    return [
        sum(((index >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(8))
        for index in range(256)
        for channel in range(3)
    ]


def colorize(
    labels: NDArray[np.uint8], palette: Sequence[int], class_ids: Sequence[int]
) -> NDArray[np.uint8]:
    """Colour a label map of channels with the palette's colours of their dataset ids.

    Args:
        labels: uint8, H x W, channels. 255 (void) and labels without a channel get void's colour,
            that of dataset id 255.
        palette: 768 integers in 0..255: red, green and blue of every dataset id.
        class_ids: dataset id of every channel.

    Returns:
        uint8, H x W x 3, RGB.

    Raises:
        ValueError: for labels that are not uint8, a palette of another length, or more channels
            than an 8-bit label map can name.

    Example:
        >>> labels = np.array([[0, 1, 255]], dtype=np.uint8)
        >>> colorize(labels, voc_palette(), class_ids=(0, 2)).tolist()
        [[[0, 0, 0], [0, 128, 0], [224, 224, 192]]]
    """
    if labels.dtype != np.uint8:
        raise ValueError(f"got labels of {labels.dtype}; expected uint8: convert them first")
    if len(palette) != 3 * N_LABELS:
        raise ValueError(
            f"got a palette of {len(palette)} integers; expected {3 * N_LABELS}: red, green and "
            "blue of every dataset id"
        )
    if len(class_ids) > VOID:
        raise ValueError(f"got {len(class_ids)} class_ids; expected at most {VOID}")
    id_of_label = np.full(N_LABELS, VOID)
    id_of_label[: len(class_ids)] = class_ids
    colours = np.asarray(palette, dtype=np.uint8).reshape(N_LABELS, 3)
    return colours[id_of_label][labels]
