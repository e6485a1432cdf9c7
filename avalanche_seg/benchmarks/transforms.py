"""Joint transforms: image and label map move together.

torchvision's v2 transforms do the work. Two of them are refined so that label maps are resized with
``NEAREST_EXACT``, which samples at pixel centres as Pillow (and so the published code) does;
torchvision's own mask kernel samples at pixel corners and shifts labels by up to half a pixel.
"""

from collections.abc import Callable
from typing import Any

import torch
from avalanche.benchmarks.utils.transforms import MultiParamTransform
from torch import Tensor
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

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Crop and resize one input with the drawn parameters."""
        if isinstance(inpt, tv_tensors.Mask):
            return _resize_labels(F.crop(inpt, **params), self.size)
        return super().transform(inpt, params)


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


def _resize_labels(labels: tv_tensors.Mask, size: list[int] | tuple[int, int]) -> tv_tensors.Mask:
    resized = F.resize(
        labels.as_subclass(Tensor)[None], list(size), v2.InterpolationMode.NEAREST_EXACT
    )
    return tv_tensors.wrap(resized[0], like=labels)
