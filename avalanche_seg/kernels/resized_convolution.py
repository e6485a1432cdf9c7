"""Convolution of a map that is resized bilinearly before, without the resized map.

A convolution is a sum over its taps of a 1x1 convolution and a shift. 1x1 convolutions and resizes
may change places, because one works on channels alone and the other on pixels alone. So the 1x1
convolutions see the small map, and the resize and the shifts are two products with matrices.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from avalanche_seg.kernels.resize import bilinear_matrix, compute_dtype, resize_logits

__all__ = ["convolve_resized"]


def convolve_resized(maps: Tensor, weight: Tensor, size: tuple[int, int]) -> Tensor:
    """``conv2d(resize_logits(maps, size), weight, padding=k // 2)``, up to rounding.

    Of a map at half the size a 3x3 convolution costs about a quarter of the arithmetic, forward and
    backward; its input, the resized map, is not kept for the backward pass either.

    Args:
        maps: floating point, B x D x h x w.
        weight: of the convolution, floating point, E x D x k x k with an odd k; at stride 1, with
            zeros around the border.
        size: (H, W) of the resized map, in pixels.

    Returns:
        B x E x H x W, of the convolution's type. Differentiable with regard to both.

    Example:
        >>> maps, weight = torch.tensor([[[[0.0, 4.0]]]]), torch.ones(1, 1, 3, 3)
        >>> convolve_resized(maps, weight, (1, 4)).tolist()  # of 0, 1, 3, 4
        [[[[1.0, 4.0, 8.0, 7.0]]]]
    """
    (height, width), (n_rows, n_columns) = maps.shape[-2:], size
    if n_rows * n_columns <= height * width:  # Nothing is saved.
        return F.conv2d(resize_logits(maps, size), weight, padding=weight.shape[-1] // 2)
    n_out, _, k, _ = weight.shape
    down = _shifted(height, n_rows, k, weight)
    # W x (w k): all taps of a row in one product.
    across = _shifted(width, n_columns, k, weight).movedim(0, -1).flatten(1)
    rows: Tensor | None = None
    for tap in range(k):
        of_row = weight[:, :, tap].permute(2, 0, 1).flatten(0, 1)[..., None, None]
        mixed = F.conv2d(maps, of_row).movedim(1, -1).flatten(2)  # B x h x (w k E)
        shifted = down[tap] @ mixed
        rows = shifted if rows is None else rows + shifted
    assert rows is not None
    return (across @ rows.unflatten(2, (width * k, n_out))).movedim(-1, 1)


def _shifted(n_in: int, n_out: int, k: int, like: Tensor) -> Tensor:
    """The resize of a line as each of the k taps sees it, k x n_out x n_in; zeros outside."""
    matrix = bilinear_matrix(n_in, n_out, compute_dtype(like), like.device).to(like.dtype)
    padded = F.pad(matrix, (0, 0, k // 2, k // 2))
    return torch.stack([padded[tap : tap + n_out] for tap in range(k)])
