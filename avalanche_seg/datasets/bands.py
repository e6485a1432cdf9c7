"""Images of any number of channels: multispectral, grey, with depth; every one becomes 8 bits."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avalanche_seg.datasets.decoding import read_content, unreadable
from avalanche_seg.datasets.orientation import UPRIGHT, orientation_of, turn_upright
from avalanche_seg.datasets.sources import FileSource, Item, state_of

__all__ = ["BandImage", "ValueRange", "as_bands", "check_value_range", "read_bands", "to_8_bits"]

ValueRange = tuple[float, float]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # The last two are larger than 4 GiB.
_ORIENTATION, _WHITE_IS_ZERO = 274, 0
_DEEP_WHITE = 65535


def read_bands(
    path: Path, n_channels: int, value_range: ValueRange | None = None
) -> NDArray[np.uint8]:
    """Read an image with all its channels as 8 bits, upright.

    TIFF files may hold any number of channels, beside each other, plane by plane or as pages; other
    files what Pillow reads: grey, with transparency, RGB, RGBA. The channels stay in the file's
    order and are not converted.

    Args:
        path: the file.
        n_channels: how many channels it must have.
        value_range: the values that become 0 and 255, with those between in proportion and those
            beyond cut; NaN becomes 0. None: the whole range of 8 or 16 bits.

    Returns:
        uint8, H x W x n_channels.

    Raises:
        ValueError: naming the file when it is missing, unreadable, has another number of channels,
            or values whose range is not known (floating point, signed or 32-bit numbers) without
            ``value_range``; when a TIFF file is to be read and tifffile is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "scan.png"
        ...     Image.fromarray(np.array([[0, 1000, 4000]], dtype=np.uint16)).save(file)
        ...     read_bands(file, 1, value_range=(0, 2000))[..., 0].tolist()
        [[0, 128, 255]]
    """
    content = read_content(path, "image")
    read = _read_tiff if content.startswith(_TIFF) else _read_other
    try:
        values, orientation, is_inverted = read(content)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{path}: TIFF files of other than three channels are read by tifffile, which is not "
            "installed; pip install 'avalanche-seg[tiff]'"
        ) from error
    except Exception as error:  # Each decoder has its own exceptions for a damaged file.
        raise unreadable(path, "image", error) from error
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[2] != n_channels:
        found = f"{values.shape[2]} channels" if values.ndim == 3 else f"the shape {values.shape}"
        raise ValueError(
            f"{path}: got an image of {found}; expected {n_channels}: export it so, or say "
            "n_channels as the files have it"
        )
    try:
        pixels = to_8_bits(values, value_range)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return turn_upright(255 - pixels if is_inverted else pixels, orientation)


@dataclass(frozen=True)
class BandImage(FileSource):
    """An image file to be read with all its channels: a :class:`~avalanche_seg.datasets.Source`.

    Args:
        path: the file.
        n_channels: as for :func:`read_bands`.
        value_range: as for :func:`read_bands`.
    """

    n_channels: int = 3
    value_range: ValueRange | None = None

    @property
    def kind(self) -> str:
        """What reports call it."""
        return f"{self.path.suffix} of {self.n_channels} channels"

    def state(self) -> str:
        """What tells that the file or its meaning may have changed."""
        return f"{state_of(self.path)}\0{self.n_channels}\0{self.value_range}"

    def pixels(self) -> NDArray[np.uint8]:
        """See :func:`read_bands`."""
        return read_bands(self.path, self.n_channels, self.value_range)


def as_bands(items: Sequence[Item], n_channels: int, value_range: ValueRange | None) -> list[Item]:
    """Image files to be read with so many channels; sources of other kinds stay as they are.

    Args:
        items: files and sources.
        n_channels: of every image; three, without a range, are read as colour images are, whatever
            the files hold.
        value_range: as for :func:`read_bands`.
    """
    paths = (item.path if isinstance(item, BandImage) else item for item in items)
    if n_channels == 3 and value_range is None:
        return list(paths)
    return [
        BandImage(path, n_channels, value_range) if isinstance(path, Path) else path
        for path in paths
    ]


def to_8_bits(values: NDArray[Any], value_range: ValueRange | None = None) -> NDArray[np.uint8]:
    """Scale the values of an image to 0..255, nearest value.

    Args:
        values: of any type and shape.
        value_range: as for :func:`read_bands`.

    Returns:
        uint8, the same shape.

    Raises:
        ValueError: for values of a type whose white is not known, without a range.

    Example:
        >>> to_8_bits(np.array([0, 300, 65535], dtype=np.uint16)).tolist()
        [0, 1, 255]
        >>> to_8_bits(np.array([-1.0, 0.5, np.nan]), value_range=(-1, 1)).tolist()
        [0, 191, 0]
    """
    if value_range is not None:
        low, high = value_range
        share = (values.astype(np.float64) - low) / (high - low)
        return np.rint(255 * np.nan_to_num(share).clip(0, 1)).astype(np.uint8)
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint16:
        white = _DEEP_WHITE
        return ((values.astype(np.uint32) * 255 + white // 2) // white).astype(np.uint8)
    raise ValueError(
        f"got an image of {values.dtype}, whose white is not known; expected 8 or 16 bits without "
        "a sign, or value_range=(LOW, HIGH), the values that become black and white"
    )


def check_value_range(value_range: ValueRange | None) -> None:
    """ValueError unless there are two finite numbers, the smaller first, or None."""
    if value_range is None:
        return
    is_pair = isinstance(value_range, tuple | list) and len(value_range) == 2
    if not is_pair or not -np.inf < value_range[0] < value_range[1] < np.inf:
        raise ValueError(
            f"value_range={value_range!r}; expected two numbers, that of black and, larger, that "
            "of white"
        )


def _read_tiff(content: bytes) -> tuple[NDArray[Any], int, bool]:
    """Values H x W or H x W x channels, EXIF's orientation, and whether 0 is white."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(content)) as file:
        series, page = file.series[0], file.pages.first
        values, axes = series.asarray(), series.axes
        tag = page.tags.get(_ORIENTATION)
        is_inverted = int(page.photometric) == _WHITE_IS_ZERO
    rest = [i for i, axis in enumerate(axes) if axis not in "YX"]
    upright = np.transpose(values, (axes.index("Y"), axes.index("X"), *rest))
    return upright, UPRIGHT if tag is None else int(tag.value), is_inverted


def _read_other(content: bytes) -> tuple[NDArray[Any], int, bool]:
    with Image.open(io.BytesIO(content)) as image:
        orientation = orientation_of(image)
        if image.mode in ("P", "PA"):
            plain = image.convert("RGBA" if "transparency" in image.info else "RGB")
            return np.asarray(plain), orientation, False
        image.load()
        return np.asarray(image), orientation, False
