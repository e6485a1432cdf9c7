"""The gallery of a report: image, truth and the prediction after every step, side by side."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avalanche_seg.benchmarks import split_classes
from avalanche_seg.cli.reporting.html import Html, element, markup, scrolling
from avalanche_seg.cli.reporting.runs import Group, Section
from avalanche_seg.datasets import UNREADABLE, voc_palette
from avalanche_seg.labels import BACKGROUND, VOID

__all__ = ["gallery", "read_strip", "strip_files"]

MAX_SIDE = 400
"""Longest side of a picture in the page, in pixels."""

_Pixels = NDArray[np.uint8]
Strip = tuple[_Pixels, _Pixels, _Pixels]
"""Image, truth and prediction, uint8, H x W x 3."""


def gallery(section: Section, n: int) -> Html | None:
    """Up to ``n`` pictures, for each the predictions of every group's first run.

    Returns:
        the pictures and the legend of their colours; None when no run has pictures.
    """
    files = [strip_files(group.runs[0].folder) for group in section.groups]
    names = sorted({name for by_step in files for step in by_step.values() for name in step})
    colours: set[tuple[int, ...]] = set()
    tables = []
    for name in names[:n]:
        lines = []
        for group, by_step in zip(section.groups, files, strict=True):
            read = {
                step: read_strip(paths[name]) for step, paths in by_step.items() if name in paths
            }
            strips = {step: strip for step, strip in read.items() if strip is not None}
            if strips:
                lines.append((group, strips))
                colours |= {c for strip in strips.values() for c in _colours_in(strip)}
        if lines:
            tables.append(_picture(name, lines, section.n_steps))
    if not tables:
        return None
    whose = ", ".join(group.runs[0].name for group in section.groups)
    note = element("p", f"The first run of each line: {whose}.", class_="note")
    return markup(note, _legend(section, colours), element("div", *tables, class_="gallery"))


def strip_files(run: Path) -> dict[int, dict[str, Path]]:
    """The files of ``RUN/predictions/stepK/NAME.png`` by step and name."""
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(run.glob("predictions/step*/*.png")):
        number = path.parent.name.removeprefix("step")
        if number.isdigit():
            found.setdefault(int(number), {})[path.stem] = path
    return found


def read_strip(path: Path) -> Strip | None:
    """Image, truth and prediction; None when the file is not three pictures of equal width."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    except UNREADABLE:
        return None
    if pixels.shape[1] % 3:
        return None
    photo, truth, prediction = np.split(pixels, 3, axis=1)
    return photo, truth, prediction


def _picture(name: str, lines: Sequence[tuple[Group, Mapping[int, Strip]]], n_steps: int) -> Html:
    """One picture's table: a line a group, its first one with image and truth."""
    image, truth, _ = next(iter(lines[0][1].values()))
    given = [
        element("td", _img(image, f"{name}: image", photo=True), rowspan=len(lines)),
        element("td", _img(truth, f"{name}: truth"), rowspan=len(lines)),
    ]
    rows = []
    for group, strips in lines:
        cells = [
            element("td", _prediction(name, group, strips, s, n_steps)) for s in range(n_steps)
        ]
        rows.append(element("tr", *given, element("th", group.label, scope="row"), *cells))
        given = []
    head = ["image", "truth", "", *(f"step {step}" for step in range(n_steps))]
    headings = element("tr", *(element("th", text, scope="col") for text in head))
    caption, body = element("caption", name), element("tbody", *rows)
    return scrolling(element("table", caption, element("thead", headings), body))


def _prediction(
    name: str, group: Group, strips: Mapping[int, Strip], step: int, n_steps: int
) -> object:
    """The prediction of a cell; that of a bound, which learned all at once, is at the last step."""
    if group.is_bound:
        step = max(strips) if step == n_steps - 1 else -1
    if step not in strips:
        return ""
    when = "" if group.is_bound else f" after step {step}"
    return _img(strips[step][2], f"{name}: prediction of {group.label}{when}")


def _img(pixels: _Pixels, alt: str, *, photo: bool = False) -> Html:
    """A picture inside the page: photographs as JPEG, label maps with a palette of their own."""
    image = Image.fromarray(pixels)
    image.thumbnail(
        (MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS if photo else Image.Resampling.NEAREST
    )
    file = io.BytesIO()
    if photo:
        image.save(file, "JPEG", quality=85)
    else:
        _indexed(np.asarray(image)).save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    kind = "jpeg" if photo else "png"
    width, height = image.size
    return element(
        "img", src=f"data:image/{kind};base64,{data}", alt=alt, width=width, height=height
    )


def _indexed(pixels: _Pixels) -> Image.Image:
    colours, indices = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    if len(colours) > 256:
        return Image.fromarray(pixels)
    image = Image.fromarray(indices.reshape(pixels.shape[:2]).astype(np.uint8))
    image.putpalette(colours.astype(np.uint8).tobytes())
    return image


def _colours_in(strip: Strip) -> set[tuple[int, ...]]:
    labels = np.concatenate(strip[1:]).reshape(-1, 3)
    return {tuple(colour) for colour in np.unique(labels, axis=0).tolist()}


def _legend(section: Section, colours: set[tuple[int, ...]]) -> Html:
    """The colours of the pictures; empty where the classes' ids are not known."""
    names = list(section.learned)
    if not names:
        return markup()
    try:
        steps = split_classes(section.task.split()[0], class_ids=range(1, len(names)))
    except ValueError:  # An unfinished run, whose later classes are not known.
        return markup()
    ids = [BACKGROUND, *(class_id for step in steps for class_id in step)]
    palette = np.array(voc_palette()).reshape(-1, 3).tolist()
    by_colour = {tuple(palette[i]): name for i, name in zip(ids, names, strict=True)}
    by_colour[tuple(palette[VOID])] = "void"
    keys = [
        element("li", element("span", class_="swatch", style=f"background:rgb{colour}"), name)
        for colour, name in by_colour.items()
        if colour in colours
    ]
    return element("ul", *keys, class_="legend")
