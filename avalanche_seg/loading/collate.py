"""Samples to a batch."""

from itertools import groupby
from typing import Any

from torch import Tensor
from torch.utils.data import default_collate

__all__ = ["collate", "collate_by_size"]


def collate(samples: list[tuple[Any, ...]]) -> Any:
    """Torch's default, with images whose channels lie last in memory left so.

    Decoders write pixels that way and the strategies' networks read them that way; torch's default
    would transpose every image in between, and again on the device.

    Args:
        samples: (image, ...), what the data set gave: most often (image, labels), or (image,
            labels, extras) with a dict of tensors.

    Returns:
        The batch of ``default_collate``: the same values.

    Example:
        >>> import torch
        >>> image, labels = torch.zeros(4, 5, 3).permute(2, 0, 1), torch.zeros(4, 5)
        >>> images, labels, extras = collate([(image, labels, {"saliency": labels})] * 2)
        >>> images.shape, extras["saliency"].shape
        (torch.Size([2, 3, 4, 5]), torch.Size([2, 4, 5]))
        >>> images.is_contiguous(memory_format=torch.channels_last)
        True

    Raises:
        ValueError: for images of different sizes.
    """
    try:
        return _collated(samples)
    except RuntimeError as error:
        sizes = sorted({tuple(s[0].shape[-2:]) for s in samples if isinstance(s[0], Tensor)})
        if len(sizes) < 2:
            raise
        named = " and ".join(" x ".join(map(str, size)) for size in sizes[:2])
        raise ValueError(
            f"a batch has images of different sizes, such as {named}; expected one size: give the "
            "benchmark a train_transform that crops, such as train_preset(512)"
        ) from error


def collate_by_size(samples: list[tuple[Any, ...]]) -> list[Any]:
    """One batch of :func:`collate` for each run of images of one size, in their order.

    Example:
        >>> import torch
        >>> wide, high = torch.zeros(3, 4, 6), torch.zeros(3, 6, 4)
        >>> parts = collate_by_size([(wide, wide[0]), (wide, wide[0]), (high, high[0])])
        >>> [tuple(images.shape) for images, labels in parts]
        [(2, 3, 4, 6), (1, 3, 6, 4)]
    """
    return [collate(list(run)) for _, run in groupby(samples, key=_size)]


def _size(sample: Any) -> Any:
    first = sample[0] if isinstance(sample, tuple | list) else sample
    return first.shape if isinstance(first, Tensor) else None


def _collated(samples: list[tuple[Any, ...]]) -> Any:
    first = samples[0]
    if not (isinstance(first, tuple | list) and all(_channels_last(s[0]) for s in samples)):
        return default_collate(samples)
    pixels = default_collate([sample[0].permute(1, 2, 0) for sample in samples])
    return [pixels.permute(0, 3, 1, 2), *default_collate([tuple(s[1:]) for s in samples])]


def _channels_last(image: Any) -> bool:
    return isinstance(image, Tensor) and image.dim() == 3 and image.stride(0) == 1 < len(image)
