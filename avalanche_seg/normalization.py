"""8-bit images to the normalised floating point images a network sees.

Samples may travel as uint8 (four times less memory traffic) and be normalised on the device, or be
normalised by the transform already; both paths run through :func:`normalize_images`. Floating point
images that nobody normalised look alike to a network; :func:`check_normalized` finds them.
"""

from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "check_normalized", "normalize_images", "to_pixels"]

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
"""Mean of the ImageNet training images by channel (R, G, B), in 0..1."""

IMAGENET_STD: Final = (0.229, 0.224, 0.225)
"""Standard deviation of the ImageNet training images by channel (R, G, B), in 0..1."""

# White is 2.64 in the channel of the smallest standard deviation; a little for half precision.
_ABOVE_NORMALIZED = 3.0


def normalize_images(images: Tensor) -> Tensor:
    """Scale uint8 images to 0..1 and normalise them with ImageNet's statistics.

    Args:
        images: uint8 ... x 3 x H x W in 0..255, or floating point: returned as it is, because it
            is taken to be normalised already.

    Returns:
        floating point (float32 for uint8 input), the same shape and memory format.

    Raises:
        ValueError: for another dtype, whose range of values is unknown.

    Example:
        >>> pixels = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
        >>> [round(value, 3) for value in normalize_images(pixels).flatten().tolist()]
        [2.249, 2.429, 2.64]
    """
    if images.is_floating_point():
        return images
    if images.dtype != torch.uint8:
        raise ValueError(
            f"got images of dtype {str(images.dtype).removeprefix('torch.')}; expected uint8 in "
            "0..255, or floating point that is normalised already: convert with .to(torch.uint8)"
        )
    pixels = images.float().div_(255.0)
    rows = pixels.movedim(-3, -1)
    if rows.is_contiguous():  # Long rows of numbers are quicker than many of three.
        mean, std = _row_statistics(images.device, rows.shape[-2])
        rows.flatten(-2).sub_(mean).div_(std)
        return pixels
    mean, std = _statistics(images.device)
    return pixels.sub_(mean).div_(std)


def check_normalized(images: Tensor) -> None:
    """Refuse floating point images that have the values of pixels, not of normalised ones.

    Normalised images have a mean near 0 and negative values in every dark region. A batch that lies
    within 0..1, or has no negative value and one above 3, was scaled at most. This reads the values
    (on a GPU it waits for them), so it is for single calls and the first batch of many.

    Args:
        images: any shape; uint8 passes, because it is normalised by :func:`normalize_images`.

    Raises:
        ValueError: for such floating point images.

    Example:
        >>> check_normalized(torch.tensor([-2.1, 0.3, 2.6]))
        >>> check_normalized(torch.tensor([0.0, 0.5, 1.0]))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        ValueError: got float32 images with values in 0..1, which are not normalised; pass uint8...
    """
    if not images.is_floating_point() or images.numel() == 0:
        return
    least, most = (float(value) for value in images.detach().aminmax())
    if least >= 0 and (most <= 1 or most > _ABOVE_NORMALIZED):
        raise ValueError(
            f"got {str(images.dtype).removeprefix('torch.')} images with values in "
            f"{least:.4g}..{most:.4g}, which are not normalised; pass uint8 in 0..255, or "
            "normalise with ImageNet's mean and standard deviation (normalize_images); predict() "
            "takes normalized=True for images that are normalised all the same"
        )


@lru_cache(maxsize=16)  # One copy for each device, not one per batch.
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

    Example:
        >>> pixels = torch.tensor([0, 7, 255], dtype=torch.uint8).view(3, 1, 1)
        >>> to_pixels(normalize_images(pixels)).flatten().tolist()
        [0, 7, 255]
    """
    if images.dtype == torch.uint8:
        return images
    mean, std = _statistics(images.device)
    return ((images.float() * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)
