"""What the values of a data set's masks mean: the one place where they become dataset ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.labels import N_LABELS, VOID

__all__ = ["MaskValues"]

_UNKNOWN = -1


@dataclass(frozen=True)
class MaskValues:
    """The dataset id of every value that the masks may hold.

    Args:
        n_ids: how many dataset ids there are; they are 0..n_ids - 1 and 255 (void).
        label_map: dataset id by value; other values are errors. None: a value is its own id.
        void_ids: further values that are void.

    Raises:
        ValueError: for a value no mask can hold, an id without a class name, or a value that is a
            class and void.

    Example:
        >>> values = MaskValues(2, label_map={7: 0, 8: 1}, void_ids=(0,))
        >>> values.to_ids[[7, 8, 0]].tolist()
        [0, 1, 255]
    """

    n_ids: int
    label_map: Mapping[int, int] | None = field(default=None, hash=False)
    void_ids: Sequence[int] = ()

    def __post_init__(self) -> None:
        given = {"label_map": list(self.label_map or {}), "void_ids": list(self.void_ids)}
        for name, values in given.items():
            outside = [value for value in values if not 0 <= value < N_LABELS]
            if outside:
                raise ValueError(
                    f"{name}: got the mask values {outside}; expected 0..{N_LABELS - 1}, what a "
                    "mask can hold"
                )
        ids = set((self.label_map or {}).values())
        foreign = sorted(ids - {*range(self.n_ids), VOID})
        if foreign:
            raise ValueError(
                f"label_map: got the dataset ids {foreign}; expected 0..{self.n_ids - 1}, those "
                f"with a class name, or {VOID} (void)"
            )
        doubled = [value for value in self.void_ids if self._own(value) not in (None, VOID)]
        if doubled:
            raise ValueError(
                f"void_ids: the mask values {doubled} have a class as well; expected one meaning: "
                "leave them out of void_ids, of label_map or of the class names"
            )

    def _own(self, value: int) -> int | None:
        """The id of a value by the label map, or as its own id; that of 0 may be hidden."""
        if self.label_map is not None:
            return self.label_map.get(value)
        return value if 0 < value < self.n_ids else None

    def given(self) -> dict[int, int]:
        """Dataset id by value, of those that the data set's description speaks of."""
        return {**(self.label_map or {}), **dict.fromkeys(self.void_ids, VOID)}

    @cached_property
    def _ids(self) -> NDArray[np.int64]:
        """int64, 256: the id of every value; -1 for those that are errors."""
        ids = np.full(N_LABELS, _UNKNOWN, dtype=np.int64)
        if self.label_map is None:
            ids[: self.n_ids] = np.arange(self.n_ids)
            ids[VOID] = VOID
        else:
            ids[list(self.label_map)] = list(self.label_map.values())
        ids[list(self.void_ids)] = VOID
        return ids

    @cached_property
    def to_ids(self) -> NDArray[np.uint8]:
        """uint8, 256: the dataset id of every value; void for those that :meth:`check` refuses."""
        return np.where(self._ids == _UNKNOWN, VOID, self._ids).astype(np.uint8)

    def check(self, masks: Sequence[Path], counts: NDArray[np.int64]) -> None:
        """ValueError naming the first mask that counts a value without a dataset id.

        Args:
            masks: N files.
            counts: int64, N x 256; pixels of every value in every mask.
        """
        is_unknown = self._ids == _UNKNOWN
        found = np.argwhere(counts[:, is_unknown] > 0)
        if len(found) == 0:
            return
        image, value = found[0]
        raise ValueError(
            f"{masks[image]}: value {np.flatnonzero(is_unknown)[value]} is no class; expected "
            f"{self._expected()}"
        )

    def _expected(self) -> str:
        if self.label_map is None:
            void = ", ".join(str(value) for value in sorted({VOID, *self.void_ids}))
            return (
                f"0..{self.n_ids - 1}, the values with a class name, or {void} (void). Correct the "
                "mask or the list of class names, or add the value to void_ids"
            )
        return "one of label_map or void_ids. Correct the mask, or add the value to one of them"

    def counts_by_id(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Pixels of every dataset id from pixels of every value.

        Args:
            counts: int64, N x 256, by value.

        Returns:
            int64, N x 256, by dataset id.

        Example:
            >>> counts = np.zeros((1, 256), np.int64)
            >>> counts[0, [0, 7, 8]] = 5, 6, 7
            >>> by_id = MaskValues(2, {0: 0, 7: 1, 8: 1}).counts_by_id(counts)
            >>> by_id[0, :2].tolist()
            [5, 13]
        """
        if not self.given():
            return counts
        by_id = np.zeros_like(counts)
        for value in np.flatnonzero(counts.any(axis=0)):
            by_id[:, self.to_ids[value]] += counts[:, value]
        return by_id
