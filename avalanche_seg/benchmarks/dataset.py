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
    Item,
    Sample,
    Source,
    Split,
    image_of,
    mask_of,
    read_extra,
)
from avalanche_seg.labels import N_LABELS

__all__ = ["SegmentationDataset"]


class SegmentationDataset(Dataset[tuple[Any, ...]]):
    """Images and label maps of one experience.

    A sample is (image, labels): uint8 3 x H x W in 0..255, and uint8 H x W in channels (int32 for
    more than 255); with extras it is (image, labels, extras), a dict of tensors by name.

    Args:
        split: the split. Its extra maps are read as uint8 H x W.
        indices: which samples of the split belong to the experience.
        label_map: uint8 or int32, dataset id -> channel, its last entry that of void; see
            :mod:`avalanche_seg.benchmarks.label_maps`.
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
        label_map: NDArray[Any],
        *,
        constants: Mapping[str, Tensor] | None = None,
        cache: ImageCache | None = None,
        per_image: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.indices = np.asarray(indices, dtype=np.int64)
        # Text of these files alone: worker processes are sent the data set, and paths are slow.
        self.images = [_as_text(split.images[i]) for i in self.indices]
        self.masks = [_as_text(split.masks[i]) for i in self.indices]
        self.extras = {
            name: [str(files[i]) for i in self.indices] for name, files in split.extras.items()
        }
        self.label_map = label_map
        self.constants = dict(constants or {})
        self.cache = cache
        self.per_image = {name: rows[self.indices] for name, rows in (per_image or {}).items()}
        # From the masks' values to channels at once; dataset ids are between them.
        self._by_value = label_map if split.values is None else label_map[split.values.to_entries]
        self._bytes = self._by_value[:N_LABELS].tobytes() if label_map.dtype == np.uint8 else None

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
        own = {name: rows[index] for name, rows in self.per_image.items()}
        return Sample(image, self._channels(values), {**extras, **self.constants, **own})

    def _channels(self, values: NDArray[Any]) -> Tensor:
        if self._bytes is None or values.dtype != np.uint8:
            return torch.from_numpy(self._by_value[values])
        # A table on bytes: several times faster than indexing an array with an array.
        channels = bytearray(values.tobytes().translate(self._bytes))
        return torch.frombuffer(channels, dtype=torch.uint8).view(values.shape)

    def _read(self, index: int) -> tuple[Tensor, NDArray[Any], dict[str, Tensor]]:
        if self.cache is not None:
            cached = self.cache.read(int(self.indices[index]))
            if cached is not None:
                return cached
        image = image_of(self.images[index])
        values = mask_of(self.masks[index])
        size = (values.shape[0], values.shape[1])
        extras = {name: read_extra(Path(files[index]), size) for name, files in self.extras.items()}
        return image, values, extras


def _as_text(item: Item) -> str | Source:
    return str(item) if isinstance(item, Path) else item
