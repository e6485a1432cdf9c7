"""What the head of a JPEG says, in a tenth of the time that Pillow takes to open it."""

import struct
from typing import NamedTuple

from PIL import Image

__all__ = ["JpegHead", "jpeg_head"]

_START = b"\xff\xd8\xff"
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # Baseline, extended and progressive, Huffman coded.
_METADATA = (b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0")  # Either may hold an orientation.
_APP1, _SCAN, _FIRST_WITH_LENGTH, _FILL = 0xE1, 0xDA, 0xC0, 0xFF


class JpegHead(NamedTuple):
    """Of a JPEG as it is stored, not turned by its orientation.

    Attributes:
        height: in pixels.
        width: in pixels.
        has_metadata: there is EXIF or XMP data, which may hold an orientation.
    """

    height: int
    width: int
    has_metadata: bool


def jpeg_head(content: bytes) -> JpegHead | None:
    """Read the segments of a JPEG up to its pixels.

    Args:
        content: of the file.

    Returns:
        None for every other file, for damaged ones and for rare kinds, which are Pillow's to judge.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (5, 4)).save(file, "JPEG")
        >>> jpeg_head(file.getvalue())
        JpegHead(height=4, width=5, has_metadata=False)
    """
    if not content.startswith(_START):
        return None
    size = None
    has_metadata = False
    position = 2
    while len(start := content[position : position + 4]) == 4:
        fill, marker, length = struct.unpack(">BBH", start)
        if fill != _FILL or not _FIRST_WITH_LENGTH <= marker < _FILL or length < 2:
            return None
        if marker == _SCAN:
            return None if size is None else JpegHead(*size, has_metadata)
        if marker in _FRAMES:
            size = _size(content[position + 4 : position + 10])
            if size is None:
                return None
        elif marker == _APP1:
            has_metadata |= content.startswith(_METADATA, position + 4)
        position += 2 + length
    return None


def _size(frame: bytes) -> tuple[int, int] | None:
    """Height and width of a frame of 8 bits that is neither empty nor beyond Pillow's limit."""
    if len(frame) < 6:
        return None
    bits, height, width, _ = struct.unpack(">BHHB", frame)
    area = height * width
    if bits != 8 or not 0 < area <= (Image.MAX_IMAGE_PIXELS or area):
        return None
    return height, width
