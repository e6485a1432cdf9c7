"""How often whole numbers occur, without waiting for the device."""

import torch
from torch import Tensor

__all__ = ["count_values"]

# Cells of all copies together: 8 MiB, which a GPU's cache holds.
_CELLS = 1 << 20
_COPIES = 64


def count_values(values: Tensor, n_values: int) -> Tensor:
    """``bincount`` of known length.

    On a device ``torch.bincount`` looks for the largest value, and so waits. There the counts are
    added up instead, in several copies: a common value (background) would make all threads wait for
    one place in memory.

    Args:
        values: int64, 0..n_values-1, any shape.
        n_values: N.

    Returns:
        int64, N, on the device of the values.

    Example:
        >>> count_values(torch.tensor([[2, 0], [2, 2]]), 4).tolist()
        [1, 0, 3, 0]
    """
    if values.device.type == "cpu":
        return torch.bincount(values.flatten(), minlength=n_values)
    return scattered_counts(values, n_values)


def scattered_counts(values: Tensor, n_values: int) -> Tensor:
    """What :func:`count_values` does on a device; takes the same and returns the same."""
    flat = values.flatten()
    n_copies = max(1, min(_COPIES, _CELLS // n_values))
    copy = torch.arange(flat.numel(), device=flat.device).remainder_(n_copies)
    counts = torch.zeros(n_copies * n_values, dtype=torch.int64, device=flat.device)
    one = torch.ones((), dtype=torch.int64, device=flat.device)
    counts.scatter_add_(0, flat * n_copies + copy, one.expand(flat.shape))
    return counts.view(n_values, n_copies).sum(dim=1)
