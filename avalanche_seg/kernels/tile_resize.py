"""Score maps resized tile by tile, so that work on the result stays in the cache.

The result is divided into stripes of columns and these into tiles; each is resized across and down
from what it lies between. A map Z becomes D Z A^T, with D the resize down the rows and A
that across the columns, so a gradient G of the result becomes D^T G A, added up over the tiles.
"""

import itertools
import math
from collections.abc import Iterator

from torch import Tensor

from avalanche_seg.kernels.resized_line import PIECE, Line, slices, whole_factor
from avalanche_seg.kernels.workspace import Workspace

__all__ = ["Stripe", "TileResize", "stripes"]

Stripe = tuple[slice, slice, list[slice]]
"""Images and columns of a stripe, and the rows of each of its tiles."""

# Scores of a tile, in bytes: on a CPU about what stays in a core's cache, elsewhere so many that
# the host keeps up with the device; profiling/RESULTS-cuda.md has other sizes.
_CPU_TILE = 2 << 20
_DEVICE_TILE = 128 << 20
# With many channels a tile may be larger: on fewer pixels the calls cost more than the cache saves.
_LEAST_PIXELS = 7 << 10
# Lower tiles would spend more on adding up gradients, which go to the same few rows of the source.
_LEAST_ROWS = 32
# Stripes that there are at least, where they get no narrower than a piece of a line: threads take
# one each.
_LEAST_STRIPES = 8


def stripes(maps: Tensor, size: tuple[int, int]) -> Iterator[Stripe]:
    """A division of a result into tiles that are small enough to work on in the cache.

    Args:
        maps: B x C x h x w, whose channels, type and device decide.
        size: (H, W) of the result that is divided; several images at a time where whole ones fit.

    Yields:
        the images and the columns of a stripe, and the rows of each of its tiles.
    """
    budget = _CPU_TILE if maps.device.type == "cpu" else _DEVICE_TILE
    n_pixels = max(_LEAST_PIXELS, budget // (maps.shape[1] * maps.element_size()))
    height, width = size
    widest = max(PIECE, math.ceil(width * len(maps) / _LEAST_STRIPES))
    columns = max(1, min(width, widest, n_pixels // _LEAST_ROWS))
    # Whole groups of rows around rows of the source, if they are small enough.
    group = whole_factor(maps.shape[-2], height)
    group = group if group <= n_pixels // columns else 1
    groups = slices(height // group, n_pixels // columns // group)
    rows = [slice(part.start * group, part.stop * group) for part in groups]
    images = slices(len(maps), n_pixels // max(1, height * width))
    for part, stripe in itertools.product(images, slices(width, columns)):
        yield part, stripe, rows


class TileResize:
    """Bilinear resize of score maps, ``align_corners=False``, one tile of the result at a time.

    A stripe of columns is resized across once, then each of its tiles down, from the few rows it
    lies between.

    Args:
        maps: B x C x h x w, float32 or float64.
        size: (H, W) of the result.

    Example:
        >>> import torch
        >>> resize = TileResize(torch.tensor([[[[0.0, 4.0]]]]), (2, 4))
        >>> stripe = resize.across(slice(0, 1), slice(1, 3))  # its two columns in the middle
        >>> resize.down(stripe, slice(0, 1)).tolist()
        [[[[1.0, 3.0]]]]
    """

    def __init__(self, maps: Tensor, size: tuple[int, int]) -> None:
        self._maps = maps
        self._down, self._across = (
            Line(n_in, n_out, maps) for n_in, n_out in zip(maps.shape[-2:], size, strict=True)
        )
        self._scratch = Workspace()

    def across(self, images: slice, columns: slice) -> Tensor:
        """A stripe of the result at the height of the source; the next one takes its memory.

        Args:
            images: n of the maps.
            columns: of the result, S of them.

        Returns:
            n x C x h x S, not to be changed.
        """
        maps = self._maps[images]
        if self._across.same:
            return maps[..., columns]
        stripe = self._stripe(maps, columns, number=1)
        for part, matrix, band in self._across.bands(columns):
            stripe[..., part] = maps[..., band] @ matrix.T
        return stripe

    def down(self, stripe: Tensor, rows: slice) -> Tensor:
        """A tile of the result; the next one takes its memory.

        Args:
            stripe: n x C x h x S, of :meth:`across`.
            rows: of the result, R of them.

        Returns:
            n x C x R x S, contiguous; may be overwritten.
        """
        n_images, n_channels, _, width = stripe.shape
        out = self._scratch.of_shape((n_images, n_channels, rows.stop - rows.start, width), stripe)
        if self._down.same:
            return out.copy_(stripe[..., rows, :])
        return self._down.stretch(stripe, rows, out)

    def gradient_stripe(self, maps: Tensor, columns: slice, *, number: int = 0) -> Tensor:
        """Where the gradients of a stripe's tiles are added up, n x C x h x S.

        Args:
            maps: n x C x h x w, to which they are to be added in the end.
            columns: of the stripe.
            number: tells apart stripes that are needed at the same time.

        Returns:
            zeros, or, where nothing is resized across, the columns of ``maps`` themselves.
        """
        if self._across.same:
            return maps[..., columns]
        return self._stripe(maps, columns, number=2 + number).zero_()

    def add_tile_gradient(self, stripe: Tensor, gradient: Tensor, rows: slice) -> None:
        """Add what a tile's gradient, n x C x R x S, is to its :meth:`gradient_stripe`."""
        if self._down.same:
            stripe[..., rows, :] += gradient
        else:
            self._down.fold_(stripe, gradient, rows)

    def add_stripe_gradient(self, maps: Tensor, stripe: Tensor, columns: slice) -> None:
        """Add what a :meth:`gradient_stripe` is to the source, n x C x h x w."""
        if self._across.same:  # It is there.
            return
        for part, matrix, band in self._across.bands(columns):
            maps[..., band] += stripe[..., part] @ matrix

    def _stripe(self, maps: Tensor, columns: slice, *, number: int) -> Tensor:
        shape = (*maps.shape[:-1], columns.stop - columns.start)
        return self._scratch.of_shape(shape, maps, number)
