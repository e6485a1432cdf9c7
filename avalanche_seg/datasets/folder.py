"""Any folder in the VOC layout with a classes.txt."""

from collections import Counter
from pathlib import Path

from avalanche_seg.datasets.description import SegmentationFiles
from avalanche_seg.datasets.lists import read_pairs, read_text
from avalanche_seg.labels import WIDE_VOID
from avalanche_seg.system import expand_home

__all__ = ["read_class_names", "read_folder"]


def read_folder(root: Path) -> SegmentationFiles:
    r"""Read any folder in the VOC layout with a ``classes.txt``.

    Layout::

        root/classes.txt                              one name per line, line 0 = background
        root/JPEGImages/ID.jpg                        or any other image
        root/SegmentationClass/ID.png                 pixel value = line of classes.txt, 255 = void
        root/ImageSets/Segmentation/{train,val}.txt   one ID per line

    Raises:
        ValueError: naming what is missing or malformed.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc
        >>> with tempfile.TemporaryDirectory() as name:
        ...     root = make_synthetic_voc(name, n_train=20, n_val=20, size=(48, 64))
        ...     _ = (root / "classes.txt").write_text("\n".join("0abcdefghijklmnopqrst"))
        ...     files = read_folder(root)
        >>> files.n_foreground, len(files.train)
        (20, 20)
    """
    root = expand_home(root)
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder; expected one in the VOC layout with classes.txt")
    names = read_class_names(root / "classes.txt")
    train, test = (
        read_pairs(
            root / "ImageSets" / "Segmentation" / f"{split}.txt",
            root=root,
            image_dir=root / "JPEGImages",
            mask_dir=root / "SegmentationClass",
        )
        for split in ("train", "val")
    )
    return SegmentationFiles(root.name, names, train, test)


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read class names by dataset id: one per line, line 0 = background.

    Raises:
        ValueError: when the file is missing, holds no class, holds a name twice or too many names.
    """
    if not path.is_file():
        raise ValueError(
            f"{path} is missing; expected one class name per line, the background first, so that a "
            "line's number is the class's value in the masks"
        )
    names = tuple(line.strip() for line in read_text(path).rstrip().split("\n"))
    if len(names) < 2 or not all(names):
        raise ValueError(f"{path}: got {list(names)}; expected the background and at least a class")
    doubled = sorted(name for name, times in Counter(names).items() if times > 1)
    if doubled:
        raise ValueError(f"{path} lists {doubled} twice; list each class once")
    if len(names) > WIDE_VOID:
        raise ValueError(
            f"{path} lists {len(names)} names; a mask of 16 bits can tell {WIDE_VOID} apart"
        )
    return names
