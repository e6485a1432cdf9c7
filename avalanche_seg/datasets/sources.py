"""Where an image or a mask comes from: a file, or something that computes or holds its pixels."""

from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from numpy.typing import NDArray
from torch import Tensor

from avalanche_seg.datasets.decoding import decode_label_map, read_content, read_label_map
from avalanche_seg.datasets.images import ImageHead, image_head, read_image
from avalanche_seg.datasets.orientation import UPRIGHT

__all__ = [
    "Item",
    "Source",
    "content_of",
    "head_of",
    "image_of",
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

    def content(self) -> bytes:
        """What is digested to know the content again: other pixels have other bytes.

        Raises:
            ValueError: naming what cannot be read.
        """

    def pixels(self) -> NDArray[Any]:
        """An image as uint8, H x W x 3, RGB; a mask's values as uint8 or uint16, H x W.

        Raises:
            ValueError: naming what cannot be read.
        """


Item: TypeAlias = Path | Source
"""An image or a mask of a split."""


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
    whole = item if item.is_absolute() else Path.cwd() / item
    return f"{whole}\0{known.st_size}\0{known.st_ino}\0{known.st_mtime_ns}\0{known.st_ctime_ns}"


def content_of(item: Item, what: str) -> bytes:
    """The bytes that tell an item's content.

    Args:
        item: a file or a source.
        what: it is, for messages.

    Raises:
        ValueError: naming what cannot be read.
    """
    return read_content(item, what) if isinstance(item, Path) else item.content()


def image_of(item: Item | str) -> Tensor:
    """An image as uint8, 3 x H x W; see :func:`avalanche_seg.datasets.read_image`.

    Args:
        item: a file, also by the text of its path, or a source.

    Raises:
        ValueError: naming what cannot be read.
    """
    if isinstance(item, Path | str):
        return read_image(Path(item))
    # A copy: transforms may work in place, and the pixels may be the user's own.
    return torch.from_numpy(item.pixels().copy()).permute(2, 0, 1)


def head_of(item: Item, content: bytes) -> ImageHead:
    """Size and orientation of an image; those of a source are of its pixels.

    Args:
        item: a file or a source.
        content: as :func:`content_of`.

    Raises:
        ValueError: naming what is no image.
    """
    if isinstance(item, Path):
        return image_head(item, content)
    height, width = item.pixels().shape[:2]
    return ImageHead(height, width, UPRIGHT)


def mask_of(item: Item | str, content: bytes | None = None) -> NDArray[Any]:
    """A mask's values, uint8 or uint16, H x W; not to be changed in place.

    Args:
        item: a file, also by the text of its path, or a source.
        content: as :func:`content_of`, where it is there already.

    Raises:
        ValueError: naming what cannot be read.
    """
    if not isinstance(item, Path | str):
        return item.pixels()
    path = Path(item)
    return read_label_map(path) if content is None else decode_label_map(path, content)
