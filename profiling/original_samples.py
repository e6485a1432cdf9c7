"""Samples as the original reads them."""

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as pil

from avalanche_seg.labels import VOID
from avalanche_seg.normalization import IMAGENET_MEAN, IMAGENET_STD

__all__ = ["OriginalSamples", "step_channels"]


class OriginalSamples(Dataset[tuple[Tensor, Tensor]]):
    """Pillow images, cropped, flipped, normalised; labels re-mapped one by one in Python.

    Args:
        images: files.
        masks: files.
        crop: side of a sample in pixels.
        channels: of every dataset id; others become 0. None leaves labels as they are.
    """

    def __init__(
        self,
        images: Sequence[Path],
        masks: Sequence[Path],
        crop: int,
        channels: Mapping[int, int] | None,
    ) -> None:
        self.files = list(zip(images, masks, strict=True))
        self.crop = crop
        self.channels = channels or {}
        self.known = list(self.channels)  # A list, as published.

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """One sample: image 3 x H x W float32, labels H x W int64."""
        image_file, mask_file = self.files[index]
        image, mask = Image.open(image_file).convert("RGB"), Image.open(mask_file)
        box = RandomResizedCrop.get_params(image, [0.5, 2.0], [3 / 4, 4 / 3])
        size = [self.crop, self.crop]
        image = pil.resized_crop(image, *box, size, InterpolationMode.BILINEAR)
        mask = pil.resized_crop(mask, *box, size, InterpolationMode.NEAREST)
        if random.random() < 0.5:
            image, mask = pil.hflip(image), pil.hflip(mask)
        pixels = pil.normalize(pil.to_tensor(image), list(IMAGENET_MEAN), list(IMAGENET_STD))
        labels = torch.from_numpy(np.array(mask, dtype=np.uint8))
        if self.channels:
            labels.apply_(lambda label: self.channels[label] if label in self.known else 0)
        return pixels, labels.long()


def step_channels(classes: Iterable[int]) -> dict[int, int]:
    """The re-mapping of a training step; void becomes background.

    Args:
        classes: dataset ids of the step, equal to their channels.
    """
    return {0: 0, **{label: label for label in classes}, VOID: 0}
