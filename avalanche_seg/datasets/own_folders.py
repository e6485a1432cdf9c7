"""A user's own folders: images in one, masks in the other, with matching names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from avalanche_seg.datasets.bands import ValueRange, as_bands, check_value_range
from avalanche_seg.datasets.class_names import named
from avalanche_seg.datasets.colours import Colour, ColourTable, meanings
from avalanche_seg.datasets.description import SegmentationFiles
from avalanche_seg.datasets.file_sources import ColouredMask, ReadImage
from avalanche_seg.datasets.folder import read_class_names
from avalanche_seg.datasets.own_splits import OwnSplit, find_splits
from avalanche_seg.labels import ZeroIs
from avalanche_seg.system import expand_home

__all__ = ["from_folders"]


def from_folders(
    images: str | Path,
    masks: str | Path,
    *,
    split: OwnSplit = ("train", "val"),
    class_names: Sequence[str] | str | Path | None = None,
    colors: Mapping[Colour, int | str] | None = None,
    zero_is: ZeroIs | None = None,
    label_map: Mapping[int, int] | None = None,
    void_ids: Sequence[int] = (),
    image_reader: Callable[[Path], Any] | None = None,
    n_channels: int = 3,
    value_range: ValueRange | None = None,
    name: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> SegmentationFiles:
    """Describe a folder of images and a folder of masks whose names match but for the suffix.

    An ID is a name without its suffix; files may lie in folders below, whose names then belong to
    the ID. Masks are PNG, TIFF, BMP or of any other format without losses, of 8 or 16 bits.

    Args:
        images: folder of the images.
        masks: folder of the masks.
        split: a share of the images to test on, drawn with ``seed``; or (train, test), each the
            name of a folder below both, the path of a list file with an ID or a pair of paths per
            line, or a sequence of IDs.
        class_names: by dataset id, or the path of a file with one per line; None takes the names
            in ``colors``, or reads all masks and numbers the classes.
        colors: for masks of colours: dataset id, or class name, of every (red, green, blue). The
            names "background" and "void" mean these.
        zero_is: what the value 0 means; None: the background, but a class where ``colors`` has
            names and "background" is none of them.
        label_map: dataset id of every mask value, where they are not the ids themselves.
        void_ids: mask values that are void, besides 255.
        image_reader: reads an image file in place of
            :func:`~avalanche_seg.datasets.read_image`: a function of the path that gives a Pillow
            image, a uint8 tensor 3 x H x W or a uint8 array H x W x 3. Files may have any suffix.
        n_channels: of the images, as of :class:`SegmentationFiles`.
        value_range: the same; without ``image_reader``.
        name: of the data set; None for the name of the folder that holds both.
        seed: of the drawn split.
        progress: show a progress bar while masks are read for the names.

    Raises:
        ValueError: naming a folder that is missing, an image without a mask or a mask without an
            image, two files of one ID, or a split that does not fit; as
            :class:`SegmentationFiles`.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     root = make_synthetic_voc(folder, n_train=20, n_val=20, size=(48, 64))
        ...     files = from_folders(root / "JPEGImages", root / "SegmentationClass", split=0.25)
        >>> files.name, files.n_foreground, len(files.train), len(files.test)
        ('VOC2012', 20, 30, 10)
    """
    folders = expand_home(images), expand_home(masks)
    for what, folder in zip(("images", "masks"), folders, strict=True):
        if not folder.is_dir():
            raise ValueError(f"{what}: {folder} is no folder; expected that of the {what}")
    splits = find_splits(*folders, split, seed, any_suffix=image_reader is not None)
    if colors is not None:
        if label_map is not None:
            raise ValueError("got colors and label_map; expected one: write ids in colors")
        values, class_names, zero_is = meanings(colors, class_names, zero_is)
        table = ColourTable(values)
        splits = [
            replace(one, masks=tuple(ColouredMask(_path(m), table) for m in one.masks))
            for one in splits
        ]
    if image_reader is not None:
        splits = [
            replace(
                one,
                images=tuple(ReadImage(_path(i), image_reader, n_channels) for i in one.images),
            )
            for one in splits
        ]
    check_value_range(value_range)
    splits = [
        replace(one, images=tuple(as_bands(one.images, n_channels, value_range))) for one in splits
    ]
    train, test = splits
    zero_is = zero_is or "background"
    if isinstance(class_names, str | Path):
        class_names = read_class_names(expand_home(class_names))
    if class_names is None:
        class_names = named(splits, zero_is, label_map, void_ids, progress=progress)
    return SegmentationFiles(
        train.root.name if name is None else name,
        tuple(class_names),
        train,
        test,
        zero_is=zero_is,
        label_map=label_map,
        void_ids=tuple(void_ids),
        n_channels=n_channels,
        value_range=value_range,
    )


def _path(item: Any) -> Path:
    assert isinstance(item, Path)  # So far all are.
    return item
