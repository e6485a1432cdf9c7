"""The one reader of images: training, evaluation, cache and prediction see the same pixels.

Every bit depth becomes 8 bits and every mode RGB, and EXIF's orientation is applied. What has no
known white, such as floating point, is refused when the masks are checked, before any training.
"""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from avalanche_seg.datasets.decoding import UNREADABLE, read_content, unreadable
from avalanche_seg.datasets.jpeg import jpeg_head
from avalanche_seg.datasets.orientation import (
    UPRIGHT,
    orientation_of,
    swaps_sides,
    turn_upright,
)
from avalanche_seg.datasets.png import may_be_turned

__all__ = ["ImageHead", "image_head", "pixels_of", "read_image"]

_RGB_MODES = frozenset(
    ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV")
)
_DEEP_FORMATS = frozenset(("PNG", "TIFF", "PPM", "JPEG2000"))  # Whose 16 bits are from 0 to white.
_WHITE = {"I;12": 4095}
_DEEP_WHITE = 65535
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0  # TIFF's tag and a value of it.

Pixels = NDArray[np.uint8]


class ImageHead(NamedTuple):
    """Of an image file.

    Attributes:
        height: as shown, in pixels.
        width: as shown, in pixels.
        orientation: EXIF's, 1 to 8; 1 where the pixels are stored as they are shown.
    """

    height: int
    width: int
    orientation: int


def read_image(path: Path) -> Tensor:
    """Read an image as uint8, 3 x H x W, RGB, 0..255, upright, with the channels last in memory.

    Grey values of 12 or 16 bits are scaled to 0..255 (white to white, nearest value); transparency
    is dropped; EXIF's orientation is applied.

    Raises:
        ValueError: when the file is missing or unreadable, or has no known white (floating point,
            signed or 32-bit integers).

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "image.png"
        ...     Image.new("RGB", (5, 4), (1, 2, 3)).save(path)
        ...     image = read_image(path)
        >>> image.shape, image[:, 0, 0].tolist()
        (torch.Size([3, 4, 5]), [1, 2, 3])
    """
    content = read_content(path, "image")
    refused = None
    try:
        pixels = _decode_jpeg(content)
        if pixels is None:
            with Image.open(io.BytesIO(content)) as image:
                refused = _refusal(image)
                pixels = None if refused else _decode(image)
    except UNREADABLE as error:
        raise unreadable(path, "image", error) from error
    if pixels is None:
        raise ValueError(f"{path}: {refused}")
    return torch.from_numpy(pixels).permute(2, 0, 1)


def pixels_of(image: Image.Image) -> Pixels:
    """The pixels of an image that Pillow has opened, as :func:`read_image` gives them.

    Args:
        image: of any kind.

    Returns:
        uint8, H x W x 3, RGB, upright.

    Raises:
        ValueError: for an image without a known white, or whose pixels cannot be read.
    """
    refused = _refusal(image)
    if refused is not None:
        raise ValueError(refused)
    try:
        return _decode(image)
    except UNREADABLE as error:
        raise ValueError(f"the image cannot be read ({error})") from error


def image_head(path: Path, content: bytes) -> ImageHead:
    """Size and orientation of an image, and whether :func:`read_image` takes its kind.

    Args:
        path: of the file, for messages.
        content: of the file.

    Raises:
        ValueError: as :func:`read_image`, but for damaged pixels, which are not looked at.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (5, 4)).save(file, "PNG")
        >>> image_head(Path("image.png"), file.getvalue())
        ImageHead(height=4, width=5, orientation=1)
    """
    head = jpeg_head(content)
    if head is not None and not head.has_metadata:
        return ImageHead(head.height, head.width, UPRIGHT)
    try:
        with Image.open(io.BytesIO(content)) as image:
            refused = _refusal(image)
            orientation = _stored_orientation(image, content)
            if image.format == "TIFF" and swaps_sides(orientation):
                image.load()  # Turns it; whether the size is turned before depends on the version.
                sides = image.size
            else:
                sides = image.size[::-1] if swaps_sides(orientation) else image.size
    except UNREADABLE as error:
        raise unreadable(path, "image", error) from error
    if refused:
        raise ValueError(f"{path}: {refused}")
    return ImageHead(sides[1], sides[0], orientation)


def _stored_orientation(image: Image.Image, content: bytes) -> int:
    """The orientation, without decoding the pixels of a PNG, where Pillow looks behind them."""
    if image.format == "PNG" and not may_be_turned(content):
        return UPRIGHT
    return orientation_of(image)


def _refusal(image: Image.Image) -> str | None:
    """What is wrong with a kind of image whose white is not known; before it is loaded."""
    if image.mode in _RGB_MODES or _is_deep(image):
        return None
    kind = {"F": "floating point", "I": "32-bit or signed integers"}.get(image.mode, image.format)
    return (
        f"got an image of mode {image.mode} ({kind}), whose white is not known; expected 8 or 16 "
        "bits per channel, grey or RGB: scale it to 0..255 or 0..65535 and save it as PNG"
    )


def _is_deep(image: Image.Image) -> bool:
    """Whether grey values have 12 or 16 bits without a sign."""
    if image.format not in _DEEP_FORMATS:
        return False
    if image.mode == "I":  # Of PGM files, and of PNG ones by older versions of Pillow.
        return image.format == "PPM" or _raw_mode(image) in ("I;16", "I;16B")
    return image.mode.startswith("I;16")


def _raw_mode(image: Image.Image) -> str:
    """How the pixels are stored; known until they are loaded."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    return arguments if isinstance(arguments, str) else str(arguments[0])


def _decode(image: Image.Image) -> Pixels:
    """H x W x 3, upright, of an image that is not refused."""
    if _is_deep(image):
        white = _WHITE.get(_raw_mode(image), _DEEP_WHITE)
        inverted = _is_inverted(image)
        image.load()
        values = np.asarray(image).astype(np.uint32)
        grey = ((values * 255 + white // 2) // white).astype(np.uint8)
        grey = 255 - grey if inverted else grey
        pixels = np.repeat(grey[..., None], 3, axis=2)
    else:
        image.load()
        # Pillow warns of palettes with transparency on the straight way to RGB.
        plain = image.convert("RGBA") if "transparency" in image.info else image
        pixels = np.array(plain.convert("RGB"))
    return turn_upright(pixels, orientation_of(image))


def _is_inverted(image: Image.Image) -> bool:
    """Whether 0 is white in a TIFF of 16 bits, which Pillow leaves so (X-ray images are)."""
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _decode_jpeg(content: bytes) -> Pixels | None:
    """A colour photograph's pixels by torchvision: the same as Pillow's, sooner.

    None leaves other files to Pillow: grey and CMYK ones, damaged ones, and all where torchvision
    has no decoder (it is announced to go: a warning, and an error for those who make it one).
    """
    if not content.startswith(b"\xff\xd8\xff"):
        return None
    try:
        # A copy as the decoder's input must be writable; cheaper than reading into an array.
        pixels = torchvision.io.decode_jpeg(torch.frombuffer(bytearray(content), dtype=torch.uint8))
    except (AttributeError, RuntimeError, DeprecationWarning):
        return None
    if len(pixels) != 3:
        return None
    rows: Pixels = pixels.permute(1, 2, 0).numpy()
    head = jpeg_head(content)
    if head is not None and not head.has_metadata:
        return rows
    with Image.open(io.BytesIO(content)) as image:
        return turn_upright(rows, orientation_of(image))
