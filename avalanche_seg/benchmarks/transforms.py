"""Joint transforms: image, label map and extra maps move together.

torchvision's v2 transforms do the work. Two of them are refined so that label maps are resized with
``NEAREST_EXACT``, which samples at pixel centres as Pillow (and so the published code) does;
torchvision's own mask kernel samples at pixel corners and shifts labels by up to half a pixel.
"""

from collections.abc import Callable, Mapping
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

from avalanche_seg.datasets import Extras, is_map
from avalanche_seg.normalization import IMAGENET, Normalization

__all__ = ["JointTransform", "Normalize", "RandomResizedCrop", "ResizeShorterSide"]


class JointTransform(MultiParamTransform):
    """Adapts a transform of (image, labels) to Avalanche's transform groups.

    Given to a transform group directly, a v2 transform would move the image only.

    Args:
        transform: any callable ``(image, labels) -> (image, labels)``. It receives a
            ``tv_tensors.Image`` (3 x H x W) and a ``tv_tensors.Mask`` (H x W), so every v2
            transform works as it is. For samples with extra maps it is called with
            ``(image, labels, maps)`` and gives the same three: a dict of ``tv_tensors.Mask`` by
            name. Extras without a height and a width are not shown to it and stay as they are.

    Example:
        >>> image, labels = torch.zeros(3, 1, 2), torch.tensor([[1, 2]])
        >>> flip = JointTransform(v2.RandomHorizontalFlip(1.0))
        >>> _, labels, extras = flip(
        ...     image, labels, {"saliency": torch.tensor([[8, 9]]), "weight": torch.tensor(0.5)}
        ... )
        >>> labels.tolist(), extras["saliency"].tolist(), extras["weight"].item()
        ([[2, 1]], [[9, 8]], 0.5)
    """

    min_params = 2
    max_params = 3

    def __init__(self, transform: Callable[..., Any]) -> None:
        self.transform = transform

    def __call__(self, image: Tensor, labels: Tensor, *rest: Any) -> tuple[Any, ...]:
        """Transform one sample, plain tensors in and out; what is no map is passed on."""
        extras: Mapping[str, Tensor] = rest[0] if rest and isinstance(rest[0], Mapping) else {}
        maps = {name: tv_tensors.Mask(value) for name, value in extras.items() if is_map(value)}
        pair = tv_tensors.Image(image), tv_tensors.Mask(labels)
        if not maps:
            image, labels = self.transform(*pair)
            return image.as_subclass(Tensor), labels.as_subclass(Tensor), *rest
        image, labels, maps = self.transform(*pair, maps)
        moved = {name: value.as_subclass(Tensor) for name, value in maps.items()}
        return (
            image.as_subclass(Tensor),
            labels.as_subclass(Tensor),
            Extras({**extras, **moved}),
            *rest[1:],
        )

    def flat_transforms(self, position: int) -> list[Any]:
        """The wrapped transform; it acts on image, labels and extras."""
        return [self.transform] if position < 3 else []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JointTransform) and self.transform == other.transform

    def __hash__(self) -> int:
        return hash((JointTransform, id(self.transform)))


class RandomResizedCrop(v2.RandomResizedCrop):
    """``v2.RandomResizedCrop``, with labels sampled at pixel centres. Arguments as there.

    Example:
        >>> image, labels = torch.zeros(3, 40, 60, dtype=torch.uint8), torch.zeros(40, 60)
        >>> _, labels = JointTransform(RandomResizedCrop((16, 24)))(image, labels)
        >>> labels.shape
        torch.Size([16, 24])
    """

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
    """Image to normalised float32, labels to int64, for loops that do not do it later.

    Extra maps of whole numbers become int64 too, others stay as they are.

    Args:
        normalization: of the images.
    """

    def __init__(self, normalization: Normalization = IMAGENET) -> None:
        super().__init__()
        self.normalization = normalization

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Convert one input.

        Raises:
            ValueError: for an image that is floating point already: whether it is normalised, or
                scaled to 0..1 alone, cannot be told from one image.
        """
        if isinstance(inpt, tv_tensors.Mask):
            whole = not inpt.is_floating_point() and inpt.dtype != torch.bool
            return tv_tensors.wrap(inpt.to(torch.int64), like=inpt) if whole else inpt
        if inpt.is_floating_point():
            raise ValueError(
                f"got a {str(inpt.dtype).removeprefix('torch.')} image to normalise; expected "
                "uint8 in 0..255: leave out what scales or normalises images before normalize=True"
            )
        return tv_tensors.wrap(self.normalization.normalize(inpt.as_subclass(Tensor)), like=inpt)


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
