"""From files of masks and of extra maps to their pixels' values."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from avalanche_seg.datasets.orientation import UPRIGHT, orientation_of
from avalanche_seg.datasets.png import plain_rows
from avalanche_seg.labels import WIDE_VOID

__all__ = [
    "DEEP_MODES",
    "LABEL_MODES",
    "UNREADABLE",
    "decode_label_map",
    "open_label_map",
    "open_lossless",
    "read_content",
    "read_extra",
    "read_label_map",
    "unreadable",
]

LABEL_MODES = ("P", "L")
DEEP_MODES = ("I;16", "I;16B", "I;16L", "I")  # The last one is older versions' for PNGs.

UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for a file it cannot read."""

_LOSSY_FORMATS = ("JPEG", "MPO", "JPEG2000", "WEBP", "AVIF", "HEIF")
_LOSSY_COMPRESSIONS = ("jpeg", "tiff_jpeg", "webp", "jpeg2000", "lerc")  # Of TIFF.


def open_label_map(path: Path, content: bytes, what: str = "mask") -> Image.Image:
    """Decode a mask by Pillow; its pixels are the values that were stored.

    Args:
        path: the file, for messages.
        content: of the file.
        what: it is, for messages.

    Raises:
        ValueError: as :func:`open_lossless`, or when the file holds no index of 8 or 16 bits per
            pixel.
    """
    mask, stretched = open_lossless(path, content, what)
    if mask.mode not in (*LABEL_MODES, *DEEP_MODES) or stretched:
        white = "write the class's id for white"
        colours = "convert colours to indices, or give from_folders their table (colors=)"
        remedy = white if mask.mode == "1" else colours
        raise ValueError(
            f"{path}: got a {what} of mode {mask.mode}; expected palette (P) or grey (of 8 or 16 "
            f"bits), where a pixel's value is "
            f"{'its class id' if what == 'mask' else 'what counts'}: {remedy}"
        )
    return mask


def open_lossless(path: Path, content: bytes, what: str) -> tuple[Image.Image, bool]:
    """Decode an image of any mode whose values are as they were written.

    Args:
        path: the file, for messages.
        content: of the file.
        what: it is, for messages.

    Returns:
        the image, and whether Pillow has stretched its grey values to 8 bits.

    Raises:
        ValueError: when the file is unreadable, was compressed with losses, or is to be turned by
            an EXIF orientation.
    """
    try:
        mask = Image.open(io.BytesIO(content))
        # Pillow stretches grey values of under 8 bits to 0..255; their raw mode is "L;4" or so.
        stretched = mask.mode == "L" and any(";" in str(tile[3]) for tile in mask.tile)
        # Of a TIFF it is known until the file is loaded, of a PNG afterwards.
        orientation = UPRIGHT if mask.format == "PNG" else orientation_of(mask)
        lossy = _lossy(mask)
        if lossy is None:
            mask.load()
            orientation = max(orientation, orientation_of(mask))
    except UNREADABLE as error:
        raise unreadable(path, what, error) from error
    if lossy is not None:
        raise ValueError(
            f"{path}: got a {what} coded as {lossy}, which invents values at every edge, whatever "
            "the file's suffix; expected a format without losses: export it from its source as PNG"
        )
    if orientation != UPRIGHT:
        raise ValueError(
            f"{path}: got a {what} with the EXIF orientation {orientation}; expected none, as its "
            f"image is turned upright: turn the {what}'s pixels to lie on the upright image and "
            "save it without the tag"
        )
    return mask, stretched


def unreadable(path: Path, what: str, error: Exception) -> ValueError:
    """The error that names a file and what kept it from being read.

    Args:
        path: the file.
        what: it is.
        error: what reading it raised.
    """
    reason = error
    if isinstance(error, UnidentifiedImageError):  # Its text is the address of a buffer.
        reason = ValueError("its content is of no image format that Pillow knows")
    return ValueError(
        f"{path}: the {what} cannot be read ({reason}); replace the file or take it off the list"
    )


def read_content(path: Path, what: str) -> bytes:
    """The bytes of a file.

    Args:
        path: the file.
        what: it is, for messages.

    Raises:
        ValueError: naming the file when it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, what, error) from error


def _lossy(mask: Image.Image) -> str | None:
    """The name of a format that changes pixels' values, or may have."""
    if mask.format in _LOSSY_FORMATS:
        return mask.format
    compression = str(mask.info.get("compression", ""))
    if mask.format == "TIFF" and compression in _LOSSY_COMPRESSIONS:
        return f"TIFF with {compression.upper()} compression"
    return None


def read_label_map(path: Path, what: str = "mask") -> NDArray[Any]:
    """Read a mask's values, uint8 or of deeper masks uint16, H x W, read-only.

    They are dataset ids, or what a data set's ``label_map`` makes them.

    Args:
        path: the file.
        what: it is, for messages.

    Raises:
        ValueError: when the file is missing; as :func:`open_label_map`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "mask.png"
        ...     Image.fromarray(np.array([[0, 7, 255]], dtype=np.uint8)).save(path)
        ...     read_label_map(path).tolist()
        [[0, 7, 255]]
    """
    return decode_label_map(path, read_content(path, what), what)


def decode_label_map(path: Path, content: bytes, what: str = "mask") -> NDArray[Any]:
    """The same as :func:`read_label_map` of a file whose content is there already.

    Raises:
        ValueError: naming a file that is no mask, or holds values that no mask can.
    """
    rows = plain_rows(content)
    if rows is not None:
        return rows[:, 1:]
    mask = open_label_map(path, content, what)
    if mask.mode in LABEL_MODES:
        return np.asarray(mask, dtype=np.uint8)
    values = np.asarray(mask)
    least, most = int(values.min()), int(values.max())
    if least < 0 or most > WIDE_VOID:
        raise ValueError(
            f"{path}: got a {what} of values {least}..{most}; expected 0..{WIDE_VOID}, an index of "
            "8 or 16 bits per pixel: renumber the classes"
        )
    return values.astype(np.uint16)


def read_extra(path: Path, size: tuple[int, int]) -> Tensor:
    """Read an extra map of a sample, such as its saliency, as uint8, H x W.

    Args:
        path: an 8-bit single-channel image.
        size: (H, W) of the sample's image.

    Raises:
        ValueError: naming the file when it is missing, unreadable, of another kind or size.
    """
    values = read_label_map(path, "extra map")
    if values.dtype != np.uint8:
        raise ValueError(f"{path}: got an extra map of 16 bits; expected 8: scale it to 0..255")
    if values.shape != size:
        raise ValueError(
            f"{path}: got an extra map of {values.shape[1]}x{values.shape[0]} for an image of "
            f"{size[1]}x{size[0]} pixels; expected the same size: export it at its image's size"
        )
    return torch.from_numpy(values.copy())
