"""The files of ``predict``: label maps with a palette, overlays with a legend."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from avalanche_seg.datasets import colorize, voc_palette
from avalanche_seg.labels import BACKGROUND, VOID, WIDE_VOID, table_length
from avalanche_seg.metrics import shown_name

__all__ = ["mask_image", "overlay"]


def mask_image(
    labels: NDArray[np.integer[Any]], class_ids: Sequence[int] = (), *, n_classes: int = VOID
) -> Image.Image:
    """A label map as an image: pixel = channel, in VOC's colours of the dataset ids.

    More than 255 classes make a grey image of 16 bits, as palettes have 256 colours.

    Args:
        labels: channels, H x W.
        class_ids: dataset id of every channel; empty takes the channels for dataset ids.
        n_classes: how many channels there are.
    """
    if n_classes > VOID:
        return Image.fromarray(labels.astype(np.uint16))
    mask = Image.fromarray(labels.astype(np.uint8))
    mask.putpalette(_coloured(np.arange(VOID + 1)[None], class_ids).tobytes())
    return mask


def overlay(
    image: NDArray[np.uint8],
    labels: NDArray[np.integer[Any]],
    names: Sequence[str],
    *,
    opacity: float,
    class_ids: Sequence[int] = (),
    has_background: bool = True,
) -> Image.Image:
    """The image under the classes' colours, over a legend of those it shows, the largest first.

    Args:
        image: H x W x 3.
        labels: channels, H x W; the background stays clear.
        names: of every channel.
        opacity: of the colours, 0..1.
        class_ids: as for :func:`mask_image`.
        has_background: whether channel 0 is one.
    """
    clear = BACKGROUND if has_background else None
    weight = np.where(labels == clear, 0.0, opacity)[..., None].astype(np.float32)
    coloured = _coloured(labels, class_ids)
    blended = (image * (1 - weight) + coloured * weight).round().astype(np.uint8)
    counts = np.bincount(labels.ravel(), minlength=len(names))
    shown = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c] and c != clear]
    shown = shown or [BACKGROUND]
    colours = _coloured(np.array([shown]), class_ids)[0].tolist()
    entries = [
        (shown_name(names[c]), tuple(colour)) for c, colour in zip(shown, colours, strict=True)
    ]
    return _with_legend(Image.fromarray(blended), entries)


def _coloured(labels: NDArray[np.integer[Any]], class_ids: Sequence[int]) -> NDArray[np.uint8]:
    most = int(labels.max())
    ids = class_ids or range(VOID if most <= VOID else most + 1)
    n_ids = max((class_id for class_id in ids if class_id != WIDE_VOID), default=0) + 1
    return colorize(labels, voc_palette(table_length(n_ids)), ids)


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
