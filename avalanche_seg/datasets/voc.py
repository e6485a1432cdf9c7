"""PASCAL VOC 2012, plain and augmented with SBD."""

from pathlib import Path

from avalanche_seg.datasets.description import SegmentationFiles, Split
from avalanche_seg.datasets.lists import read_pairs
from avalanche_seg.datasets.voc_tasks import VOC_ORDERS, presence_partition
from avalanche_seg.system import expand_home

__all__ = ["VOC_CLASSES", "find_folder", "find_list", "read_voc"]

VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tvmonitor"),
)
"""Class names by dataset id."""

_FOLDERS = ("", "VOC2012", "VOCdevkit/VOC2012", "PascalVOC12")
_LIST_FOLDERS = ("ImageSets/Segmentation", "splits")
AUGMENTED_LISTS = ("train_aug.txt", "trainaug.txt")
AUGMENTED_MASKS = "SegmentationClassAug"


def read_voc(root: Path, *, augmented: bool | None = None) -> SegmentationFiles:
    """Read VOC 2012 in any of its usual layouts.

    ``root`` is the devkit's folder or holds ``VOC2012``, ``VOCdevkit/VOC2012`` or ``PascalVOC12``.
    Lists lie in ``ImageSets/Segmentation`` or ``splits``; the augmented list is ``train_aug.txt``
    or ``trainaug.txt`` with masks in ``SegmentationClassAug``. A line is an ID or an image and a
    mask path.

    The class orders "15-5s_b" to "15-5s_w" are PLOP's, which "15-1_b" and so on name as well; the
    partition "CISS_partitioned" is that of arXiv 2405.09858
    (:func:`avalanche_seg.datasets.voc_tasks.presence_partition`).

    Args:
        root: where to look.
        augmented: train on the augmented list (True), on ``train.txt`` (False), or on the
            augmented one when there is one (None).

    Raises:
        ValueError: naming what is missing.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc
        >>> with tempfile.TemporaryDirectory() as name:
        ...     _ = make_synthetic_voc(name, n_train=20, n_val=20, size=(48, 64))
        ...     files = read_voc(Path(name))
        >>> files.name, files.n_foreground, len(files.train), len(files.test)
        ('VOC2012', 20, 20, 20)
    """
    root = expand_home(root)
    folder = find_folder(root)
    if folder is None:
        raise ValueError(
            f"{root} holds no VOC 2012: no JPEGImages folder in it or in "
            f"{', '.join(name for name in _FOLDERS if name)} below it; point root at the devkit, "
            "pass download=True, or give a data set of your own a classes.txt"
        )
    # MiB's copy of the devkit holds every mask in the augmented folder.
    plain = (folder / "SegmentationClass").is_dir()
    plain_masks = "SegmentationClass" if plain else AUGMENTED_MASKS
    augmented_list = find_list(folder, *AUGMENTED_LISTS)
    if augmented and augmented_list is None:
        raise ValueError(
            f"{folder} has none of {', '.join(AUGMENTED_LISTS)} in {' or '.join(_LIST_FOLDERS)}; "
            "expected the augmented list: pass augmented=False, or download=True to build it"
        )
    if augmented is not False and augmented_list is not None:
        train = _read_split(folder, augmented_list, AUGMENTED_MASKS)
    else:
        train = _read_split(folder, _require_list(folder, "train.txt"), plain_masks)
    test = _read_split(folder, _require_list(folder, "val.txt"), plain_masks)
    return SegmentationFiles(
        "VOC2012",
        VOC_CLASSES,
        train,
        test,
        class_orders=VOC_ORDERS,
        partitions={"CISS_partitioned": presence_partition},
    )


def find_folder(root: Path) -> Path | None:
    """The VOC 2012 folder in or below ``root``, if there is one."""
    return next((root / name for name in _FOLDERS if (root / name / "JPEGImages").is_dir()), None)


def find_list(folder: Path, *names: str) -> Path | None:
    """The first list file of these names, if there is one."""
    candidates = (folder / place / name for place in _LIST_FOLDERS for name in names)
    return next((path for path in candidates if path.is_file()), None)


def _require_list(folder: Path, name: str) -> Path:
    path = find_list(folder, name)
    if path is None:
        raise ValueError(f"{folder} has no {name}; expected it in {' or '.join(_LIST_FOLDERS)}")
    return path


def _read_split(folder: Path, split_file: Path, mask_folder: str) -> Split:
    return read_pairs(
        split_file,
        root=folder,
        image_dir=folder / "JPEGImages",
        mask_dir=folder / mask_folder,
    )
