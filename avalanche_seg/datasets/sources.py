"""Where an image or a mask comes from: a file, or something that computes or holds its pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from numpy.typing import NDArray
from torch import Tensor

from avalanche_seg.datasets.decoding import decode_label_map, read_content, read_label_map
from avalanche_seg.datasets.images import ImageHead, image_head, read_image
from avalanche_seg.datasets.orientation import UPRIGHT

__all__ = [
    "FileSource",
    "Item",
    "Source",
    "content_of",
    "image_content",
    "image_of",
    "mask_content",
    "mask_of",
    "state_of",
]


@runtime_checkable
class Source(Protocol):
    """An image or a mask that is no file, or not one to be read as usual.

    Like a path it has a ``name`` and a ``stem``, which records and pictures are named by, and its
    text names it in messages. It is sent to worker processes.
    """

    @property
    def name(self) -> str:
        """What it is called in records; names may be there twice."""

    @property
    def stem(self) -> str:
        """The name without a suffix, fit for a file name."""

    def state(self) -> str | None:
        """What tells, at no cost, that the content may have changed, such as a file's times.

        None when nothing does: then nothing is kept of it from one start to the next.

        Raises:
            ValueError: when it is not there.
        """

    def pixels(self) -> NDArray[Any]:
        """An image as uint8, H x W x channels; a mask's values as uint8 or uint16, H x W.

        Raises:
            ValueError: naming what cannot be read.
        """


Item: TypeAlias = Path | Source
"""An image or a mask of a split."""


@dataclass(frozen=True)
class FileSource:
    """What the sources of a file share: its name.

    Args:
        path: the file.
    """

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The file's."""
        return self.path.name

    @property
    def stem(self) -> str:
        """The file's, without suffix."""
        return self.path.stem


def state_of(item: Item) -> str | None:
    """What tells, without reading it, that an item may have changed; see ``file_states``.

    None when nothing does.

    Raises:
        ValueError: naming an item that is not there.
    """
    if not isinstance(item, Path):
        state = item.state()
        return None if state is None else f"{type(item).__name__}\0{item}\0{state}"
    try:
        known = item.stat()
    except OSError as error:
        raise ValueError(
            f"{item}: the file cannot be found ({error}); restore it or take it off the list"
        ) from error
    whole = item if item.is_absolute() else f"{Path.cwd()}/{item}"  # Joined paths are slow.
    return f"{whole}\0{known.st_size}\0{known.st_ino}\0{known.st_mtime_ns}\0{known.st_ctime_ns}"


def content_of(item: Item, what: str) -> bytes:
    """The bytes that tell an item's content: a file's, or the pixels of a source.

    Args:
        item: a file or a source.
        what: it is, for messages.

    Raises:
        ValueError: naming what cannot be read.
    """
    return read_content(item, what) if isinstance(item, Path) else _as_bytes(item.pixels())


def _as_bytes(pixels: NDArray[Any]) -> bytes:
    return f"{pixels.dtype} {pixels.shape}\n".encode() + pixels.tobytes()


def image_of(item: Item | str) -> Tensor:
    """An image as uint8, channels x H x W; see :func:`avalanche_seg.datasets.read_image`.

    Args:
        item: a file, also by the text of its path, or a source.

    Raises:
        ValueError: naming what cannot be read.
    """
    if isinstance(item, Path | str):
        return read_image(Path(item))
    # A copy: transforms may work in place, and the pixels may be the user's own.
    return torch.from_numpy(item.pixels().copy()).permute(2, 0, 1)


def image_content(item: Item) -> tuple[bytes, ImageHead]:
    """The bytes of an image, as :func:`content_of`, with its size and orientation.

    Args:
        item: a file or a source, whose pixels are upright.

    Raises:
        ValueError: naming what is no image.
    """
    if isinstance(item, Path):
        content = read_content(item, "image")
        return content, image_head(item, content)
    pixels = item.pixels()
    return _as_bytes(pixels), ImageHead(pixels.shape[0], pixels.shape[1], UPRIGHT)


def mask_content(item: Item) -> tuple[bytes, NDArray[Any]]:
    """The bytes of a mask, as :func:`content_of`, with its values, as :func:`mask_of`.

    Args:
        item: a file or a source.

    Raises:
        ValueError: naming what cannot be read.
    """
    if isinstance(item, Path):
        content = read_content(item, "mask")
        return content, decode_label_map(item, content)
    values = item.pixels()
    return _as_bytes(values), values


def mask_of(item: Item | str) -> NDArray[Any]:
    """A mask's values, uint8 or uint16, H x W; not to be changed in place.

    Args:
        item: a file, also by the text of its path, or a source.

    Raises:
        ValueError: naming what cannot be read.
    """
    return read_label_map(Path(item)) if isinstance(item, Path | str) else item.pixels()
