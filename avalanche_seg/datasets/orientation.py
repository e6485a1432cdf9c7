"""EXIF's orientation: which way up an image is shown.

Cameras store the pixels as the sensor gives them and a tag that says how to turn them. Viewers and
annotation tools turn them, so masks are drawn on the upright image.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["UPRIGHT", "orientation_of", "swaps_sides", "turn_upright"]

UPRIGHT = 1
"""The orientation of an image that is stored as it is shown."""

_TAG = 0x0112

Pixels = NDArray[np.uint8]

# By EXIF's value; from 5 on height and width change places.
_TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}


def orientation_of(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 (upright) where there is none, or none that can be read.

    Pillow turns TIFF files itself when it loads them, and then forgets the tag.
    """
    try:
        value = image.getexif().get(_TAG, UPRIGHT)
    except Exception:  # Pillow raises half a dozen types on damaged tags, which viewers pass over.
        return UPRIGHT
    return value if isinstance(value, int) and value in _TURNS else UPRIGHT


def swaps_sides(orientation: int) -> bool:
    """Whether height and width change places."""
    return orientation >= 5


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels as viewers show them.

    Args:
        pixels: H x W or H x W x channels.
        orientation: EXIF's, 1 to 8.

    Returns:
        the same array for 1, else a new one; of 5 to 8 it is W x H.

    Example:
        >>> turn_upright(np.array([[1, 2, 3]], dtype=np.uint8), 6).tolist()
        [[1], [2], [3]]
        >>> turn_upright(np.array([[1, 2, 3]], dtype=np.uint8), 3).tolist()
        [[3, 2, 1]]
    """
    turn = _TURNS.get(orientation)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))
