"""Scenes of the synthetic devkit: objects in front of each other on a textured background."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from avalanche_seg.datasets.synthetic.shapes import LOOKS, Bools, Floats
from avalanche_seg.labels import BACKGROUND, VOID

__all__ = ["render_scene"]

Bytes = npt.NDArray[np.uint8]


def _dilate(mask: Bools) -> Bools:
    """Grow a mask by one pixel in the eight directions."""
    rows = mask.copy()
    rows[1:] |= mask[:-1]
    rows[:-1] |= mask[1:]
    grown = rows.copy()
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown


def _background(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Smooth noise around a grey, coarse and fine, faintly tinted; HxWx3 in about 0..1."""
    height, width = size

    def noise(cells: int, strength: float) -> Floats:
        values = rng.uniform(-strength, strength, (cells, cells)).astype(np.float32)
        smooth = Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)
        return np.asarray(smooth, dtype=np.float64)

    # Neither white nor black, which are accents of the classes.
    grey = rng.uniform(0.35, 0.62) + noise(5, 0.12) + noise(20, 0.06)
    return grey[..., None] + np.stack([noise(4, 0.04) for _ in range(3)], axis=-1)


def render_scene(
    rng: np.random.Generator, classes: Sequence[int], size: tuple[int, int]
) -> tuple[Bytes, Bytes]:
    """Draw one image and its mask, one object per entry of ``classes``, from back to front.

    The objects start from different quarters of the image, so they overlap at times. The last one
    is in front and lies inside the image as a whole; the others may be cut by the image's edge.

    Args:
        rng: source of every random choice.
        classes: at most four dataset ids, keys of ``LOOKS``, in drawing order.
        size: (height, width) in pixels.

    Returns:
        The image, uint8 HxWx3 (RGB), and the mask, uint8 HxW: dataset ids, with a border of VOID
        one pixel wide around what is visible of every object.

    Example:
        >>> image, mask = render_scene(np.random.default_rng(0), [7, 3], (48, 64))
        >>> image.shape, np.unique(mask).tolist()
        ((48, 64, 3), [0, 3, 7, 255])
    """
    extent = np.array(size)
    image = _background(rng, size)
    mask = np.full(size, BACKGROUND, dtype=np.uint8)
    y, x = np.ogrid[: size[0], : size[1]]
    quarters = rng.permutation(4)[: len(classes)]
    for drawn, (class_id, quarter) in enumerate(zip(classes, quarters, strict=True), start=1):
        look = LOOKS[class_id]
        radius = min(size) * rng.uniform(0.14, 0.25)
        margin = radius * (1.05 if drawn == len(classes) else 0.5)
        start = extent * (0.25 + 0.5 * np.array(divmod(quarter, 2)))
        centre = np.clip(start + extent * rng.uniform(-0.2, 0.2, 2), margin, extent - 1 - margin)
        angle = rng.uniform(-0.4, 0.4)
        dy, dx = (y - centre[0]) / radius, (x - centre[1]) / radius
        u = dx * math.cos(angle) + dy * math.sin(angle)
        v = dy * math.cos(angle) - dx * math.sin(angle)
        inside = look.shape(u, v)
        colours = np.where(look.texture(u, v)[..., None], look.accent, look.colour)
        image = np.where(inside[..., None], colours * rng.uniform(0.8, 1.1), image)
        mask[_dilate(inside)] = VOID
        mask[inside] = class_id
    image = image + rng.normal(0.0, 0.02, image.shape)
    return (image.clip(0, 1) * 255).round().astype(np.uint8), mask
