"""8-bit images to the normalised floating point images a network sees.

Samples may travel as uint8 (four times less memory traffic) and be normalised on the device, or by
the transform already. Images that nobody normalised are found by :func:`check_normalized`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "IMAGENET",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Normalization",
    "check_normalized",
    "normalization_of",
    "normalize_images",
]

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)
"""Mean and deviation of the ImageNet training images by channel (R, G, B), in 0..1."""

_ABOVE_NORMALIZED = 3.0  # White is 2.64 with ImageNet's; a little for half precision.


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation by channel of the images that a network sees.

    Args:
        mean: by channel, in 0..1.
        std: standard deviation by channel, the same scale.
        value_range: the values of image files that become 0 and 255, where these are not all of 8
            or 16 bits; predictions of files need it.

    Raises:
        ValueError: for numbers that are none, a deviation of zero, or tuples of unequal length.

    Example:
        >>> grey = Normalization(mean=(0.5,), std=(0.25,))
        >>> grey.normalize(torch.tensor([[[0, 255]]], dtype=torch.uint8)).tolist()
        [[[-2.0, 2.0]]]
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if not isinstance(values, tuple | list) or not values:
                raise ValueError(f"{name}={values!r}; expected one number per channel")
            for i, value in enumerate(values):
                is_one = isinstance(value, int | float | np.floating) and 0 <= value <= 1
                if not is_one or (name == "std" and value == 0):
                    raise ValueError(f"{name}[{i}]={value!r}; expected a number in 0..1, std not 0")
            object.__setattr__(self, name, tuple(map(float, values)))
        if len(self.mean) != len(self.std):
            raise ValueError(
                f"got {len(self.mean)} numbers as mean and {len(self.std)} as std; expected one of "
                "both per channel"
            )

    @classmethod
    def of_channels(
        cls,
        in_channels: int,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        value_range: Sequence[float] | None = None,
    ) -> "Normalization":
        """What a network of so many channels takes.

        Args:
            in_channels: of the images.
            mean: by channel; None for ImageNet's, or their average for others than three channels.
            std: the same.
            value_range: as above.

        Raises:
            ValueError: for numbers of another length.

        Example:
            >>> Normalization.of_channels(3) == IMAGENET
            True
            >>> [round(value, 3) for value in Normalization.of_channels(4).mean]
            [0.449, 0.449, 0.449, 0.449]
        """
        given = {"mean": mean, "std": std}
        for name, known in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            values = given[name]
            if values is None:
                given[name] = known if in_channels == 3 else (sum(known) / 3,) * in_channels
            elif len(values) != in_channels:
                raise ValueError(
                    f"{name} has {len(values)} numbers; expected {in_channels}, one per channel"
                )
        ends = None if value_range is None else (value_range[0], value_range[1])
        return cls(tuple(given["mean"] or ()), tuple(given["std"] or ()), ends)

    @property
    def in_channels(self) -> int:
        """How many channels there are."""
        return len(self.mean)

    @property
    def config(self) -> dict[str, Any]:
        """The arguments of a model that make it, plain values; none for ImageNet's."""
        plain: dict[str, Any] = {"mean": list(self.mean), "std": list(self.std)}
        if self.value_range is not None:
            plain["value_range"] = list(self.value_range)
        return {} if self == IMAGENET else {"in_channels": self.in_channels, **plain}

    def normalize(self, images: Tensor) -> Tensor:
        """Scale uint8 images to 0..1 and normalise them.

        Args:
            images: uint8 ... x channels x H x W in 0..255, or floating point: returned as it is,
                because it is taken to be normalised already.

        Returns:
            floating point (float32 for uint8 input), the same shape and memory format.

        Raises:
            ValueError: for another dtype, whose range of values is unknown, or another number of
                channels.
        """
        if images.is_floating_point():
            return images
        if images.dtype != torch.uint8:
            raise ValueError(
                f"got images of dtype {str(images.dtype).removeprefix('torch.')}; expected uint8 "
                "in 0..255, or floating point that is normalised already: convert with "
                ".to(torch.uint8)"
            )
        if images.ndim < 3 or images.shape[-3] != self.in_channels:
            wanted = (
                "three channels, ... x 3" if self.in_channels == 3 else f"... x {len(self.mean)}"
            )
            raise ValueError(
                f"got images {tuple(images.shape)}; expected {wanted} x H x W, the in_channels of "
                "the model: convert the images (grey ones to RGB), or make the model for theirs"
            )
        pixels = images.float().div_(255.0)
        rows = pixels.movedim(-3, -1)
        if rows.is_contiguous():  # Long rows of numbers are quicker than many of three.
            mean, std = _row_statistics(self, images.device, rows.shape[-2])
            rows.flatten(-2).sub_(mean).div_(std)
            return pixels
        mean, std = _statistics(self, images.device)
        return pixels.sub_(mean).div_(std)

    def to_pixels(self, images: Tensor) -> Tensor:
        """Undo :meth:`normalize`.

        Args:
            images: floating point ... x channels x H x W, normalised, or uint8: returned as it is.

        Returns:
            uint8 in 0..255, the same shape.
        """
        if images.dtype == torch.uint8:
            return images
        mean, std = _statistics(self, images.device)
        return ((images.float() * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)


IMAGENET: Final = Normalization(IMAGENET_MEAN, IMAGENET_STD)
"""Of the ImageNet training images: three channels (R, G, B)."""

normalize_images = IMAGENET.normalize
""":meth:`Normalization.normalize` with ImageNet's statistics."""


def normalization_of(model: Any) -> Normalization:
    """The normalisation that a model brings; ImageNet's for models of others.

    Example:
        >>> normalization_of(torch.nn.Conv2d(3, 21, 1)) is IMAGENET
        True
    """
    own = getattr(model, "normalization", None)
    return own if isinstance(own, Normalization) else IMAGENET


def check_normalized(images: Tensor) -> None:
    """Refuse floating point images that have the values of pixels, not of normalised ones.

    Normalised images have negative values in every dark region. A batch that lies within 0..1, or
    has no negative value and one above 3, was scaled at most. This reads the values (on a GPU it
    waits for them), so it is for single calls and the first batch of many.

    Args:
        images: any shape; uint8 passes, because it will be normalised.

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
    if not (math.isfinite(least) and math.isfinite(most)):
        raise ValueError(
            f"got {str(images.dtype).removeprefix('torch.')} images with values in {least:g}.."
            f"{most:g}; expected finite ones: look for NaN in the files and transforms"
        )
    if least >= 0 and (most <= 1 or most > _ABOVE_NORMALIZED):
        raise ValueError(
            f"got {str(images.dtype).removeprefix('torch.')} images with values in "
            f"{least:.4g}..{most:.4g}, which are not normalised; pass uint8 in 0..255, or "
            "normalise with ImageNet's mean and standard deviation (normalize_images); predict() "
            "takes normalized=True for images that are normalised all the same"
        )


@lru_cache(maxsize=16)  # One copy for each device, not one per batch.
def _statistics(normalization: Normalization, device: torch.device) -> tuple[Tensor, Tensor]:
    # Copied to a GPU, they would wait for it.
    mean, std = (
        torch.stack([torch.full((1, 1), value, device=device) for value in values])
        for values in (normalization.mean, normalization.std)
    )
    return mean, std


@lru_cache(maxsize=16)
def _row_statistics(
    normalization: Normalization, device: torch.device, width: int
) -> tuple[Tensor, Tensor]:
    """The statistics of a row of pixels whose channels lie beside each other in memory."""
    mean, std = (v.flatten().repeat(width) for v in _statistics(normalization, device))
    return mean, std
