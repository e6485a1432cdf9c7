"""The one bilinear resize that models, losses and metrics share.

Models return logits at their own stride. Everything that compares logits with a label map goes
through this file, so training, evaluation and prediction see the same pixels: through
:func:`resize_logits` for a whole map, through :func:`bilinear_matrix` for a part of it at a time
(:mod:`avalanche_seg.kernels.tile_resize`).
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["bilinear_matrix", "compute_dtype", "resize_logits"]

_NO_FLOAT64 = ("mps", "xpu")


def resize_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize score maps bilinearly, ``align_corners=False``.

    Args:
        logits: floating point, B x C x h x w.
        size: wanted (H, W) in pixels.

    Returns:
        B x C x H x W, the same dtype; ``logits`` itself when the size already fits.

    Example:
        >>> resize_logits(torch.tensor([[[[0.0, 4.0]]]]), (1, 4)).tolist()
        [[[[0.0, 1.0, 3.0, 4.0]]]]
    """
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def compute_dtype(logits: Tensor) -> torch.dtype:
    """The type in which logits are resized and turned into losses, under autocast too.

    Args:
        logits: floating point.

    Returns:
        float64 for float64, else float32.
    """
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


@lru_cache(maxsize=64)
def bilinear_matrix(n_in: int, n_out: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The resize of a line of ``n_in`` values to ``n_out`` as a matrix, ``align_corners=False``.

    Output i lies at (i + 1/2) n_in / n_out - 1/2, not left of 0, between the two values beside it.

    Args:
        n_in: values of the line, one or more.
        n_out: wanted number of values.
        dtype: of the matrix, floating point; the weights are computed in float64.
        device: of the matrix.

    Returns:
        n_out x n_in; every row sums to one. Shared between callers: not to be changed.

    Example:
        >>> bilinear_matrix(2, 4, torch.float32, torch.device("cpu")).tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    # Copied from the host, it would wait for the device.
    here = torch.device("cpu") if device.type in _NO_FLOAT64 else device
    outputs = torch.arange(n_out, device=here)
    positions = ((outputs.double() + 0.5) * (n_in / n_out) - 0.5).clamp(min=0)
    low = positions.long().clamp(max=n_in - 1)
    high = (low + 1).clamp(max=n_in - 1)
    share = positions - low
    matrix = torch.zeros(n_out, n_in, dtype=torch.float64, device=here)
    matrix.index_put_((outputs, low), 1 - share, accumulate=True)
    matrix.index_put_((outputs, high), share, accumulate=True)
    return matrix.to(dtype).to(device)
