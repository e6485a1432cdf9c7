"""ADE20K, the 150 classes of the scene parsing challenge of 2016."""

from pathlib import Path
from typing import Literal

from avalanche_seg.datasets.ade20k_tasks import (
    ADE20K_NAMES,
    ADE20K_ORDERS,
    ADE20K_PARTITIONS,
)
from avalanche_seg.datasets.description import SegmentationFiles
from avalanche_seg.datasets.lists import read_text
from avalanche_seg.datasets.pairing import paired_split
from avalanche_seg.system import expand_home

__all__ = ["FOLDER", "UnlabelledIs", "find_ade20k", "read_ade20k"]

FOLDER = "ADEChallengeData2016"

UnlabelledIs = Literal["unlabelled", "background"]
"""What pixels without a label (0) are; see :func:`read_ade20k`."""


def read_ade20k(root: Path, *, zero_is: UnlabelledIs = "unlabelled") -> SegmentationFiles:
    """Read ADE20K of the scene parsing challenge (SceneParsing 2016, 150 classes).

    ``root`` is ``ADEChallengeData2016`` or holds it; in it lie
    ``images/{training,validation}/ADE_*.jpg``, ``annotations/{training,validation}/ADE_*.png`` and
    ``objectInfo150.txt``. A class is called by its first synonym there, or by the same from a
    built-in list where the file is missing.

    Args:
        root: where to look.
        zero_is: what pixels without a label (0) are. "unlabelled": background in training, void in
            tests (MiB); "background": background in both (PLOP, RCIL, DKD).

    Raises:
        ValueError: naming what is missing, or has no other half.

    Example:
        >>> read_ade20k(Path("nowhere"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: nowhere holds no ADE20K: no folder images/training in it or in ADEChallenge...
    """
    root = expand_home(root)
    folder = find_ade20k(root)
    if folder is None:
        raise ValueError(
            f"{root} holds no ADE20K: no folder images/training in it or in {FOLDER} below it; "
            "point root at the data set, or pass download=True to ADE20KIncremental"
        )
    train, test = (
        paired_split(
            folder,
            split,
            {path.stem: path for path in (folder / "images" / split).glob("*.jpg")},
            {path.stem: path for path in (folder / "annotations" / split).glob("*.png")},
        )
        for split in ("training", "validation")
    )
    return SegmentationFiles(
        "ADE20K",
        (zero_is, *_class_names(folder / "objectInfo150.txt")),
        train,
        test,
        zero_is=zero_is,
        class_orders=ADE20K_ORDERS,
        partitions=ADE20K_PARTITIONS,
    )


def find_ade20k(root: Path) -> Path | None:
    """The data set's folder in or below ``root``, if there is one."""
    places = (root, root / FOLDER)
    return next((place for place in places if (place / "images" / "training").is_dir()), None)


def _class_names(path: Path) -> tuple[str, ...]:
    """The first synonym of every class, by id from 1 on."""
    if not path.is_file():
        return ADE20K_NAMES
    rows = [line.split("\t") for line in read_text(path).splitlines() if line.strip()]
    names = {row[0].strip(): row[-1].split(",")[0].strip() for row in rows if len(row) > 1}
    expected = [str(i) for i in range(1, len(ADE20K_NAMES) + 1)]
    missing = [number for number in expected if not names.get(number)]
    if missing:
        raise ValueError(
            f"{path} names no class {missing[0]}; expected lines of index, ratio, numbers and "
            f"name, parted by tabs, for 1..{len(ADE20K_NAMES)}: restore the file, or remove it to "
            "use the built-in names"
        )
    return tuple(names[number] for number in expected)
