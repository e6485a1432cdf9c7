"""One made-up data set in every form that a user may bring."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

from avalanche_seg.datasets import read_image
from tests.devkits import write_devkit

NAMES = ("background", "ant", "bee", "cat", "dog")
SIZES = [(12, 17), (9, 8), (16, 10)]


def write_voc(root: Path) -> Path:
    """A folder in the VOC layout: 8 training and 5 test images of noise, masks of blocks."""
    generator = np.random.default_rng(7)
    splits: dict[str, dict[str, NDArray[Any]]] = {"train": {}, "val": {}}
    for i in range(13):
        split = "train" if i < 8 else "val"
        blocks = generator.choice([0, 0, 1, 2, 3, 4, 255], (3, 3))
        height, width = SIZES[i % len(SIZES)]
        rows, columns = (np.arange(n) * 3 // n for n in (height, width))
        splits[split][f"img {i:02d}.v1"] = blocks[rows][:, columns]
    write_devkit(root, splits, NAMES)
    for path in (root / "JPEGImages").iterdir():
        with Image.open(path) as image:
            shape = (image.height, image.width, 3)
        Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8)).save(path)
    return root


def pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    """Image and mask files of a split."""
    ids = (root / "ImageSets" / "Segmentation" / f"{split}.txt").read_text().splitlines()
    folders = root / "JPEGImages", root / "SegmentationClass"
    return [(folders[0] / f"{one}.jpg", folders[1] / f"{one}.png") for one in ids]


def samples(root: Path, split: str) -> list[tuple[torch.Tensor, NDArray[Any]]]:
    """The same in memory."""
    return [(read_image(image), np.array(Image.open(mask))) for image, mask in pairs(root, split)]


def write_coco(root: Path, split: str, names: Sequence[str] = NAMES) -> Path:
    """The same as a JSON file of COCO; void is a crowd. Categories are not in their order."""
    categories = [{"id": 10 * i, "name": name} for i, name in enumerate(names) if i > 0]
    entries: dict[str, list[Any]] = {
        "images": [],
        "annotations": [],
        "categories": categories[::-1],
    }
    for number, (image, mask) in enumerate(pairs(root, split)):
        values = np.array(Image.open(mask))
        height, width = values.shape
        entries["images"].append(
            {"id": number, "file_name": image.name, "height": height, "width": width}
        )
        for value in np.unique(values[values > 0]).tolist():
            entries["annotations"].append(
                {
                    "id": len(entries["annotations"]),
                    "image_id": number,
                    "category_id": 10 if value == 255 else 10 * value,
                    "iscrowd": int(value == 255),
                    "segmentation": run_lengths(values == value),
                }
            )
    path = root / f"{split}.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def run_lengths(covered: NDArray[np.bool_]) -> dict[str, Any]:
    """Of the pixels, as text."""
    coded = coco.encode(np.asfortranarray(covered, dtype=np.uint8))
    return {"size": list(coded["size"]), "counts": coded["counts"].decode()}


def write_colours(root: Path, colours: Mapping[int, tuple[int, int, int]]) -> Path:
    """The masks as colours, BMP files in a folder of their own."""
    folder = root / "colours"
    folder.mkdir()
    for _, mask in (*pairs(root, "train"), *pairs(root, "val")):
        values = np.array(Image.open(mask))
        table = np.zeros((256, 3), dtype=np.uint8)
        for value, colour in colours.items():
            table[value] = colour
        Image.fromarray(table[values]).save(folder / f"{mask.name.removesuffix('.png')}.bmp")
    return folder
