"""Cityscapes with fine annotations: 19 classes, 21 cities."""

from pathlib import Path
from typing import Final

from avalanche_seg.datasets.description import SegmentationFiles, Split
from avalanche_seg.datasets.domains import Domains
from avalanche_seg.datasets.pairing import paired_split
from avalanche_seg.labels import N_LABELS, VOID
from avalanche_seg.system import expand_home

__all__ = [
    "CITYSCAPES_CITIES",
    "CITYSCAPES_CLASSES",
    "read_cityscapes",
    "read_cityscapes_domains",
]

CITYSCAPES_CLASSES: Final = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign"),
    *("vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train"),
    *("motorcycle", "bicycle"),
)
"""Class names by train id, 0..18."""

CITYSCAPES_CITIES: Final = (
    *("aachen", "bremen", "darmstadt", "erfurt", "hanover", "krefeld", "strasbourg", "tubingen"),
    *("weimar", "bochum", "cologne", "dusseldorf", "hamburg", "jena", "monchengladbach"),
    *("stuttgart", "ulm", "zurich", "frankfurt", "lindau", "munster"),
)
"""The cities of the training and validation lists, in the order of PLOP's domain steps."""

# Of the raw ids 0..33 (``_labelIds``), those of the 19 classes in the order of the train ids.
_RAW_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
_N_RAW_IDS = 34

_COLOURS = (
    *((128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153)),
    *((153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152)),
    *((70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100)),
    *((0, 80, 100), (0, 0, 230), (119, 11, 32)),
)

_FOLDERS = ("", "cityscapes", "Cityscapes")
_IMAGE = "_leftImg8bit.png"
_TRAIN_IDS, _RAW = "_gtFine_labelTrainIds.png", "_gtFine_labelIds.png"


def read_cityscapes(root: Path) -> SegmentationFiles:
    """Read Cityscapes with fine annotations, raw ids or train ids.

    ``root`` holds ``leftImg8bit/{train,val}/CITY/*_leftImg8bit.png`` and ``gtFine/...`` with masks
    named ``_gtFine_labelTrainIds.png``, which are preferred where there are any, or
    ``_gtFine_labelIds.png``, whose raw ids are mapped by the standard table. The classes have the
    ids 1..19, train id + 1. No mask has a value for the background: ids without a class are void,
    and so background in training by default.

    Args:
        root: where to look.

    Raises:
        ValueError: naming what is missing, or has no other half. Values of the other kind of ids
            are errors once the masks are read.

    Example:
        >>> read_cityscapes(Path("nowhere"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: nowhere holds no Cityscapes: no folder leftImg8bit/train in it; get leftImg8...
    """
    return _read(root, ("background", *CITYSCAPES_CLASSES))


def read_cityscapes_domains(root: Path) -> SegmentationFiles:
    """Read Cityscapes with its 21 cities as domains.

    As :func:`read_cityscapes`, but the classes have their train ids 0..18 and there is no
    background.

    Args:
        root: where to look.

    Raises:
        ValueError: as :func:`read_cityscapes`.
    """
    return _read(root, CITYSCAPES_CLASSES)


def _read(root: Path, class_names: tuple[str, ...]) -> SegmentationFiles:
    root = expand_home(root)
    folder = next((root / n for n in _FOLDERS if (root / n / "leftImg8bit/train").is_dir()), None)
    if folder is None:
        raise ValueError(
            f"{root} holds no Cityscapes: no folder leftImg8bit/train in it; get "
            "leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip from cityscapes-dataset.com, "
            "which needs a registration, and unpack both into one folder"
        )
    masks = {split: list((folder / "gtFine" / split).glob("*/*.png")) for split in ("train", "val")}
    by_train_id = _are_train_ids(folder, [path for one in masks.values() for path in one])
    suffix = _TRAIN_IDS if by_train_id else _RAW
    train, test = (_split(folder, split, masks[split], suffix) for split in masks)
    first = len(class_names) - len(CITYSCAPES_CLASSES)  # Id of the first class.
    colours = ((0, 0, 0),) * first + _COLOURS
    rest = ((0, 0, 0),) * (N_LABELS - len(colours))
    return SegmentationFiles(
        "Cityscapes",
        class_names,
        train,
        test,
        zero_is="background" if first else "class",
        palette=[part for colour in (*colours, *rest) for part in colour],
        label_map=_label_map(first, by_train_id=by_train_id),
        domains=None if first else Domains(CITYSCAPES_CITIES, of=lambda image: image.parent.name),
    )


def _are_train_ids(folder: Path, masks: list[Path]) -> bool:
    """Whether the masks hold train ids, by their names.

    Raises:
        ValueError: when some images have raw ids alone and others train ids.
    """
    by_train_id = {
        path.with_name(path.name.removesuffix(_TRAIN_IDS))
        for path in masks
        if path.name.endswith(_TRAIN_IDS)
    }
    raw = {
        path.with_name(path.name.removesuffix(_RAW)) for path in masks if path.name.endswith(_RAW)
    }
    without = sorted(raw - by_train_id)
    if by_train_id and without:
        raise ValueError(
            f"{folder}: {len(without)} masks have raw ids alone, such as {without[0]}{_RAW}, and "
            f"{len(by_train_id)} train ids; expected one kind: make the missing "
            f"*{_TRAIN_IDS}, or remove those that are there"
        )
    return bool(by_train_id)


def _split(folder: Path, split: str, masks: list[Path], suffix: str) -> Split:
    images = (folder / "leftImg8bit" / split).glob(f"*/*{_IMAGE}")
    return paired_split(
        folder,
        split,
        {f"{path.parent.name}/{path.name.removesuffix(_IMAGE)}": path for path in images},
        {
            f"{path.parent.name}/{path.name.removesuffix(suffix)}": path
            for path in masks
            if path.name.endswith(suffix)
        },
    )


def _label_map(first: int, *, by_train_id: bool) -> dict[int, int]:
    """The id of every mask value; raw ids have no 255, which tells masks of train ids apart."""
    if by_train_id:
        return {VOID: VOID} | {value: first + value for value in range(len(CITYSCAPES_CLASSES))}
    ids = {value: first + train_id for train_id, value in enumerate(_RAW_IDS)}
    return {value: ids.get(value, VOID) for value in range(_N_RAW_IDS)}
