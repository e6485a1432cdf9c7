"""A small made-up VOC devkit, for tests, examples and dry runs without a download."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from avalanche_seg.datasets.palette import voc_palette
from avalanche_seg.datasets.synthetic.scene import render_scene
from avalanche_seg.datasets.synthetic.shapes import LOOKS
from avalanche_seg.system import expand_home

__all__ = ["make_synthetic_voc"]

# Raised whenever the same arguments start to give other images.
_FORMAT: Final = 1
_DEVKIT: Final = "VOC2012"
_RECORD: Final = "synthetic_voc.json"
_CLASSES: Final = tuple(LOOKS)
# Far apart, so that a split's names and images do not depend on the other split's length.
_FIRST_ID: Final = {"train": 1, "val": 500_001}
# Pairs that share an image more often than chance, after VOC's own habits (person with bicycle...).
_FRIENDS: Final = (
    (1, 7), (2, 15), (3, 16), (4, 15), (5, 11), (6, 7), (8, 18), (9, 11), (9, 20), (10, 17),
    (12, 15), (13, 15), (14, 15), (14, 7), (16, 9), (18, 20), (19, 6),
)  # fmt: skip
_FRIEND_WEIGHT: Final = 8.0


def make_synthetic_voc(
    root: str | Path,
    *,
    n_train: int = 240,
    n_val: int = 80,
    size: tuple[int, int] = (96, 128),
    seed: int = 0,
) -> Path:
    """Write a small VOC devkit of drawn objects once, and give its path.

    The twenty classes carry VOC's ids and differ in shape, texture and colour, so that a small
    network trained from scratch can tell them apart. Every image has a main class (each of the
    twenty in turn), always visible in front. A third of the images hold that class alone; the
    others hold one to three more objects, some pairs of classes oftener than others. Every step of
    the usual tasks therefore has training images, overlapped and disjoint, and the two differ.

    The same arguments give the same bytes (with the same Pillow), and image ``i`` of a split does
    not depend on how many images there are. The arguments are recorded in
    ``root/synthetic_voc.json``; a later call with the same ones returns without writing. Nothing is
    ever deleted or overwritten, and an interrupted call leaves no devkit behind.

    Args:
        root: folder to hold the devkit; made if missing.
        n_train: how many training images, at least 20 (one for every class).
        n_val: how many validation images, at least 20.
        size: (height, width) of every image in pixels, each at least 48.
        seed: seed of every random choice, at least 0.

    Returns:
        ``root/VOC2012``, with ``JPEGImages/ID.jpg``, ``SegmentationClass/ID.png`` (palette images;
        the index is the class id, 255 is void) and
        ``ImageSets/Segmentation/{train,val,trainval}.txt``.

    Raises:
        ValueError: An argument is out of range, or ``root`` holds another devkit.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     devkit = make_synthetic_voc(folder, n_train=20, n_val=20, size=(48, 64))
        ...     sorted(entry.name for entry in devkit.iterdir())
        ['ImageSets', 'JPEGImages', 'SegmentationClass']
    """
    root = expand_home(root)
    devkit = root / _DEVKIT
    record = _checked_record(n_train=n_train, n_val=n_val, size=size, seed=seed)
    if _is_written(root, record):
        return devkit
    root.parent.mkdir(parents=True, exist_ok=True)
    # A rename is atomic within one file system only, and an existing root may be a mount point.
    beside = root if root.is_dir() else root.parent
    with tempfile.TemporaryDirectory(prefix=f".{_DEVKIT}-", suffix=".part", dir=beside) as staging:
        staged = Path(staging)
        _write_devkit(staged / _DEVKIT, record)
        (staged / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        if _is_written(root, record):  # by another process, meanwhile
            return devkit
        root.mkdir(exist_ok=True)
        # The folder comes last: a record alone promises nothing and does not block a later call.
        (staged / _RECORD).replace(root / _RECORD)
        (staged / _DEVKIT).rename(devkit)
    return devkit


def _checked_record(
    *, n_train: int, n_val: int, size: tuple[int, int], seed: int
) -> dict[str, Any]:
    """The arguments in the form that is recorded, once they are known to be in range."""
    for name, count in (("n_train", n_train), ("n_val", n_val)):
        if count < len(_CLASSES):
            raise ValueError(
                f"{name}: got {count}, expected at least {len(_CLASSES)}, so that every class "
                f"appears; pass a larger {name}"
            )
    if len(size) != 2 or min(size) < 48:
        raise ValueError(
            f"size: got {size!r}, expected (height, width) of at least 48 pixels each, so that "
            "every shape can be told apart; pass a larger size"
        )
    if seed < 0:
        raise ValueError(f"seed: got {seed}, expected an integer of at least 0; pass another seed")
    return {
        "format": _FORMAT,
        "n_train": int(n_train),
        "n_val": int(n_val),
        "size": [int(side) for side in size],
        "seed": int(seed),
    }


def _is_written(root: Path, record: dict[str, Any]) -> bool:
    """Whether ``root`` holds the very devkit of ``record``; refuses any other devkit there."""
    devkit = root / _DEVKIT
    if not devkit.exists():
        return False
    try:
        found = json.loads((root / _RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        found = f"a folder without a readable {_RECORD}, not written by make_synthetic_voc"
    if found != record:
        raise ValueError(
            f"{devkit}: got {found}, expected {record}; use another root, or delete {devkit} if it "
            "is not needed"
        )
    return True


def _write_devkit(devkit: Path, record: dict[str, Any]) -> None:
    """Draw every image of every split into a new folder."""
    images, masks = devkit / "JPEGImages", devkit / "SegmentationClass"
    lists = devkit / "ImageSets" / "Segmentation"
    for folder in (images, masks, lists):
        folder.mkdir(parents=True)
    palette, size = voc_palette(), tuple(record["size"])
    names: dict[str, list[str]] = {}
    for split, first_id in _FIRST_ID.items():
        names[split] = []
        for index in range(record[f"n_{split}"]):
            name = f"2012_{first_id + index:06d}"
            rng = np.random.default_rng([record["seed"], first_id, index])
            image, mask = render_scene(rng, _scene_classes(rng, index), size)
            Image.fromarray(image).save(images / f"{name}.jpg", quality=95)
            labels = Image.fromarray(mask)
            labels.putpalette(palette)
            labels.save(masks / f"{name}.png")
            names[split].append(name)
    names["trainval"] = names["train"] + names["val"]
    for split, members in names.items():
        text = "".join(f"{name}\n" for name in members)
        (lists / f"{split}.txt").write_text(text, encoding="utf-8")


def _scene_classes(rng: np.random.Generator, index: int) -> Sequence[int]:
    """Classes of the objects of image ``index``, from back to front; the main class comes last."""
    turn, position = divmod(index, len(_CLASSES))
    main = _CLASSES[position]
    if turn % 3 == 0:  # the first turn too, so that even the shortest split has lone classes
        return [main] * int(rng.integers(1, 3))
    friends = {class_id for pair in _FRIENDS if main in pair for class_id in pair} - {main}
    weights = np.array([_FRIEND_WEIGHT if c in friends else 1.0 for c in _CLASSES])
    others = rng.choice(_CLASSES, size=int(rng.integers(1, 4)), p=weights / weights.sum())
    return [*others.tolist(), main]
