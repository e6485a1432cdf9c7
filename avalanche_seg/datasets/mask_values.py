"""What the values of a data set's masks mean: the one place where they become dataset ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.value_counts import ValueCounts
from avalanche_seg.labels import WIDE_VOID, table_length, void_label

__all__ = ["MaskValues"]

_N_VALUES = WIDE_VOID + 1  # Of a mask of 16 bits.
_UNKNOWN = -1


@dataclass(frozen=True)
class MaskValues:
    """The dataset id of every value that the masks may hold.

    Tables over the dataset ids have an entry for each id and a last one for void; among up to 255
    ids that is the entry 255.

    Args:
        n_ids: how many dataset ids there are; they are 0..n_ids - 1 and void: 255, or 65535 with
            more than 255 ids.
        label_map: dataset id by value; other values are errors. None: a value is its own id, and
            65535 void.
        void_ids: further values that are void.

    Raises:
        ValueError: for a value no mask can hold, an id without a class name, or a value that is a
            class and void.

    Example:
        >>> values = MaskValues(2, label_map={7: 0, 8: 1}, void_ids=(0,))
        >>> values.to_entries[[7, 8, 0]].tolist()
        [0, 1, 255]
    """

    n_ids: int
    label_map: Mapping[int, int] | None = field(default=None, hash=False)
    void_ids: Sequence[int] = ()

    def __post_init__(self) -> None:
        for name, values in (("label_map", self.label_map or ()), ("void_ids", self.void_ids)):
            outside = [value for value in values if not 0 <= value < _N_VALUES]
            if outside:
                raise ValueError(
                    f"{name}: got the mask values {outside}; expected 0..{_N_VALUES - 1}, what a "
                    "mask can hold"
                )
        foreign = {*(self.label_map or {}).values()} - {*range(self.n_ids), self.void}
        if foreign:
            raise ValueError(
                f"label_map: got the dataset ids {sorted(foreign)}; expected 0..{self.n_ids - 1}, "
                f"those with a class name, or {self.void} (void)"
            )
        doubled = [value for value in self.void_ids if self._own(value) not in (None, self.void)]
        if doubled:
            raise ValueError(
                f"void_ids: the mask values {doubled} have a class as well; expected one meaning: "
                "leave them out of void_ids, of label_map or of the class names"
            )

    @property
    def void(self) -> int:
        """The dataset id of void: 255, or 65535."""
        return void_label(self.n_ids)

    def _own(self, value: int) -> int | None:
        """The id of a value by the label map, or as its own id; that of 0 may be hidden."""
        if self.label_map is not None:
            return self.label_map.get(value)
        return value if 0 < value < self.n_ids else None

    def given(self) -> dict[int, int]:
        """Dataset id by value, of those that the data set's description speaks of."""
        return {**(self.label_map or {}), **dict.fromkeys(self.void_ids, self.void)}

    @cached_property
    def _ids(self) -> NDArray[np.int64]:
        """int64, 65536: the id of every value; -1 for those that are errors."""
        ids = np.full(_N_VALUES, _UNKNOWN, dtype=np.int64)
        if self.label_map is None:
            ids[: self.n_ids] = np.arange(self.n_ids)
            ids[[self.void, WIDE_VOID]] = self.void
        else:
            ids[list(self.label_map)] = list(self.label_map.values())
        ids[list(self.void_ids)] = self.void
        return ids

    @cached_property
    def to_entries(self) -> NDArray[np.int64]:
        """int64, 65536: the entry of every value in tables over the dataset ids.

        Values that :meth:`check` refuses are void.
        """
        is_void = (self._ids == _UNKNOWN) | (self._ids == self.void)
        return np.where(is_void, table_length(self.n_ids) - 1, self._ids)

    def check(self, masks: Sequence[object], counts: ValueCounts) -> None:
        """ValueError naming the first mask that counts a value without a dataset id.

        Args:
            masks: N files or sources.
            counts: of the same masks.
        """
        found = np.flatnonzero(self._ids[counts.values] == _UNKNOWN)
        if len(found) == 0:
            return
        mask = masks[counts.mask_of_entry()[found[0]]]
        raise ValueError(
            f"{mask}: value {counts.values[found[0]]} is no class; expected {self._expected()}"
        )

    def _expected(self) -> str:
        if self.label_map is None:
            void = ", ".join(str(value) for value in sorted({self.void, *self.void_ids}))
            return (
                f"0..{self.n_ids - 1}, the values with a class name, or {void} (void). Correct the "
                "mask or the list of class names, or add the value to void_ids"
            )
        return "one of label_map or void_ids. Correct the mask, or add the value to one of them"

    def counts_by_id(self, counts: ValueCounts) -> NDArray[np.int64]:
        """Pixels of every dataset id in every mask.

        Args:
            counts: of every value.

        Returns:
            int64, N x 256, or N x (n_ids + 1) of more than 255 ids; the last column is void.

        Example:
            >>> mask = np.array([0, 7, 7, 8], dtype=np.uint8)
            >>> MaskValues(2, {0: 0, 7: 1, 8: 1}).counts_by_id(ValueCounts.of(mask))[0, :2].tolist()
            [1, 3]
        """
        length, n_masks = table_length(self.n_ids), len(counts.starts) - 1
        cells = counts.mask_of_entry() * length + self.to_entries[counts.values]
        table = np.zeros(n_masks * length, dtype=np.int64)
        np.add.at(table, cells, counts.pixels)
        return table.reshape(n_masks, length)
