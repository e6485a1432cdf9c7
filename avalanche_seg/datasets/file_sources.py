"""Files that are not read as usual: masks of colours, and images by a reader of one's own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.colours import ColourTable
from avalanche_seg.datasets.decoding import open_lossless, read_content
from avalanche_seg.datasets.pixels import image_pixels
from avalanche_seg.datasets.sources import FileSource, state_of

__all__ = ["ColouredMask", "ReadImage"]


@dataclass(frozen=True)
class ColouredMask(FileSource):
    """A mask whose colours stand for classes; a source.

    Args:
        path: the file, of any format without losses.
        table: what its colours stand for.
    """

    table: ColourTable

    def state(self) -> str:
        """The file's, and the table."""
        return f"{state_of(self.path)} {self.table.digest}"

    def pixels(self) -> NDArray[Any]:
        """The values of its colours; transparency is not looked at."""
        mask, _ = open_lossless(self.path, read_content(self.path, "mask"), "mask")
        return self.table.values(np.array(mask.convert("RGB")), self.path)


@dataclass(frozen=True)
class ReadImage(FileSource):
    """An image by a reader of one's own; a source.

    Args:
        path: the file.
        reader: gives of a path what :func:`~avalanche_seg.datasets.pixels.image_pixels` takes.
        n_channels: of the images; as there.
    """

    reader: Callable[[Path], Any]
    n_channels: int = 3

    def state(self) -> str:
        """The file's and the channels; what the reader does cannot be known."""
        return f"{state_of(self.path)} {self.n_channels}"

    def pixels(self) -> NDArray[np.uint8]:
        """What the reader gives.

        Raises:
            ValueError: naming the file that it fails at, or of which it gives no image.
        """
        try:
            image = self.reader(self.path)
        except Exception as error:
            raise ValueError(
                f"{self.path}: image_reader failed ({type(error).__name__}: {error}); correct the "
                "reader, or take the file off the list"
            ) from error
        return image_pixels(image, str(self.path), self.n_channels)
