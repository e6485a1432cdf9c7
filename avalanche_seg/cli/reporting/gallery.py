"""The gallery of a report: image, truth and the prediction after every step, side by side."""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from avalanche_seg.cli.groups import Group, Section
from avalanche_seg.cli.reading import read_legend
from avalanche_seg.datasets import UNREADABLE

__all__ = ["Gallery", "Picture", "gallery", "read_strip", "strip_files"]

MAX_SIDE = 400
"""Longest side of a picture in the page, in pixels."""

Strip = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
"""Image, truth and prediction, uint8, H x W x 3."""


class Picture(NamedTuple):
    """One image with its truth and, by group and step, the predictions; each an ``img``."""

    name: str
    image: Markup
    truth: Markup
    lines: list[tuple[str, list[Markup]]]


class Gallery(NamedTuple):
    """The pictures, the names of the runs they are from, and the legend of their colours."""

    pictures: list[Picture]
    runs: list[str]
    legend: list[tuple[str, tuple[int, ...]]]


def gallery(section: Section, n: int) -> Gallery | None:
    """Up to ``n`` pictures, for each the predictions of every group's first run.

    Returns:
        None when no run has pictures.
    """
    files = [strip_files(group.runs[0].folder) for group in section.groups]
    names = sorted({name for by_step in files for step in by_step.values() for name in step})
    colours: set[tuple[int, ...]] = set()
    pictures = []
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
            pictures.append(_picture(name, lines, section.n_steps))
    if not pictures:
        return None
    runs = [group.runs[0] for group in section.groups]
    known = {entry: None for run in runs for entry in read_legend(run.folder)}
    legend = [(name, colour) for name, colour in known if colour in colours]
    return Gallery(pictures, [run.name for run in runs], legend)


def strip_files(run: Path) -> dict[int, dict[str, Path]]:
    """The files of ``RUN/predictions/stepK/NAME.png`` by step and name."""
    found: dict[int, dict[str, Path]] = {}
    for path in sorted(run.glob("predictions/step*/*.png")):
        number = path.parent.name.removeprefix("step")
        if number.isdecimal():
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


def _picture(
    name: str, lines: Sequence[tuple[Group, Mapping[int, Strip]]], n_steps: int
) -> Picture:
    image, truth, _ = next(iter(lines[0][1].values()))
    return Picture(
        name,
        _img(image, f"{name}: image", photo=True),
        _img(truth, f"{name}: truth"),
        [
            (group.label, [_prediction(name, group, strips, s, n_steps) for s in range(n_steps)])
            for group, strips in lines
        ],
    )


def _prediction(
    name: str, group: Group, strips: Mapping[int, Strip], step: int, n_steps: int
) -> Markup:
    """The prediction of a cell; that of a bound, which learned all at once, is at the last step."""
    if group.is_bound:
        step = max(strips) if step == n_steps - 1 else -1
    if step not in strips:
        return Markup()
    when = "" if group.is_bound else f" after step {step}"
    return _img(strips[step][2], f"{name}: prediction of {group.label}{when}")


def _img(pixels: NDArray[np.uint8], alt: str, *, photo: bool = False) -> Markup:
    """A picture inside the page: a photograph as JPEG, a label map as PNG with its own palette."""
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
    source = f"data:image/{'jpeg' if photo else 'png'};base64,{data}"
    tag = Markup('<img src="{}" alt="{}" width="{}" height="{}">')
    return tag.format(source, alt, *image.size)


def _indexed(pixels: NDArray[np.uint8]) -> Image.Image:
    colours, indices = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    if len(colours) > 256:
        return Image.fromarray(pixels)
    image = Image.fromarray(indices.reshape(pixels.shape[:2]).astype(np.uint8))
    image.putpalette(colours.astype(np.uint8).tobytes())
    return image


def _colours_in(strip: Strip) -> set[tuple[int, ...]]:
    labels = np.concatenate(strip[1:]).reshape(-1, 3)
    return {tuple(colour) for colour in np.unique(labels, axis=0).tolist()}
