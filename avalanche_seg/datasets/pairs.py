"""Images and label maps of any sequence of samples, such as a torch ``Dataset``."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.pixels import image_pixels, label_values

__all__ = ["PairItem", "Pairs"]

Part = Literal["image", "labels"]


class Pairs:
    """A sequence of (image, label map), whose samples are asked for one after the other.

    The last sample of each thread is kept, as its image and its labels are two items of a split.

    Args:
        samples: has a length and gives sample i for ``samples[i]``: a pair, more than two parts of
            which the first two count, or a mapping with the two columns.
        name: of the split.
        columns: of the image and of the label map, where samples are mappings.
        negatives: negative labels that are void.
        fingerprint: changes when the samples do; None when nothing tells.
        n_channels: of the images, as for :func:`~avalanche_seg.datasets.pixels.image_pixels`.

    Raises:
        ValueError: for what has no length, is empty, or gives other samples when asked again.
    """

    def __init__(
        self,
        samples: Any,
        name: str,
        *,
        columns: tuple[str, str],
        negatives: frozenset[int] = frozenset(),
        fingerprint: str | None = None,
        n_channels: int = 3,
    ) -> None:
        try:
            n_samples = len(samples)
        except TypeError as error:
            raise ValueError(
                f"{name}: got {type(samples).__name__}, which has no length; expected a data set "
                "or a sequence with len() and [i]: make a list of an iterable"
            ) from error
        if n_samples == 0:
            raise ValueError(f"{name}: got no sample; expected one at least")
        self.samples = samples
        self.name = name
        self.columns = columns
        self.negatives = negatives
        self.fingerprint = fingerprint
        self.n_channels = n_channels
        self.n_samples = n_samples
        self._forget()
        self._check_repeatable()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._last = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name[0] != "_"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def _check_repeatable(self) -> None:
        first, again = (self._read(0) for _ in range(2))
        if not all(np.array_equal(one, two) for one, two in zip(first, again, strict=True)):
            raise ValueError(
                f"{self.name}[0] differs when it is read again; expected the same sample: leave "
                "random transforms out and pass them as train_transform"
            )

    def items(self, part: Part) -> tuple["PairItem", ...]:
        """The images, or the label maps, as items of a split."""
        return tuple(PairItem(self, i, part) for i in range(self.n_samples))

    def pair(self, index: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """The image, uint8 H x W x channels, and the labels, uint8 or uint16 H x W, of a sample."""
        if getattr(self._last, "index", None) != index:
            self._last.pair = self._read(index)
            self._last.index = index
        found: tuple[NDArray[np.uint8], NDArray[Any]] = self._last.pair
        return found

    def _read(self, index: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        what = f"{self.name}[{index}]"
        try:
            with self._lock:  # Few data sets are made for several threads.
                sample = self.samples[index]
        except Exception as error:
            raise ValueError(f"{what} cannot be read ({type(error).__name__}: {error})") from error
        if isinstance(sample, Mapping):
            missing = [column for column in self.columns if column not in sample]
            if missing:
                raise ValueError(
                    f"{what} has no column {missing[0]!r}; expected one of {', '.join(sample)}: "
                    "pass columns=(image, labels)"
                )
            sample = [sample[column] for column in self.columns]
        if not isinstance(sample, Sequence) or len(sample) < 2:
            raise ValueError(
                f"{what} is a {type(sample).__name__}; expected (image, label map), or a mapping "
                "with a column of each"
            )
        return (
            image_pixels(sample[0], f"{what} (image)", self.n_channels),
            label_values(sample[1], f"{what} (labels)", self.negatives),
        )


@dataclass(frozen=True)
class PairItem:
    """The image or the label map of one of :class:`Pairs`; a source."""

    pairs: Pairs
    index: int
    part: Part

    def __str__(self) -> str:
        return f"{self.pairs.name}[{self.index}] ({self.part})"

    @property
    def name(self) -> str:
        """The split and the number."""
        return f"{self.pairs.name}[{self.index}]"

    @property
    def stem(self) -> str:
        """The split and the number."""
        return f"{self.pairs.name}_{self.index:06d}"

    def state(self) -> str | None:
        """The fingerprint; None when nothing tells whether a sample changed."""
        return self.pairs.fingerprint

    def pixels(self) -> NDArray[Any]:
        """The image, or the labels."""
        image, labels = self.pairs.pair(self.index)
        return image if self.part == "image" else labels
