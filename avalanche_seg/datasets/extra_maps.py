"""Maps from a folder, one for every training image, as a named extra of the samples."""

from dataclasses import replace
from pathlib import Path

from PIL import Image

from avalanche_seg.datasets.decoding import UNREADABLE, unreadable
from avalanche_seg.datasets.description import SegmentationFiles
from avalanche_seg.datasets.sources import Item
from avalanche_seg.datasets.suffixes import FilesOfIds

__all__ = ["with_extra_maps"]


def with_extra_maps(files: SegmentationFiles, name: str, folder: str | Path) -> SegmentationFiles:
    """A data set whose training samples bring a further map, such as SSUL's saliency.

    Args:
        files: the data set.
        name: of the extra.
        folder: holds an 8-bit single-channel image for every training image, of its name and size.

    Returns:
        a new description.

    Raises:
        ValueError: naming the image whose map is missing, or the map of another size.

    Example:
        >>> from avalanche_seg.datasets import make_synthetic_voc, read_voc
        >>> root = make_synthetic_voc(getfixture("tmp_path"), n_train=20, n_val=20)
        >>> files = read_voc(root)
        >>> masks = files.train.masks[0].parent  # Any map will do here.
        >>> len(with_extra_maps(files, "saliency", masks).train.extras["saliency"])
        20
    """
    split = files.train
    found = FilesOfIds(Path(folder), (".png",))
    maps = tuple(found.find(image.stem) for image in split.images)
    for image, mask, path in zip(split.images, split.masks, maps, strict=True):
        _check(name, image, mask, path)
    return replace(files, train=replace(split, extras={**split.extras, name: maps}))


def _check(name: str, image: Item, mask: Item, path: Path) -> None:
    """Whether a map is there and of its image's size, which is the mask's."""
    if not path.is_file():
        raise ValueError(
            f"{path} is no file; expected a map of {name} for {image.name}: put one there, 8-bit "
            "and of the image's size"
        )
    size, wanted = _size(path, "extra map"), _size(mask, "mask")
    if size != wanted:
        raise ValueError(
            f"{path}: got an extra map of {size[0]}x{size[1]} for an image of "
            f"{wanted[0]}x{wanted[1]} pixels; expected the same size: export it at its image's size"
        )


def _size(item: Item, what: str) -> tuple[int, int]:
    """Width and height."""
    if not isinstance(item, Path):
        height, width = item.pixels().shape[:2]
        return width, height
    try:
        with Image.open(item) as image:
            return image.size
    except UNREADABLE as error:
        raise unreadable(item, what, error) from error
