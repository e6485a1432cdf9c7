"""The one bilinear resize that models, losses and metrics share.

Models return logits at their own stride. Everything that compares logits with a label map goes
through this file, so training, evaluation and prediction see the same pixels: through
:func:`resize_logits` for a whole map, through :class:`TileResize` for a part of it at a time.
"""

import itertools
import math
from collections.abc import Iterator
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from avalanche_seg.scratch import Scratch

__all__ = ["TileResize", "bilinear_matrix", "resize_logits", "tiles"]

Tile = tuple[slice, slice]

# Scores of a tile, in bytes: on a CPU about what stays in a core's cache, elsewhere what keeps the
# number of kernels small.
_CPU_TILE = 2 << 20
_DEVICE_TILE = 32 << 20


def resize_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize score maps bilinearly, ``align_corners=False``.

    Args:
        logits: floating point, B x C x h x w.
        size: wanted (H, W) in pixels.

    Returns:
        B x C x H x W, the same dtype; ``logits`` itself when the size already fits.
    """
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)


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
    outputs = torch.arange(n_out)  # On the host: some devices have no float64.
    positions = ((outputs.double() + 0.5) * (n_in / n_out) - 0.5).clamp(min=0)
    low = positions.long().clamp(max=n_in - 1)
    high = (low + 1).clamp(max=n_in - 1)
    share = positions - low
    matrix = torch.zeros(n_out, n_in, dtype=torch.float64)
    matrix.index_put_((outputs, low), 1 - share, accumulate=True)
    matrix.index_put_((outputs, high), share, accumulate=True)
    return matrix.to(dtype).to(device)


def tiles(maps: Tensor, size: tuple[int, int]) -> Iterator[tuple[slice, slice, slice]]:
    """Images, rows and columns of tiles that are small enough to work on in the cache.

    Args:
        maps: B x C x h x w, whose channels, type and device decide.
        size: (H, W) of the result that is divided; several images at a time where whole ones fit.
    """
    budget = _CPU_TILE if maps.device.type == "cpu" else _DEVICE_TILE
    n_pixels = max(1, budget // (maps.shape[1] * maps.element_size()))
    height, width = size
    # Wide rather than tall: the fewer rows, the cheaper the adjoint's product down the columns.
    columns = max(1, min(width, n_pixels, 2 * math.isqrt(n_pixels)))
    images = n_pixels // max(1, height * width)
    yield from itertools.product(
        _slices(len(maps), images),
        _slices(height, n_pixels // columns),
        _slices(width, columns),
    )


def _slices(total: int, at_most: int) -> list[slice]:
    """Parts of nearly the same length."""
    n_parts = math.ceil(total / max(1, at_most))
    ends = [total * i // max(1, n_parts) for i in range(n_parts + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


class TileResize:
    """Bilinear resize of score maps, ``align_corners=False``, a tile of the result at a time.

    A tile is two small matrix products with the few source rows and columns it lies between.

    Args:
        maps: B x C x h x w, whose size, type (float32 or float64) and device the resize is for.
        size: (H, W) of the result.
    """

    def __init__(self, maps: Tensor, size: tuple[int, int]) -> None:
        self._lines = tuple(
            _Line(n_in, n_out, maps) for n_in, n_out in zip(maps.shape[-2:], size, strict=True)
        )
        self._scratch = Scratch()

    def tile(self, maps: Tensor, tile: Tile) -> Tensor:
        """A tile of the result; the next one takes its memory.

        Args:
            maps: n x C x h x w.
            tile: rows and columns of the result, R x S.

        Returns:
            n x C x R x S, contiguous; may be overwritten.
        """
        (down, rows), (across, columns) = self._bands(tile)
        source = maps[..., rows, columns]
        shape = [*maps.shape[:2], *(part.stop - part.start for part in tile)]
        out = self._scratch.of_shape(shape, maps)
        if down is None:
            return out.copy_(source) if across is None else torch.matmul(source, across.T, out=out)
        wide = source if across is None else source @ across.T
        return torch.matmul(down, wide, out=out)

    def add_adjoint(self, maps: Tensor, gradient: Tensor, tile: Tile) -> None:
        """Add what a tile's gradient is to the source, in place.

        Args:
            maps: n x C x h x w.
            gradient: n x C x R x S.
            tile: as in :meth:`tile`.
        """
        (down, rows), (across, columns) = self._bands(tile)
        low = gradient if down is None else down.T @ gradient
        maps[..., rows, columns] += low if across is None else low @ across

    def _bands(self, tile: Tile) -> list[tuple[Tensor | None, slice]]:
        return [line.band(part) for line, part in zip(self._lines, tile, strict=True)]


class _Line:
    """The resize of one dimension; no matrix where nothing changes."""

    def __init__(self, n_in: int, n_out: int, like: Tensor) -> None:
        self._n_in, self._scale = n_in, n_in / n_out
        same = n_in == n_out
        self._matrix = None if same else bilinear_matrix(n_in, n_out, like.dtype, like.device)

    def band(self, part: slice) -> tuple[Tensor | None, slice]:
        """The matrix of a part of the result, and the part of the source it is applied to."""
        if self._matrix is None:
            return None, part
        first = int(max((part.start + 0.5) * self._scale - 0.5, 0))
        last = int(max((part.stop - 0.5) * self._scale - 0.5, 0)) + 1
        band = slice(min(first, self._n_in - 1), min(last, self._n_in - 1) + 1)
        return self._matrix[part, band], band
