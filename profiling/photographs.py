"""Files like VOC's: 500 x 375 photographs as JPEGs, masks as palette PNGs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avalanche_seg.datasets import Item, SegmentationFiles, Split, voc_palette
from avalanche_seg.datasets.voc import VOC_CLASSES
from avalanche_seg.labels import VOID

__all__ = ["HEIGHT", "WIDTH", "paths", "photographs", "write_photographs"]

HEIGHT, WIDTH = 375, 500
_DRAWN = 32  # Files after these are copies of them.


def write_photographs(folder: Path, n_images: int) -> SegmentationFiles:
    """Write :func:`photographs`.

    Images are smooth random fields of several scales and sensor noise, about 60 kB each; masks show
    three objects with void borders, about 5 kB each.

    Args:
        folder: where to.
        n_images: how many; the first 32 differ.
    """
    files = photographs(folder, n_images)
    images, masks = paths(files.train.images), paths(files.train.masks)
    for i, (image, mask) in enumerate(zip(images, masks, strict=True)):
        if i < _DRAWN:
            _draw(np.random.default_rng(i), image, mask)
        else:
            shutil.copy(images[i % _DRAWN], image)
            shutil.copy(masks[i % _DRAWN], mask)
    return files


def photographs(folder: Path, n_images: int) -> SegmentationFiles:
    """The data set as it was written; the first eight images are its test split."""
    images = tuple(folder / f"{i:05d}.jpg" for i in range(n_images))
    masks = tuple(folder / f"{i:05d}.png" for i in range(n_images))
    train = Split(folder, "train", images, masks)
    return SegmentationFiles(
        "photographs", VOC_CLASSES, train, Split(folder, "test", images[:8], masks[:8])
    )


def paths(items: Sequence[Item]) -> list[Path]:
    """Those of a split that are files; here all."""
    return [item for item in items if isinstance(item, Path)]


def _draw(generator: np.random.Generator, image: Path, mask: Path) -> None:
    light = [
        sum(weight * _field(generator, cell) for cell, weight in ((100, 128), (20, 60), (5, 40)))
        for _ in range(3)
    ]
    pixels = np.stack(light, axis=-1) + generator.normal(0, 8, (HEIGHT, WIDTH, 1))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(image, quality=92)
    ids = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for class_id in generator.integers(1, len(VOC_CLASSES), 3):
        field = _field(generator, 120)
        ids[field > 0.75] = VOID
        ids[field > 0.78] = class_id
    picture = Image.fromarray(ids)
    picture.putpalette(voc_palette())
    picture.save(mask)


def _field(generator: np.random.Generator, cell: int) -> NDArray[np.float32]:
    """Smooth noise in about 0..1, whose grid has cells of so many pixels."""
    coarse = generator.random((HEIGHT // cell + 2, WIDTH // cell + 2), dtype=np.float32)
    smooth = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(smooth)
