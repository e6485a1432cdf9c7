"""From 8-bit images to the floating point numbers a network sees.

Samples may travel as uint8 (four times less memory traffic) and be normalised on the device, or be
normalised by the transform already; both paths run through :func:`normalize_images`.
"""

from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "normalize_images", "to_pixels"]

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
"""Mean of the ImageNet training images by channel (R, G, B), in 0..1."""

IMAGENET_STD: Final = (0.229, 0.224, 0.225)
"""Standard deviation of the ImageNet training images by channel (R, G, B), in 0..1."""


def normalize_images(images: Tensor) -> Tensor:
    """Scale uint8 images to 0..1 and normalise them with ImageNet's statistics.

    Args:
        images: uint8 ... x 3 x H x W in 0..255, or floating point: returned as it is, because it
            is taken to be normalised already.

    Returns:
        floating point (float32 for uint8 input), the same shape and memory format.

    Example:
        >>> pixels = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
        >>> [round(value, 3) for value in normalize_images(pixels).flatten().tolist()]
        [2.249, 2.429, 2.64]
    """
    if images.is_floating_point():
        return images
    pixels = images.float().div_(255.0)
    rows = pixels.movedim(-3, -1)
    if rows.is_contiguous():  # Long rows of numbers are quicker than many of three.
        mean, std = _row_statistics(images.device, rows.shape[-2])
        rows.flatten(-2).sub_(mean).div_(std)
        return pixels
    mean, std = _statistics(images.device)
    return pixels.sub_(mean).div_(std)


@lru_cache(maxsize=16)  # One copy to each device, not one a batch.
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return mean.to(device), std.to(device)


@lru_cache(maxsize=16)
def _row_statistics(device: torch.device, width: int) -> tuple[Tensor, Tensor]:
    """The statistics of a row of pixels whose channels lie beside each other in memory."""
    mean, std = (values.flatten().repeat(width) for values in _statistics(device))
    return mean, std


def to_pixels(images: Tensor) -> Tensor:
    """Undo :func:`normalize_images`.

    Args:
        images: floating point ... x 3 x H x W, normalised with ImageNet's statistics, or uint8:
            returned as it is.

    Returns:
        uint8 in 0..255, the same shape.
    """
    if images.dtype == torch.uint8:
        return images
    mean, std = _statistics(images.device)
    return ((images.float() * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
