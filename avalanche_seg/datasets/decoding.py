"""From files to pixels: images as RGB, masks as dataset ids, extras as they are."""

import io
from pathlib import Path

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from avalanche_seg.datasets.png import plain_rows

__all__ = [
    "LABEL_MODES",
    "UNREADABLE",
    "open_label_map",
    "read_extra",
    "read_image",
    "read_label_map",
]

LABEL_MODES = ("P", "L")

UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for a file it cannot read."""


def open_label_map(path: Path, what: str = "mask") -> Image.Image:
    """Open and decode a mask; its pixel values are dataset ids.

    Args:
        path: the file.
        what: it is, for messages.

    Raises:
        ValueError: when the file is missing, unreadable, or holds no 8-bit index per pixel.
    """
    try:
        mask = Image.open(path)
        # Pillow stretches grey values of under 8 bits to 0..255; their raw mode is "L;4" or so.
        stretched = mask.mode == "L" and any(";" in str(tile[3]) for tile in mask.tile)
        mask.load()
    except UNREADABLE as error:
        raise ValueError(
            f"{path}: the {what} cannot be read ({error}); replace the file or take it off the list"
        ) from error
    if mask.mode not in LABEL_MODES or stretched:
        raise ValueError(
            f"{path}: got a {what} of mode {mask.mode}; expected palette (P) or 8-bit grey (L), "
            f"where a pixel's value is {'its class id' if what == 'mask' else 'what counts'}: "
            "convert colours to indices"
        )
    return mask


def read_label_map(path: Path, what: str = "mask") -> NDArray[np.uint8]:
    """Read a mask as dataset ids, uint8, H x W, read-only.

    Args:
        path: the file.
        what: it is, for messages.

    Raises:
        ValueError: as :func:`open_label_map`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "mask.png"
        ...     Image.fromarray(np.array([[0, 7, 255]], dtype=np.uint8)).save(path)
        ...     read_label_map(path).tolist()
        [[0, 7, 255]]
    """
    try:
        rows = plain_rows(path.read_bytes())
    except OSError:
        rows = None  # Reading it again names what is wrong.
    return np.asarray(open_label_map(path, what), dtype=np.uint8) if rows is None else rows[:, 1:]


def read_extra(path: Path, size: tuple[int, int]) -> Tensor:
    """Read an extra map of a sample, such as its saliency, as uint8, H x W.

    Args:
        path: an 8-bit single-channel image.
        size: (H, W) of the sample's image.

    Raises:
        ValueError: naming the file when it is missing, unreadable, of another kind or size.
    """
    values = read_label_map(path, "extra map")
    if values.shape != size:
        raise ValueError(
            f"{path}: got an extra map of {values.shape[1]}x{values.shape[0]} for an image of "
            f"{size[1]}x{size[0]} pixels; expected the same size: export it at its image's size"
        )
    return torch.from_numpy(values.copy())


def read_image(path: Path) -> Tensor:
    """Read an image as uint8, 3 x H x W, RGB, 0..255, with the channels last in memory.

    Raises:
        ValueError: when the file is missing or unreadable.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "image.png"
        ...     Image.new("RGB", (5, 4), (1, 2, 3)).save(path)
        ...     image = read_image(path)
        >>> image.shape, image[:, 0, 0].tolist()
        (torch.Size([3, 4, 5]), [1, 2, 3])
    """
    try:
        content = np.fromfile(path, dtype=np.uint8)
        pixels = _decode_jpeg(content)
        if pixels is None:
            with Image.open(io.BytesIO(content.data)) as image:
                pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    except UNREADABLE as error:
        raise ValueError(
            f"{path}: the image cannot be read ({error}); replace the file or take it off the list"
        ) from error
    return pixels


def _decode_jpeg(content: NDArray[np.uint8]) -> Tensor | None:
    """A colour photograph's pixels by torchvision: the same as Pillow's, sooner.

    None leaves other files to Pillow: grey and CMYK ones, damaged ones, and all where torchvision
    has no decoder (it is announced to go: a warning, and an error for those who make it one).
    """
    if bytes(content[:3]) != b"\xff\xd8\xff":
        return None
    try:
        pixels = torchvision.io.decode_jpeg(torch.from_numpy(content))
    except (AttributeError, RuntimeError, DeprecationWarning):
        return None
    return pixels if len(pixels) == 3 else None
