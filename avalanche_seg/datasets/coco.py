"""Annotations in the JSON of COCO: polygons and run lengths of objects, drawn as masks."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avalanche_seg.datasets.coco_objects import draw_objects
from avalanche_seg.datasets.description import SegmentationFiles, Split
from avalanche_seg.datasets.file_sources import ReadImage
from avalanche_seg.datasets.own_splits import split_ids
from avalanche_seg.datasets.sources import state_of
from avalanche_seg.labels import ZeroIs, void_label
from avalanche_seg.system import expand_home

__all__ = ["CocoMask", "from_coco"]

Pair = tuple[Any, Any]


def from_coco(
    images: str | Path | Pair,
    annotations: str | Path | Pair,
    *,
    split: float = 0.2,
    zero_is: ZeroIs = "background",
    image_reader: Callable[[Path], Any] | None = None,
    name: str | None = None,
    seed: int = 0,
) -> SegmentationFiles:
    """Describe images whose objects are listed in the JSON of COCO.

    The objects of an image are drawn with the largest first, so that of two that overlap the
    smaller is on top; crowds (``iscrowd``) are void, under all of them; pixels of no object are 0.
    The categories, ascending by their numbers, are the dataset ids 1, 2, ... Needs the package
    ``pycocotools``, the extra ``coco``.

    Args:
        images: folder that the file names of the JSON are relative to; or (train, test).
        annotations: the JSON file; or (train, test).
        split: where there is one JSON file, the share of its images to test on, drawn with
            ``seed``.
        zero_is: what pixels of no object are: "background" or "unlabelled".
        image_reader: as of :func:`~avalanche_seg.datasets.from_folders`.
        name: of the data set; None for the name of the first JSON file.
        seed: of the drawn split.

    Raises:
        ValueError: naming the file and the entry: a JSON that is none of COCO's, an image that is
            not there, an annotation of an unknown image or category, without an outline, or with a
            polygon outside its image; when pycocotools is missing.
    """
    if zero_is == "class":
        raise ValueError(
            "zero_is='class': the categories of COCO begin at 1, and 0 is what no object covers; "
            "expected 'background' or 'unlabelled'"
        )
    folders = _both("images", images)
    files = _both("annotations", annotations)
    read = [_Annotations(path) for path in dict.fromkeys(files)]
    if len({tuple(one.names.items()) for one in read}) > 1:
        raise ValueError(
            f"{files[0]} and {files[1]} have different categories; expected the same names and ids"
        )
    if len(read) == 1:
        parts = split_ids(list(read[0].images), split, seed)
        read *= 2
    else:
        parts = list(read[0].images), list(read[1].images)
    splits = [
        _split(name, folder, one, ids, image_reader)
        for name, folder, one, ids in zip(("train", "test"), folders, read, parts, strict=True)
    ]
    zero = "background" if zero_is == "background" else "unlabelled"
    return SegmentationFiles(
        files[0].stem if name is None else name,
        (zero, *read[0].names.values()),
        splits[0],
        splits[1],
        zero_is=zero_is,
    )


def _both(what: str, given: Any) -> tuple[Path, Path]:
    pair = given if isinstance(given, tuple | list) else (given, given)
    if len(pair) != 2:
        raise ValueError(f"{what}: got {len(pair)} paths; expected one, or (train, test)")
    return expand_home(pair[0]), expand_home(pair[1])


class _Annotations:
    """One JSON file, checked: its categories, images and the objects of each image.

    Attributes:
        path: the file.
        names: of the categories, by their number, ascending.
        images: entries by image id, in the order of the file.
        objects: annotations by image id.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        whole = _read_json(path)
        categories = sorted(whole["categories"], key=lambda one: one["id"])
        self.names = {one["id"]: one["name"] for one in categories}
        self.images: dict[Any, Mapping[str, Any]] = {one["id"]: one for one in whole["images"]}
        if len(self.images) != len(whole["images"]):
            raise ValueError(f"{path} lists an image id twice; list each image once")
        self.objects: dict[Any, list[Mapping[str, Any]]] = {one: [] for one in self.images}
        for one in whole["annotations"]:
            self._check(one)
            self.objects[one["image_id"]].append(one)

    def _check(self, annotation: Mapping[str, Any]) -> None:
        entry = f"{self.path}: annotation {annotation.get('id')}"
        if annotation.get("image_id") not in self.images:
            raise ValueError(
                f"{entry} is of image {annotation.get('image_id')!r}, which the file does not "
                "list; remove it, or restore the image's entry"
            )
        if annotation.get("category_id") not in self.names:
            raise ValueError(
                f"{entry} is of category {annotation.get('category_id')!r}; expected one of "
                f"{', '.join(map(str, self.names))}"
            )

    def mask(self, image_id: Any) -> NDArray[Any]:
        """The mask of an image, in dataset ids."""
        image = self.images[image_id]
        number = {category: i for i, category in enumerate(self.names, start=1)}
        return draw_objects(
            self.objects[image_id],
            (image["height"], image["width"]),
            number,
            void=void_label(len(self.names) + 1),
            what=f"{self.path}: {image['file_name']}",
        )


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path}: the annotations cannot be read ({error}); expected a JSON file as of COCO"
        ) from error
    needed = {
        "images": ("id", "file_name", "height", "width"),
        "annotations": ("image_id", "category_id"),
        "categories": ("id", "name"),
    }
    for part, keys in needed.items():
        entries = whole.get(part) if isinstance(whole, Mapping) else None
        if not isinstance(entries, list) or (part != "annotations" and not entries):
            raise ValueError(
                f"{path} has no list {part!r}; expected the JSON of COCO's instances, with images, "
                "annotations and categories"
            )
        for i, entry in enumerate(entries):
            missing = [key for key in keys if key not in entry]
            if missing:
                raise ValueError(f"{path}: {part}[{i}] has no {missing[0]!r}; expected {keys}")
    return whole


def _split(
    name: str,
    folder: Path,
    annotations: _Annotations,
    ids: Sequence[Any],
    image_reader: Callable[[Path], Any] | None,
) -> Split:
    paths = [folder / annotations.images[one]["file_name"] for one in ids]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValueError(
            f"{annotations.path} lists {missing[0]}{more}, which does not exist; restore the file, "
            "correct the folder of the images, or take the image off the file"
        )
    images = paths if image_reader is None else [ReadImage(path, image_reader) for path in paths]
    masks = tuple(CocoMask(annotations, one) for one in ids)
    return Split(folder.parent, name, tuple(images), masks)


@dataclass(frozen=True)
class CocoMask:
    """The mask of one image of a JSON file; a source."""

    annotations: _Annotations
    image_id: Any

    def __str__(self) -> str:
        return f"{self.annotations.path} ({self._file_name})"

    @property
    def _file_name(self) -> str:
        return str(self.annotations.images[self.image_id]["file_name"])

    @property
    def name(self) -> str:
        """The image's."""
        return Path(self._file_name).name

    @property
    def stem(self) -> str:
        """The image's."""
        return Path(self._file_name).stem

    def state(self) -> str:
        """That of the JSON file."""
        return f"{state_of(self.annotations.path)} {self.image_id}"

    def pixels(self) -> NDArray[Any]:
        """The mask, in dataset ids."""
        return np.ascontiguousarray(self.annotations.mask(self.image_id))
