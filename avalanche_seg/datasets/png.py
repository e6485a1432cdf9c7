"""Masks as most tools write them, decoded in half of Pillow's time.

Palette and grey PNGs are usually stored without row filters. Then the inflated stream is the rows
themselves, and inflating is all there is to do.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["may_be_turned", "plain_rows"]

_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
# After width and height: 8 bits, palette or grey, deflate, filter method 0, not interlaced.
_PLAIN = (bytes([8, 3, 0, 0, 0]), bytes([8, 0, 0, 0, 0]))

# Texts that may hold an EXIF orientation, which a mask must not have: Pillow's to read.
_METADATA = (b"Raw profile type", b"XML:com.adobe.xmp")

# Of so many rows the filters are looked at before everything is inflated, from so many bytes.
_FIRST_ROWS, _FIRST_BYTES = 8, 4096

# A byte inflates to no more than this many, so what a malicious file could fill is known before.
_MOST_INFLATED = 1032
_MOST_MEMORY = 1 << 29


def plain_rows(content: bytes) -> NDArray[np.uint8] | None:
    """The rows of an 8-bit palette or grey PNG without filters and interlacing.

    Args:
        content: of the file.

    Returns:
        uint8, H x (1 + W), read-only: a zero, then the values of the row. None for every other
        file and for damaged ones.
    """
    if not (content.startswith(_START) and content[24:29] in _PLAIN):
        return None
    width, height = struct.unpack_from(">II", content, 16)
    size = height * (1 + width)
    packed = _image_data(content)
    if packed is None or not _has_zlib_header(packed):
        return None
    if not 0 < size <= (Image.MAX_IMAGE_PIXELS or size):
        return None  # One that is too large is Pillow's to refuse.
    if len(packed) * _MOST_INFLATED > _MOST_MEMORY or _starts_filtered(packed, width):
        return None
    try:
        # Without the stream's own checksum, which takes longer than that of the chunks; and in one
        # go, because threads wait for the interpreter's lock after every piece.
        inflated = zlib.decompress(packed[2:], wbits=-zlib.MAX_WBITS, bufsize=size)
    except zlib.error:
        return None
    rows = np.frombuffer(inflated, dtype=np.uint8)
    if len(rows) != size:
        return None
    rows = rows.reshape(height, 1 + width)
    return None if rows[:, 0].any() else rows


def may_be_turned(content: bytes) -> bool:
    """Whether a PNG has a chunk that may hold an EXIF orientation; any may in a damaged file.

    Args:
        content: of the file, which begins as a PNG does.
    """
    for position, _, name in _chunks(content):
        if name == b"eXIf" or content.startswith(_METADATA, position + 8):
            return True
        if name == b"IEND":
            return False
    return True


def _chunks(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Position, length of the data and name of every chunk."""
    position = 8
    while len(header := content[position : position + 8]) == 8:
        length, name = struct.unpack(">I4s", header)
        yield position, length, name
        position += 12 + length


def _starts_filtered(packed: bytes, width: int) -> bool:
    """Whether one of the first rows has a filter, which is most often known from a few bytes."""
    size = _FIRST_ROWS * (1 + width)
    try:
        inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        head = inflater.decompress(packed[2:_FIRST_BYTES], size)
    except zlib.error:
        return False  # Found out, and refused, when everything is inflated.
    return any(head[:: 1 + width])


def _has_zlib_header(packed: bytes) -> bool:
    """Deflate with a window of up to 32 KiB, no preset dictionary, the header's check right."""
    if len(packed) < 2:
        return False
    method, flags = packed[:2]
    sound = (256 * method + flags) % 31 == 0
    return sound and method & 15 == 8 and method >> 4 < 8 and not flags & 32


def _image_data(content: bytes) -> bytes | None:
    """What the chunks of image data hold; None when the file is not whole, or not to the standard.

    The standard wants these chunks one after the other; Pillow reads them up to the first other
    chunk.
    """
    parts: list[bytes] = []
    before = b""
    for position, length, name in _chunks(content):
        end = position + 8 + length
        checksum = zlib.crc32(content[position + 4 : end]).to_bytes(4, "big")
        if content[end : end + 4] != checksum:
            return None
        if name == b"IDAT":
            if length == 0 or (parts and before != name):
                return None
            parts.append(content[position + 8 : end])
        elif name == b"eXIf" or content.startswith(_METADATA, position + 8):
            return None
        elif name == b"IEND":
            return b"".join(parts)
        before = name
    return None
