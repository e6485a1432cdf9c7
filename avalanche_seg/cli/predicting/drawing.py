"""The files of ``experiments.predict``: label maps with a palette, overlays with a legend."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from avalanche_seg.datasets import voc_palette
from avalanche_seg.labels import BACKGROUND

__all__ = ["mask_image", "overlay"]


def mask_image(labels: NDArray[np.uint8]) -> Image.Image:
    """A label map, H x W, as an image of mode P: pixel = channel, VOC's colours."""
    mask = Image.fromarray(labels)
    mask.putpalette(voc_palette())
    return mask


def overlay(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    names: Sequence[str],
    *,
    opacity: float,
) -> Image.Image:
    """The image under the classes' colours, over a legend of those it shows, the largest first.

    Args:
        image: H x W x 3.
        labels: channels, H x W; the background stays clear.
        names: of every channel.
        opacity: of the colours, 0..1.
    """
    palette = np.array(voc_palette(), dtype=np.uint8).reshape(-1, 3)
    weight = np.where(labels == BACKGROUND, 0.0, opacity)[..., None].astype(np.float32)
    blended = (image * (1 - weight) + palette[labels] * weight).round().astype(np.uint8)
    counts = np.bincount(labels.ravel(), minlength=len(names))
    shown = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c] and c != BACKGROUND]
    entries = [(names[channel], tuple(palette[channel].tolist())) for channel in shown]
    return _with_legend(Image.fromarray(blended), entries or [(names[BACKGROUND], (0, 0, 0))])


def _with_legend(image: Image.Image, entries: Sequence[tuple[str, tuple[int, ...]]]) -> Image.Image:
    """Lines of coloured squares and names under the image, which a wide name may widen."""
    size = max(12, min(image.size) // 24)
    font_file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    font = ImageFont.truetype(str(font_file), size)
    gap, line = size // 2, size * 3 // 2
    widths = [size + gap + round(font.getlength(name)) + gap for name, _ in entries]
    width = max(image.width, max(widths) + gap)
    places, x, y = [], gap, gap
    for needed in widths:
        if x > gap and x + needed > width:
            x, y = gap, y + line
        places.append((x, y))
        x += needed + gap
    canvas = Image.new("RGB", (width, image.height + y + line), "white")
    canvas.paste(image, (0, 0))
    draw = ImageDraw.Draw(canvas)
    for (name, colour), (x, y) in zip(entries, places, strict=True):
        top = image.height + y
        draw.rectangle((x, top, x + size - 1, top + size - 1), fill=colour, outline="gray")
        draw.text((x + size + gap, top + size / 2), name, fill="black", font=font, anchor="lm")
    return canvas
