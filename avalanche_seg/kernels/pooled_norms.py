"""Norms of pooled differences of squares: what local POD costs, one pass over each map."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from avalanche_seg.kernels.resize import compute_dtype

__all__ = ["plain_pooled_norms", "pooled_norms"]

_Pooling = tuple[Tensor, Tensor, tuple[Tensor, Tensor] | None]


def pooled_norms(features: Tensor, teacher: Tensor, scales: Sequence[int]) -> Tensor:
    """|| Phi(x_b^2) - Phi(x'_b^2) ||_2 of every image b; see :func:`plain_pooled_norms` for Phi.

    The squares of one image at a time are there, and of them every mean of every scale is read off
    at once; for the backward pass those means are kept, a small share of a map. Differentiable with
    regard to the features, with gradient 0 for an image whose norm is 0. A gradient that can be
    differentiated itself (``create_graph=True``) is that of the plain formula.

    Args:
        features: floating point, B x D x H x W; half precision is computed in float32.
        teacher: the same shape; gets no gradient.
        scales: numbers of windows per side; those that exceed a side of the map are left out.

    Returns:
        B, float64 for float64 features, else float32.

    Example:
        >>> pooled_norms(torch.full((1, 1, 2, 2), 2.0), torch.ones(1, 1, 2, 2), (1,)).tolist()
        [6.0]
    """
    if torch.compiler.is_compiling():
        return plain_pooled_norms(features, teacher, scales)
    norms: Tensor = _PooledNorms.apply(features, teacher.detach(), tuple(scales))
    return norms


def plain_pooled_norms(features: Tensor, teacher: Tensor, scales: Sequence[int]) -> Tensor:
    """The same by torch's own operations, window by window.

    Phi: for every scale s, the map is divided into s x s windows of H // s rows and W // s columns,
    what remains at the end dropped; of each window the mean of every row and of every column.

    Args:
        features: as in :func:`pooled_norms`.
        teacher: as in :func:`pooled_norms`.
        scales: as in :func:`pooled_norms`.

    Returns:
        B.
    """
    dtype = compute_dtype(features)
    squares = features.to(dtype).square() - teacher.detach().to(dtype).square()
    parts = []
    for scale in _fitting(features, scales):
        height, width = (side // scale for side in squares.shape[-2:])
        windows = squares[..., : scale * height, : scale * width]
        windows = windows.unflatten(3, (scale, width)).unflatten(2, (scale, height))
        parts += [windows.mean(dim).flatten(1) for dim in (3, 5)]
    total = torch.cat(parts, dim=1).square().sum(dim=1)
    agree = total == 0  # The square root has no gradient there.
    return torch.where(agree, 0.0, torch.where(agree, 1.0, total).sqrt())


# Phi is linear in the squares, so the norm is that of Phi(d), d = x^2 - x'^2. With A (W x J) the
# means over the columns of every window of every scale and D (J x H) those over its rows, Phi(d)
# holds R = d A and S = D d, each read off the map once, and || Phi(d) ||^2 = |R|^2 + |S|^2. So
# dn/dd = (R A^T + D^T S) / n, and dd/dx = 2 x.
class _PooledNorms(torch.autograd.Function):
    """The norm of every image; one image at a time, so that no squares are kept."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, teacher: Tensor, scales: tuple[int, ...]) -> Tensor:
        dtype = compute_dtype(features)
        across, down, kept = _pooling(features, scales, dtype)
        norms, rows, columns = [], [], []
        with torch.autocast(features.device.type, enabled=False):
            for ours, theirs in zip(features, teacher, strict=True):
                x, y = ours.to(dtype), theirs.to(dtype)
                squares = ((x - y) * (x + y)).contiguous()
                of_rows, of_columns = squares @ across, down @ squares
                if kept is not None:
                    of_rows, of_columns = of_rows * kept[0], of_columns * kept[1]
                norms.append((of_rows.square().sum() + of_columns.square().sum()).sqrt())
                rows.append(of_rows)
                columns.append(of_columns)
        ctx.scales = scales
        norm = torch.stack(norms)
        ctx.save_for_backward(features, teacher, torch.stack(rows), torch.stack(columns), norm)
        return norm

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        features, teacher, rows, columns, norms = ctx.saved_tensors
        if torch.is_grad_enabled():  # By create_graph=True.
            plain = plain_pooled_norms(features, teacher, ctx.scales)
            (slope,) = torch.autograd.grad(plain, features, upstream, create_graph=True)
            return slope, None, None
        across, down, _ = _pooling(features, ctx.scales, norms.dtype)
        factors = torch.where(norms > 0, 2 * upstream / norms, 0.0)
        slope = torch.empty_like(features)
        with torch.autocast(features.device.type, enabled=False):
            for image, factor in enumerate(factors):
                by_square = (rows[image] * factor) @ across.T
                by_square += down.T @ (columns[image] * factor)
                torch.mul(by_square, features[image], out=slope[image])
        return slope, None, None


def _pooling(features: Tensor, scales: Sequence[int], dtype: torch.dtype) -> _Pooling:
    height, width = features.shape[-2:]
    return _pooling_of(height, width, tuple(_fitting(features, scales)), dtype, features.device)


@lru_cache(maxsize=64)
def _pooling_of(
    height: int, width: int, scales: tuple[int, ...], dtype: torch.dtype, device: torch.device
) -> _Pooling:
    """A (W x J), D (J x H), and where R and S are not of dropped rows and columns (None: all)."""
    across, down = (_window_means(side, scales, dtype, device) for side in (width, height))
    kept = None
    if any(height % scale or width % scale for scale in scales):
        # A window's means are of the rows, or columns, that belong to some window of its scale.
        by_scale = torch.cat([torch.full((scale,), scale, device=device) for scale in scales])
        row, column = (torch.arange(side, device=device) for side in (height, width))
        of_row = row[:, None] < height // by_scale * by_scale
        of_column = column < (width // by_scale * by_scale)[:, None]
        kept = (of_row, of_column)
    return across.T, down, kept


def _fitting(features: Tensor, scales: Sequence[int]) -> list[int]:
    return [scale for scale in scales if scale <= min(features.shape[-2:])]


def _window_means(
    side: int, scales: Sequence[int], dtype: torch.dtype, device: torch.device
) -> Tensor:
    """A row per window of every scale: 1 / (its length) on the window, J x side."""
    rows = torch.zeros(sum(scales), side, dtype=dtype, device=device)
    first = 0
    for scale in scales:
        length = side // scale
        for window in range(scale):
            rows[first + window, window * length : (window + 1) * length] = 1 / length
        first += scale
    return rows
