"""One dimension of a bilinear resize, a part of it at a time."""

import itertools
import math
from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor

from avalanche_seg.kernels.resize import bilinear_matrix

__all__ = ["PIECE", "Line", "slices", "whole_factor"]

PIECE = 128
"""Columns that are resized across at a time; of 32 to 512 the quickest."""


def slices(total: int, at_most: int) -> list[slice]:
    """Parts of nearly the same length."""
    n_parts = math.ceil(total / max(1, at_most))
    ends = [total * i // max(1, n_parts) for i in range(n_parts + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def whole_factor(n_in: int, n_out: int) -> int:
    """How many values of the result belong to one of the source; 1 where that is no whole number.

    Example:
        >>> whole_factor(4, 32), whole_factor(4, 33)
        (8, 1)
    """
    return max(1, n_out // n_in) if n_out % n_in == 0 else 1


class Line:
    """The resize of one dimension, ``align_corners=False``.

    Rows are resized as a product with a matrix, whose rows have two weights each. Where as many
    rows of the result belong to every row of the source, these stand around it: those before it lie
    between the one before and itself, so they are a sum of two rows each, which a CPU computes in a
    fraction of the time.

    Args:
        n_in: values of the source.
        n_out: of the result.
        like: for the type and the device.

    Attributes:
        same: it changes nothing.
    """

    def __init__(self, n_in: int, n_out: int, like: Tensor) -> None:
        self._n_in, self._scale = n_in, n_in / n_out
        self._matrix = bilinear_matrix(n_in, n_out, like.dtype, like.device)
        self.same = n_in == n_out
        self._factor = whole_factor(n_in, n_out) if like.device.type == "cpu" else 1
        if self._factor > 1:
            self._weights = _weights_of_group(self._factor, like.dtype)
            n_before = self._factor // 2
            self._before = -self._weights[0, :n_before, None]
            self._after = self._weights[2, n_before:, None]

    def band(self, part: slice) -> tuple[Tensor, slice]:
        """The matrix of a part of the result, and the part of the source it is applied to."""
        first = int(max((part.start + 0.5) * self._scale - 0.5, 0))
        last = int(max((part.stop - 0.5) * self._scale - 0.5, 0)) + 1
        band = slice(min(first, self._n_in - 1), min(last, self._n_in - 1) + 1)
        return self._matrix[part, band], band

    def bands(self, part: slice) -> Iterator[tuple[slice, Tensor, slice]]:
        """The same in pieces, because most of a wide matrix is zero.

        Yields:
            the piece, counted from the start of the part; its matrix; its part of the source.
        """
        for piece in slices(part.stop - part.start, PIECE):
            start, stop = piece.start + part.start, piece.stop + part.start
            yield piece, *self.band(slice(start, stop))

    def stretch(self, source: Tensor, rows: slice, out: Tensor) -> Tensor:
        """Resize rows.

        Args:
            source: n x C x n_in x S.
            rows: of the result, R of them.
            out: n x C x R x S, contiguous; filled.
        """
        own = self._own_rows(rows)
        if own is None:
            matrix, band = self.band(rows)
            return torch.matmul(matrix, source[..., band, :], out=out)
        n_own = own.stop - own.start
        around = out.unflatten(-2, (n_own, self._factor))
        middle = source[..., own, None, :]
        steps = self._steps(source, own).unsqueeze(-2)
        n_before = len(self._before)
        torch.addcmul(middle, self._before, steps[..., :-1, :, :], out=around[..., :n_before, :])
        torch.addcmul(middle, self._after, steps[..., 1:, :, :], out=around[..., n_before:, :])
        return out

    def fold_(self, sums: Tensor, gradient: Tensor, rows: slice) -> None:
        """Add the gradient of rows to that of the source.

        Args:
            sums: n x C x n_in x S.
            gradient: n x C x R x S, contiguous.
            rows: of the result, R of them.
        """
        own = self._own_rows(rows)
        if own is None:
            matrix, band = self.band(rows)
            sums[..., band, :] += matrix.T @ gradient
            return
        n_own = own.stop - own.start
        before, middle, after = (
            self._weights @ gradient.unflatten(-2, (n_own, self._factor))
        ).unbind(dim=-2)
        sums[..., own, :] += middle
        for start, part in ((own.start - 1, before), (own.start + 1, after)):
            # Beyond its ends the source goes on as its first and its last row.
            low, high = max(start, 0), min(start + n_own, self._n_in)
            sums[..., low:high, :] += part[..., low - start : high - start, :]
            if low > start:
                sums[..., 0, :] += part[..., 0, :]
            if high < start + n_own:
                sums[..., -1, :] += part[..., -1, :]

    def _own_rows(self, rows: slice) -> slice | None:
        """The rows of the source around which the rows are, if they are whole groups."""
        if self._factor == 1 or rows.start % self._factor or rows.stop % self._factor:
            return None
        return slice(rows.start // self._factor, rows.stop // self._factor)

    def _steps(self, source: Tensor, own: slice) -> Tensor:
        """From every row to the next, from the one before the first; none beyond the ends."""
        shape = (*source.shape[:-2], own.stop - own.start + 1, source.shape[-1])
        steps = source.new_zeros(shape)
        low, high = max(own.start, 1), min(own.stop, self._n_in - 1) + 1
        torch.sub(
            source[..., low:high, :],
            source[..., low - 1 : high - 1, :],
            out=steps[..., low - own.start : high - own.start, :],
        )
        return steps


@lru_cache(maxsize=64)
def _weights_of_group(factor: int, dtype: torch.dtype) -> Tensor:
    """What the rows around a row of the source are of the one before, of itself and the one after.

    3 x factor.
    """
    place = (torch.arange(factor, dtype=torch.float64) + 0.5) / factor - 0.5
    before, after = (-place).clamp(min=0), place.clamp(min=0)
    return torch.stack([before, 1 - before - after, after]).to(dtype)
