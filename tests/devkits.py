"""Tiny devkits written by hand; no test needs real data."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from avalanche_seg.datasets import voc_palette

GREY_STEP = 8


def grey(position: int) -> int:
    """Grey level of the image written at this position, counted over all splits."""
    return GREY_STEP * (position + 1) % 256


def write_mask(path: Path, mask: ArrayLike) -> Path:
    """Write dataset ids as a palette PNG with VOC's colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.asarray(mask, dtype=np.uint8))
    picture.putpalette(voc_palette())
    picture.save(path)
    return path


def write_image(path: Path, size: tuple[int, int], level: int = 128) -> Path:
    """Write a plain grey image of size (height, width); its JPEG decodes to the very same level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), level, dtype=np.uint8)).save(path)
    return path


def write_list(path: Path, lines: Sequence[str]) -> Path:
    """Write a list file, one entry a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_devkit(
    root: Path,
    splits: Mapping[str, Mapping[str, ArrayLike]],
    class_names: Sequence[str],
) -> Path:
    """Write a folder in the VOC layout with a ``classes.txt``.

    Args:
        root: the folder; made if missing.
        splits: mask (H x W dataset ids) by image ID, by split ("train", "val").
        class_names: names by dataset id, the background first.

    Returns:
        ``root``. Image k, counted over all splits in order, is plain grey of level ``grey(k)``.
    """
    names: list[str] = []
    for split, masks in splits.items():
        for name, mask in masks.items():
            ids: NDArray[np.uint8] = np.asarray(mask, dtype=np.uint8)
            write_mask(root / "SegmentationClass" / f"{name}.png", ids)
            height, width = ids.shape
            write_image(root / "JPEGImages" / f"{name}.jpg", (height, width), grey(len(names)))
            names.append(name)
        write_list(root / "ImageSets" / "Segmentation" / f"{split}.txt", list(masks))
    write_list(root / "classes.txt", class_names)
    return root
