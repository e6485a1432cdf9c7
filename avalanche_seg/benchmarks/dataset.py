"""The map-style data set under an experience: files in, (image, label map in channels) out."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from avalanche_seg.benchmarks.devkit import Samples, read_image, read_label_map

__all__ = ["SegmentationDataset"]


class SegmentationDataset(Dataset[tuple[Tensor, ...]]):
    """Images and label maps of one experience.

    Args:
        samples: the split.
        indices: which samples of the split belong to the experience.
        label_map: uint8, 256 entries, dataset id -> channel.
        annotated: bool, one entry a channel; when given, every sample ends with it.

    A sample is (image, label map): uint8 3 x H x W in 0..255, and uint8 H x W in channels.
    """

    def __init__(
        self,
        samples: Samples,
        indices: Sequence[int],
        label_map: NDArray[np.uint8],
        *,
        annotated: NDArray[np.bool_] | None = None,
    ) -> None:
        self.samples = samples
        self.indices = np.asarray(indices, dtype=np.int64)
        self.label_map = label_map
        self.annotated = None if annotated is None else torch.from_numpy(annotated)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        """Read one sample.

        Raises:
            ValueError: naming the file that cannot be read.
        """
        i = self.indices[index]
        image = read_image(self.samples.images[i])
        labels = torch.from_numpy(self.label_map[read_label_map(self.samples.masks[i])])
        return (image, labels) if self.annotated is None else (image, labels, self.annotated)
