"""How often every value occurs in masks of 8 and 16 bits, kept sparse: a mask holds few values."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ValueCounts"]


class ValueCounts(NamedTuple):
    """Pixels by value of N masks.

    Attributes:
        starts: int64, N + 1; the entries of mask i are ``starts[i]:starts[i + 1]``.
        values: uint16, by entry; ascending in a mask.
        pixels: int64, by entry; pixels of the value in the mask, none of them 0.

    Example:
        >>> counts = ValueCounts.of(np.array([[7, 7, 7], [7, 1, 7]], dtype=np.uint8))
        >>> counts.values.tolist(), counts.pixels.tolist()
        ([1, 7], [1, 5])
    """

    starts: NDArray[np.int64]
    values: NDArray[np.uint16]
    pixels: NDArray[np.int64]

    @classmethod
    def of(cls, *masks: NDArray[Any]) -> "ValueCounts":
        """Count the pixels of every value in each mask.

        Masks are made of runs of one value: their ends are found, and each run is counted as one.

        Args:
            *masks: uint8 or uint16, any shapes but empty ones. Several at once cost threads fewer
                exchanges of the interpreter's lock.
        """
        if not masks:
            return cls(np.zeros(1, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.int64))
        values = np.concatenate(masks, axis=None)
        stops = np.cumsum([mask.size for mask in masks])
        is_end = np.empty(len(values), dtype=bool)
        np.not_equal(values[1:], values[:-1], out=is_end[:-1])
        is_end[stops - 1] = True
        ends = np.flatnonzero(is_end)
        runs = np.diff(np.searchsorted(ends, stops), prepend=0)
        n_values = np.iinfo(values.dtype).max + 1
        cells = np.repeat(np.arange(len(masks)), runs) * n_values + values[ends]
        found, cells = np.unique(cells, return_inverse=True) if n_values > 256 else (None, cells)
        # Sums of whole numbers, which floating point holds exactly.
        pixels = np.bincount(cells, np.diff(ends, prepend=-1)).astype(np.int64)
        if found is None:
            found = np.flatnonzero(pixels)
            pixels = pixels[found]
        starts = np.searchsorted(found, np.arange(len(masks) + 1) * n_values)
        return cls(starts.astype(np.int64), (found % n_values).astype(np.uint16), pixels)

    @classmethod
    def joined(cls, parts: Sequence["ValueCounts"]) -> "ValueCounts":
        """The counts of the masks of all parts, in order; there is one part at least."""
        lengths = np.concatenate([np.diff(part.starts) for part in parts])
        return cls(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.pixels for part in parts]),
        )

    def mask_of_entry(self) -> NDArray[np.int64]:
        """int64: which mask every entry belongs to."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
