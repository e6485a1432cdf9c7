"""The map-style data set under an experience: files in, (image, label map in channels) out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from avalanche_seg.datasets import ImageCache, Split, read_image, read_label_map

__all__ = ["SegmentationDataset"]


class SegmentationDataset(Dataset[tuple[Tensor, ...]]):
    """Images and label maps of one experience.

    Args:
        samples: the split.
        indices: which samples of the split belong to the experience.
        label_map: uint8, 256 entries, dataset id -> channel.
        annotated: bool, one entry a channel; when given, every sample ends with it.
        cache: the decoded pixels of the split, read in place of the files.

    A sample is (image, label map): uint8 3 x H x W in 0..255, and uint8 H x W in channels.
    """

    def __init__(
        self,
        samples: Split,
        indices: Sequence[int],
        label_map: NDArray[np.uint8],
        *,
        annotated: NDArray[np.bool_] | None = None,
        cache: ImageCache | None = None,
    ) -> None:
        self.indices = np.asarray(indices, dtype=np.int64)
        # Text of these files alone: worker processes are sent the data set, and paths are slow.
        self.images = [str(samples.images[i]) for i in self.indices]
        self.masks = [str(samples.masks[i]) for i in self.indices]
        self.label_map = label_map
        self.annotated = None if annotated is None else torch.from_numpy(annotated)
        self.cache = cache
        self._table = label_map.tobytes()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        """Read one sample.

        Raises:
            ValueError: naming the file that cannot be read.
        """
        if self.cache is None:
            image = read_image(Path(self.images[index]))
            ids = read_label_map(Path(self.masks[index]))
        else:
            image, ids = self.cache.read(int(self.indices[index]))
        # A table on bytes: several times faster than indexing an array with an array.
        channels = bytearray(ids.tobytes().translate(self._table))
        labels = torch.frombuffer(channels, dtype=torch.uint8).view(ids.shape)
        return (image, labels) if self.annotated is None else (image, labels, self.annotated)
