"""Images of any number of channels as pictures show them."""

import torch
from torch import Tensor

__all__ = ["as_rgb"]


def as_rgb(images: Tensor) -> Tensor:
    """Three channels of images: the first three, the one there is, or two and black.

    Args:
        images: ... x channels x H x W.

    Returns:
        ... x 3 x H x W; the same tensor where there are three channels.

    Example:
        >>> as_rgb(torch.tensor([[[7]], [[8]], [[9]], [[10]]])).flatten().tolist()
        [7, 8, 9]
        >>> as_rgb(torch.tensor([[[7]]])).flatten().tolist()
        [7, 7, 7]
        >>> as_rgb(torch.tensor([[[7]], [[8]]])).flatten().tolist()
        [7, 8, 0]
    """
    channels = images.shape[-3]
    if channels == 1:
        return torch.cat([images] * 3, dim=-3)
    if channels == 2:
        return torch.cat([images, torch.zeros_like(images[..., :1, :, :])], dim=-3)
    return images[..., :3, :, :]
