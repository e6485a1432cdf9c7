"""The map-style data set under an experience: files in, samples with labels in channels out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from avalanche_seg.datasets import (
    ImageCache,
    Sample,
    Split,
    read_extra,
    read_image,
    read_label_map,
)

__all__ = ["SegmentationDataset"]


class SegmentationDataset(Dataset[tuple[Any, ...]]):
    """Images and label maps of one experience.

    A sample is (image, labels): uint8 3 x H x W in 0..255, and uint8 H x W in channels; with extras
    it is (image, labels, extras), a dict of tensors by name.

    Args:
        split: the split. Its extra maps are read as uint8 H x W.
        indices: which samples of the split belong to the experience.
        label_map: uint8, 256 entries, dataset id -> channel.
        constants: further extras by name, the same in every sample; vectors and scalars, as they
            belong to no size of image.
        cache: the decoded pixels of the split, read in place of the files.
        per_image: further extras by name; row i is that of sample i of the split.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc, read_voc
        >>> with tempfile.TemporaryDirectory() as name:
        ...     split = read_voc(make_synthetic_voc(name, n_train=20, n_val=20)).train
        ...     dataset = SegmentationDataset(split, [4, 7], np.arange(256, dtype=np.uint8))
        ...     image, labels = dataset[1]
        >>> image.shape, labels.shape
        (torch.Size([3, 96, 128]), torch.Size([96, 128]))
    """

    def __init__(
        self,
        split: Split,
        indices: Sequence[int],
        label_map: NDArray[np.uint8],
        *,
        constants: Mapping[str, Tensor] | None = None,
        cache: ImageCache | None = None,
        per_image: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.indices = np.asarray(indices, dtype=np.int64)
        # Text of these files alone: worker processes are sent the data set, and paths are slow.
        self.images = [str(split.images[i]) for i in self.indices]
        self.masks = [str(split.masks[i]) for i in self.indices]
        self.extras = {
            name: [str(files[i]) for i in self.indices] for name, files in split.extras.items()
        }
        self.label_map = label_map
        self.constants = dict(constants or {})
        self.cache = cache
        self.per_image = {name: rows[self.indices] for name, rows in (per_image or {}).items()}
        # From the masks' values to channels at once; dataset ids are between them.
        by_value = label_map if split.values is None else label_map[split.values.to_ids]
        self._table = by_value.tobytes()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Read one sample.

        Raises:
            ValueError: naming the file that cannot be read.
        """
        return self.sample(index).parts()

    def sample(self, index: int) -> Sample:
        """The same sample with names: always with extras, if empty ones.

        Raises:
            ValueError: naming the file that cannot be read.
        """
        image, values, extras = self._read(index)
        # A table on bytes: several times faster than indexing an array with an array.
        channels = bytearray(values.tobytes().translate(self._table))
        labels = torch.frombuffer(channels, dtype=torch.uint8).view(values.shape)
        own = {name: rows[index] for name, rows in self.per_image.items()}
        return Sample(image, labels, {**extras, **self.constants, **own})

    def _read(self, index: int) -> tuple[Tensor, NDArray[np.uint8], dict[str, Tensor]]:
        if self.cache is not None:
            cached = self.cache.read(int(self.indices[index]))
            if cached is not None:
                return cached
        image = read_image(Path(self.images[index]))
        values = read_label_map(Path(self.masks[index]))
        size = (values.shape[0], values.shape[1])
        extras = {name: read_extra(Path(files[index]), size) for name, files in self.extras.items()}
        return image, values, extras
