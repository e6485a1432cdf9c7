"""Batches of tensors and of dicts of tensors: moved to a device, and cut into parts."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["batch_extras", "split_batch", "to_device"]


def to_device(part: Any, device: torch.device) -> Any:
    """One part of a batch on a device: a tensor, or the extras, a mapping of names to tensors.

    Args:
        part: tensor, or mapping.
        device: where to.

    Example:
        >>> to_device({"saliency": torch.zeros(2)}, torch.device("cpu"))
        {'saliency': tensor([0., 0.])}
    """
    if isinstance(part, Mapping):
        return {name: to_device(value, device) for name, value in part.items()}
    return part.to(device, non_blocking=True)


def batch_extras(batch: Sequence[Any]) -> Mapping[str, Tensor]:
    """The extras of a batch, which follow images and labels; empty where samples have none.

    Args:
        batch: images, labels, and whatever else the data set gives.

    Example:
        >>> batch_extras([torch.zeros(1), torch.zeros(1), {"saliency": torch.ones(1)}])
        {'saliency': tensor([1.])}
    """
    return next((part for part in batch[2:] if isinstance(part, Mapping)), {})


def split_batch(batch: Sequence[Any], n_parts: int) -> list[list[Any]]:
    """Cut a batch into parts of nearly the same number of samples, in order.

    Args:
        batch: tensors, and mappings of names to tensors, whose first dimension is the sample's.
        n_parts: how many parts.

    Returns:
        the parts, each a list as long as the batch's.

    Example:
        >>> split_batch([torch.arange(3), {"x": torch.arange(3)}], 2)
        [[tensor([0, 1]), {'x': tensor([0, 1])}], [tensor([2]), {'x': tensor([2])}]]
    """
    split = [_split(part, n_parts) for part in batch]
    return [list(parts) for parts in zip(*split, strict=True)]


def _split(part: Any, n_parts: int) -> Sequence[Any]:
    if isinstance(part, Tensor):
        return part.tensor_split(n_parts)
    columns = {name: _split(value, n_parts) for name, value in part.items()}
    return [{name: column[i] for name, column in columns.items()} for i in range(n_parts)]
