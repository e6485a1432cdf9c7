"""Masks whose colours stand for classes: what each colour means."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.class_names import numbered_names
from avalanche_seg.datasets.folder import read_class_names
from avalanche_seg.labels import ZeroIs, void_label
from avalanche_seg.system import expand_home

__all__ = ["Colour", "ColourTable", "meanings"]

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class ColourTable:
    """What the colours of masks stand for.

    Args:
        value_of: value by (red, green, blue), each 0..255.

    Raises:
        ValueError: for an empty table, or what is no colour.

    Example:
        >>> table = ColourTable({(0, 0, 0): 0, (128, 0, 0): 7})
        >>> table.values(np.array([[[128, 0, 0], [0, 0, 0]]], dtype=np.uint8), "a.png").tolist()
        [[7, 0]]
    """

    value_of: Mapping[Colour, int]

    def __post_init__(self) -> None:
        if not self.value_of:
            raise ValueError("colors: got an empty table; expected every colour of the masks")
        for colour in self.value_of:
            if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
                raise ValueError(
                    f"colors: got {colour!r}; expected (red, green, blue), each 0..255"
                )

    @cached_property
    def digest(self) -> str:
        """Tells the table from others."""
        return hashlib.sha256(repr(sorted(self.value_of.items())).encode()).hexdigest()

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
        table = sorted((_code(np.array(c)).item(), v) for c, v in self.value_of.items())
        codes, values = zip(*table, strict=True)
        return np.array(codes), np.array(values, dtype=np.uint16)

    def values(self, pixels: NDArray[np.uint8], what: object) -> NDArray[Any]:
        """The value of every pixel, uint8, or uint16 where one is above 255.

        Args:
            pixels: uint8, H x W x 3, RGB.
            what: names the mask in messages.

        Raises:
            ValueError: for a colour that is not in the table.
        """
        codes, values = self._sorted
        code = _code(pixels)
        entries = np.minimum(np.searchsorted(codes, code), len(codes) - 1)
        unknown = np.argwhere(codes[entries] != code)
        if len(unknown):
            row, column = unknown[0]
            raise ValueError(
                f"{what}: the colour {tuple(pixels[row, column].tolist())} at row {row}, column "
                f"{column} is not in the table of colours; expected one of its {len(codes)}: "
                "correct the mask or add the colour, as 'void' where it is no class"
            )
        found = values[entries]
        return found if values.max() > np.iinfo(np.uint8).max else found.astype(np.uint8)


def _code(colours: NDArray[Any]) -> NDArray[np.int64]:
    red, green, blue = np.moveaxis(colours.astype(np.int64), -1, 0)
    return red << 16 | green << 8 | blue


def meanings(
    colors: Mapping[Colour, int | str],
    class_names: Sequence[str] | str | Path | None,
    zero_is: ZeroIs | None,
) -> tuple[dict[Colour, int], Sequence[str], ZeroIs | None]:
    """Values of colours that are told by ids or names.

    Args:
        colors: dataset id or class name by colour; "void" is void.
        class_names: by dataset id, or their file; None takes the names in ``colors``, "background"
            first.
        zero_is: what 0 means; None: where the names are those of ``colors`` a class, unless
            "background" is among them.

    Returns:
        value by colour, ``class_names``, and ``zero_is`` where it is known now.

    Raises:
        ValueError: for ids and names together, or a name that is none of ``class_names``.

    Example:
        >>> values, names, zero_is = meanings({(0, 0, 9): "sky", (9, 0, 0): "void"}, None, None)
        >>> values, names, zero_is
        ({(0, 0, 9): 0, (9, 0, 0): 255}, ['sky'], 'class')
    """
    if isinstance(class_names, str | Path):
        class_names = read_class_names(expand_home(class_names))
    names = [meaning for meaning in colors.values() if isinstance(meaning, str)]
    names = [one for one in dict.fromkeys(names) if one != "void"]
    numbers = [meaning for meaning in colors.values() if not isinstance(meaning, str)]
    if names and numbers:
        raise ValueError(
            f"colors: got ids ({numbers[0]}, ...) and names ({names[0]!r}, ...); expected one of "
            "the two, and 'void' where there is no class"
        )
    if names and class_names is None:
        class_names = sorted(names, key=lambda one: one != "background")
        zero_is = zero_is or ("background" if "background" in names else "class")
    n_ids = max(numbers, default=0) + 1 if class_names is None else len(class_names)
    ids = {"void": void_label(n_ids)} | {one: i for i, one in enumerate(class_names or ())}
    unknown = [one for one in names if one not in ids]
    if unknown:
        raise ValueError(
            f"colors: got the names {unknown}, which are none of class_names; expected "
            f"{', '.join(ids)}"
        )
    values = {c: ids[m] if isinstance(m, str) else m for c, m in colors.items()}
    if class_names is None:
        class_names = numbered_names(sorted(values.values()), zero_is or "background")
    return values, class_names, zero_is
