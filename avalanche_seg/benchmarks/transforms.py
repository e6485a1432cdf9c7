"""Joint transforms: image and label map move together.

torchvision's v2 transforms do the work. Two of them are refined so that label maps are resized with
``NEAREST_EXACT``, which samples at pixel centres as Pillow (and so the published code) does;
torchvision's own mask kernel samples at pixel corners and shifts labels by up to half a pixel.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from avalanche.benchmarks.utils.transforms import MultiParamTransform
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from avalanche_seg.normalization import normalize_images

__all__ = ["JointTransform", "Normalize", "RandomResizedCrop", "ResizeShorterSide"]


class JointTransform(MultiParamTransform):
    """Adapts a transform of (image, label map) to Avalanche's transform groups.

    Handed to a transform group directly, a v2 transform would move the image only.

    Args:
        transform: any callable ``(image, labels) -> (image, labels)``. It receives a
            ``tv_tensors.Image`` (3 x H x W) and a ``tv_tensors.Mask`` (H x W), so every v2
            transform works as it is.
    """

    min_params = 2
    max_params = 2

    def __init__(self, transform: Callable[..., Any]) -> None:
        self.transform = transform

    def __call__(self, image: Tensor, labels: Tensor, *rest: Any) -> tuple[Any, ...]:
        """Transform one sample, plain tensors in and out; what follows the labels is passed on."""
        image, labels = self.transform(tv_tensors.Image(image), tv_tensors.Mask(labels))
        return image.as_subclass(Tensor), labels.as_subclass(Tensor), *rest

    def flat_transforms(self, position: int) -> list[Any]:
        """The wrapped transform; it acts on both positions."""
        return [self.transform] if position < 2 else []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JointTransform) and self.transform == other.transform

    def __hash__(self) -> int:
        return hash((JointTransform, id(self.transform)))


class RandomResizedCrop(v2.RandomResizedCrop):
    """``v2.RandomResizedCrop``, with labels sampled at pixel centres. Arguments as there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # As numbers: every draw would read them out of the tensor.
        self._log_ratio: Any = torch.tensor(self.ratio).log().tolist()

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Crop and resize one input with the drawn parameters."""
        if isinstance(inpt, tv_tensors.Mask):
            return tv_tensors.wrap(_crop_labels(inpt, self.size, **params), like=inpt)
        if not (isinstance(inpt, tv_tensors.Image) and inpt.dtype == torch.uint8):
            return super().transform(inpt, params)
        # The kernel's fast way for 8 bits is for whole pixels in a row, which a crop does not have.
        crop = F.crop_image(inpt.as_subclass(Tensor), **params)
        crop = crop[None].contiguous(memory_format=torch.channels_last)[0]
        resized = F.resize_image(crop, self.size, self.interpolation, antialias=self.antialias)
        return tv_tensors.wrap(resized, like=inpt)


class ResizeShorterSide(v2.Transform):
    """Resize so that the shorter side has ``size`` pixels; labels sampled at pixel centres."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Resize one input."""
        if isinstance(inpt, tv_tensors.Mask):
            return _resize_labels(inpt, [self.size])
        return F.resize(inpt, [self.size], antialias=True)


class Normalize(v2.Transform):
    """Image to normalised float32, labels to int64, for loops that do not do it on the device."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Convert one input."""
        if isinstance(inpt, tv_tensors.Mask):
            return tv_tensors.wrap(inpt.to(torch.int64), like=inpt)
        return tv_tensors.wrap(normalize_images(inpt.as_subclass(Tensor)), like=inpt)


def _resize_labels(labels: tv_tensors.Mask, size: list[int]) -> tv_tensors.Mask:
    resized = F.resize(labels.as_subclass(Tensor)[None], size, v2.InterpolationMode.NEAREST_EXACT)
    return tv_tensors.wrap(resized[0], like=labels)


def _crop_labels(
    labels: Tensor, size: list[int], top: int, left: int, height: int, width: int
) -> Tensor:
    """Crop and resize to the nearest pixel centres: columns are picked, then whole rows."""
    rows, columns = _nearest(height, size[0]), _nearest(width, size[1])
    crop = labels.as_subclass(Tensor).numpy()[..., top : top + height, left : left + width]
    return torch.from_numpy(crop.take(columns, axis=-1).take(rows, axis=-2))


@lru_cache(maxsize=1024)
def _nearest(length: int, out: int) -> NDArray[np.int64]:
    """Positions 0..length-1 that ``NEAREST_EXACT`` takes for ``out`` pixels; computed by it."""
    positions = torch.arange(length, dtype=torch.float32)[None, None]
    return nn.functional.interpolate(positions, size=out, mode="nearest-exact")[0, 0].long().numpy()
