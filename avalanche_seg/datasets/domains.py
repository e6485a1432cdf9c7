"""The domains of a data set: which images were taken where, or how."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Domains"]


@dataclass(frozen=True)
class Domains:
    """Domains such as cities, weathers or scanners, in the order in which they are learned.

    Args:
        names: of the domains.
        of: from an image of a split, most often a file, to the name of its domain.

    Raises:
        ValueError: for no name, or one that is there twice.

    Example:
        >>> from pathlib import Path
        >>> domains = Domains(("day", "night"), of=lambda image: image.parent.name)
        >>> domains.numbers([Path("night/1.jpg"), Path("day/1.jpg")]).tolist()
        [1, 0]
    """

    names: tuple[str, ...]
    of: Callable[[Any], str] = field(hash=False, compare=False)

    def __post_init__(self) -> None:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice or not self.names:
            got = f"{twice} twice" if twice else "no name"
            raise ValueError(f"domains: got {got}; expected the name of each domain once")

    def numbers(self, images: Sequence[Any]) -> NDArray[np.int64]:
        """The position in ``names`` of every image's domain, int64.

        Args:
            images: of a split.

        Raises:
            ValueError: naming the first image of an unknown domain.
        """
        number_of = {name: number for number, name in enumerate(self.names)}
        found = [self.of(image) for image in images]
        for image, name in zip(images, found, strict=True):
            if name not in number_of:
                close = get_close_matches(str(name), self.names, n=1)
                hint = f" (there is {close[0]})" if close else ""
                raise ValueError(
                    f"{image} is of the domain {name!r}; expected one of "
                    f"{', '.join(self.names)}{hint}: move the file, or list its domain"
                )
        return np.array([number_of[name] for name in found], dtype=np.int64)
