"""The colour palette that PASCAL VOC stores in its masks."""

__all__ = ["voc_palette"]


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
