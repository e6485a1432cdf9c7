"""What a data set is: class names, the meaning of its mask values, and the files of its splits."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.bands import ValueRange, as_bands, check_value_range
from avalanche_seg.datasets.domains import Domains
from avalanche_seg.datasets.mask_values import MaskValues
from avalanche_seg.datasets.sources import Item
from avalanche_seg.labels import BACKGROUND, WIDE_VOID, ZeroIs, table_length
from avalanche_seg.system import check_whole

__all__ = ["PartitionRule", "SegmentationFiles", "Split"]

Ids = Sequence[int]

PartitionRule = Callable[[NDArray[np.bool_], Sequence[Sequence[int]]], Sequence[Ids]]
"""From presence (bool, images x 256) and dataset ids by step to image indices by step."""


@dataclass(frozen=True)
class Split:
    """The files of one split, in the order of its list file.

    Args:
        root: the data set's folder; messages name it.
        name: of the split, such as "train".
        images: N image files, or sources of images.
        masks: N mask files, or sources; a pixel's value is its dataset id, or what ``values`` makes
            one.
        extras: further 8-bit single-channel images of the sizes of the images, such as saliency
            maps: N files by name. Samples hold them as uint8, H x W, under that name.
        values: what the masks' values mean; a :class:`SegmentationFiles` sets it.
        n_channels: of the images; the same.

    Raises:
        ValueError: when the numbers of files differ, or an extra is named "annotated", the name of
            what a sample's label map shows.

    Example:
        >>> a, b = Path("a.jpg"), Path("a.png")
        >>> split = Split(Path("."), "train", (a,), (b,), extras={"saliency": (Path("s.png"),)})
        >>> len(split)
        1
    """

    root: Path
    name: str
    images: tuple[Item, ...]
    masks: tuple[Item, ...]
    extras: Mapping[str, tuple[Path, ...]] = field(default_factory=dict, hash=False)
    values: MaskValues | None = None
    n_channels: int = 3

    def __post_init__(self) -> None:
        for what, files in (("masks", self.masks), *self.extras.items()):
            if len(files) != len(self.images):
                raise ValueError(
                    f"{self.root}: the split {self.name} has {len(self.images)} images and "
                    f"{len(files)} files of {what}; expected one for every image"
                )
        if "annotated" in self.extras:
            raise ValueError(
                f"{self.root}: the split {self.name} has an extra 'annotated', a name that replay "
                "uses; choose another"
            )

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class SegmentationFiles:
    """A data set on the disk, from a reader of this package or of your own.

    Args:
        name: of the data set.
        class_names: by dataset id: ``class_names[v]`` is the name of the mask value v. Other
            values than these and void (255; 65535 with more than 255 names, which need masks of
            16 bits) are errors, unless ``label_map`` and ``void_ids`` say what they are.
        train: the training split.
        test: the test split.
        zero_is: what the value 0 means: the "background" (VOC), a "class" like any other
            (Cityscapes' train ids), or "unlabelled" (ADE20K).
        class_orders: published orders by name: permutations of ``foreground_ids``. A benchmark's
            ``task`` or ``class_order`` may name one.
        partitions: published partitions of the training images by name, most often a task's: image
            indices by step, or a :data:`PartitionRule` that makes them. A benchmark's ``partition``
            may name one.
        palette: integers in 0..255: red, green and blue of every dataset id and, last, of void;
            768 of them for up to 255 names. None for VOC's.
        label_map: dataset id, or void, of every value that the masks may hold, where they
            are not the ids themselves. Other values are errors, void too.
        void_ids: mask values that are void, besides void itself or what ``label_map`` says.
        n_channels: of the images. Three are RGB, whatever the files hold; with others every file
            must have so many (see :func:`avalanche_seg.datasets.bands.read_bands`), and a model
            takes the arguments of :func:`avalanche_seg.benchmarks.model_input`.
        value_range: the values of image files that become 0 and 255, such as (0, 10000) of
            reflectances or (-1000, 1000) of a CT scan; None: all of 8 or 16 bits.
        domains: the domains of its images, for streams whose steps are domains.

    Raises:
        ValueError: for an unknown ``zero_is``, too few or too many names, names given twice, an
            order that is no permutation, a palette of another length, a label map to ids that do
            not exist, values that are a class and void, or a range that is none.

    Example:
        >>> split = Split(Path("roads"), "train", (), ())
        >>> files = SegmentationFiles("roads", ("road", "car"), split, split, zero_is="class")
        >>> files.foreground_ids
        (0, 1)
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    zero_is: ZeroIs = "background"
    class_orders: Mapping[str, Ids] = field(default_factory=dict, hash=False)
    partitions: Mapping[str, Sequence[Ids] | PartitionRule] = field(
        default_factory=dict, hash=False
    )
    palette: Ids | None = field(default=None, hash=False)
    label_map: Mapping[int, int] | None = field(default=None, hash=False)
    void_ids: Ids = field(default=(), hash=False)
    n_channels: int = 3
    value_range: ValueRange | None = None
    domains: Domains | None = None

    def __post_init__(self) -> None:
        if self.zero_is not in get_args(ZeroIs):
            raise ValueError(
                f"{self.name}: zero_is={self.zero_is!r} is unknown; expected one of "
                f"{', '.join(get_args(ZeroIs))}"
            )
        self._check_names()
        for name, order in self.class_orders.items():
            if sorted(order) != list(self.foreground_ids):
                raise ValueError(
                    f"{self.name}: the class order {name!r} is no permutation of the "
                    f"{self.n_foreground} foreground ids; list each of them once"
                )
        n_integers = 3 * table_length(len(self.class_names))
        if self.palette is not None and len(self.palette) != n_integers:
            raise ValueError(
                f"{self.name}: got a palette of {len(self.palette)} integers; expected "
                f"{n_integers}, red, green and blue of every dataset id"
            )
        if self.zero_is == "class" and self.label_map is None and BACKGROUND in self.void_ids:
            raise ValueError(
                f"{self.name}: void_ids: 0 is a class by zero_is='class'; leave one of the two out"
            )
        try:
            values = MaskValues(len(self.class_names), self.label_map, tuple(self.void_ids))
            check_whole("n_channels", self.n_channels, least=1)
            check_value_range(self.value_range)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from error
        for name in ("train", "test"):  # What reads a split alone needs to know it.
            split: Split = getattr(self, name)
            images = tuple(as_bands(split.images, self.n_channels, self.value_range))
            split = replace(split, images=images, values=values, n_channels=self.n_channels)
            object.__setattr__(self, name, split)

    def _check_names(self) -> None:
        if not self.foreground_ids or len(self.class_names) > WIDE_VOID:
            raise ValueError(
                f"{self.name}: got {len(self.class_names)} class names; expected at least a "
                f"foreground class and at most {WIDE_VOID}, those of a mask of 16 bits"
            )
        names = ["background"] if self.zero_is == "class" else []
        names += self.class_names
        doubled = sorted(name for name, times in Counter(names).items() if times > 1)
        if doubled:
            raise ValueError(
                f"{self.name}: the class names {doubled} are there twice; list each class once "
                "('background' is the name of channel 0)"
            )

    @property
    def foreground_ids(self) -> tuple[int, ...]:
        """The dataset ids of the classes, background left out, ascending."""
        first = BACKGROUND if self.zero_is == "class" else BACKGROUND + 1
        return tuple(range(first, len(self.class_names)))

    @property
    def n_foreground(self) -> int:
        """Number of foreground classes."""
        return len(self.foreground_ids)
