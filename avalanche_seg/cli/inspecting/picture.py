"""A data set in one picture: how often its classes are, and samples with their masks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from avalanche_seg.benchmarks import DataReport
from avalanche_seg.cli.inspecting.text import shares_of_pixels
from avalanche_seg.cli.running.pictures import pick_samples
from avalanche_seg.datasets import (
    SegmentationFiles,
    SplitFacts,
    as_rgb,
    colorize,
    image_of,
    mask_of,
    voc_palette,
)
from avalanche_seg.labels import BACKGROUND, table_length
from avalanche_seg.metrics import shown_name
from avalanche_seg.system import atomic_write

__all__ = ["draw"]

_WITH_NAMES = 40  # Classes up to which a bar has room for its name.
_IN_LEGEND = 60
_ACROSS = 3  # Samples in a row.
_SIDE = 512  # Pixels of a drawn sample, at most.
_OPACITY = 0.6


def draw(report: DataReport, path: Path, *, n: int = 9) -> None:
    """Draw images and pixels by class, and training samples beside their masks, as a PNG.

    Args:
        report: of the data set.
        path: the file to write.
        n: samples, chosen to show as many classes as possible; 0 for none.
    """
    chosen = _chosen(report, n)
    rows = -(-len(chosen) // _ACROSS)
    figure = Figure(figsize=(15, 4.5 + 2.2 * rows + 1), layout="constrained")
    figure.suptitle(_title(report), parse_math=False)
    charts, *sheets = figure.subfigures(
        1 + bool(rows), 1, height_ratios=[4.5, 2.2 * rows] if rows else [1], squeeze=False
    )[:, 0]
    colours = _colours(report.files)
    _draw_charts(charts.subplots(1, 2), report, colours)
    for sheet in sheets:
        shown = _draw_samples(sheet.subplots(rows, 2 * _ACROSS, squeeze=False), report, chosen)
        _legend(sheet, report.files, shown, colours)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=90, format="png")


def _title(report: DataReport) -> str:
    files = report.files
    counts = (f"{len(split):,} {split.name}" for split in (files.train, files.test))
    return f"{shown_name(files.name)}: {files.n_foreground} classes, images: {', '.join(counts)}"


def _chosen(report: DataReport, n: int) -> list[int]:
    """Training images that can be read and together show as many classes as possible."""
    facts, ids = report.train, set(report.files.foreground_ids)
    readable = np.flatnonzero(facts.is_readable)
    presence = facts.statistics.presence[readable]
    # Channel 0 is none to look for, so a class of the value 0 counts as 256.
    sets = [
        frozenset((ids & set(np.flatnonzero(row).tolist())) or {BACKGROUND}) for row in presence
    ]
    return readable[pick_samples(sets, n)].tolist() if n else []


def _colours(files: SegmentationFiles) -> NDArray[np.float64]:
    """Red, green and blue of every dataset id, the last ones void's, 0..1."""
    return np.reshape(np.asarray(_palette(files), dtype=np.float64), (-1, 3)) / 255


def _palette(files: SegmentationFiles) -> Sequence[int]:
    """Red, green and blue of every dataset id, the last ones void's."""
    n_colours = table_length(len(files.class_names))
    return voc_palette(n_colours) if files.palette is None else files.palette


def _draw_charts(axes: Sequence[Axes], report: DataReport, colours: NDArray[np.float64]) -> None:
    """Bars by class, the training split in full colour and the test split beside it pale."""
    files = report.files
    ids = list(files.foreground_ids)
    for one, what in zip(axes, ("images with the class", "share of the pixels, %"), strict=True):
        for offset, facts, alpha in ((-0.2, report.train, 1.0), (0.2, report.test, 0.45)):
            values = _values(facts, what)[ids]
            if values.any():
                one.set_yscale("log")
            places = np.arange(len(ids)) + offset
            one.bar(places, values, width=0.4, color=colours[ids], alpha=alpha, edgecolor="grey")
        for axis_of in (one.yaxis.set_major_formatter, one.yaxis.set_minor_formatter):
            axis_of(FuncFormatter(lambda value, _: f"{value:g}"))
        one.set_title(f"{what}; left {files.train.name}, right and pale {files.test.name}")
        one.margins(x=0.01)
        if len(ids) <= _WITH_NAMES:
            names = [shown_name(files.class_names[v]) for v in ids]
            one.set_xticks(range(len(ids)), names, rotation=60, ha="right", parse_math=False)
        else:
            one.set_xlabel("id")


def _values(facts: SplitFacts, what: str) -> NDArray[np.float64]:
    if what.startswith("images"):
        return facts.statistics.presence.sum(axis=0).astype(np.float64)
    return 100 * shares_of_pixels(facts)


def _draw_samples(grid: Any, report: DataReport, chosen: Sequence[int]) -> set[int]:
    """Each image, and beside it the image under its mask; returns the values that they show."""
    split, shown = report.files.train, set()
    for axes in grid.flat:
        axes.set_axis_off()
    for i, place in zip(chosen, range(0, 2 * len(chosen), 2), strict=True):
        image = as_rgb(image_of(split.images[i])).permute(1, 2, 0).numpy()
        labels = _labels(report.files, i)
        stride = -(-max(labels.shape) // _SIDE)
        image, labels = image[::stride, ::stride], labels[::stride, ::stride]
        shown |= set(np.unique(labels).tolist())
        left, right = grid.flat[place], grid.flat[place + 1]
        left.imshow(image)
        left.set_title(shown_name(split.images[i].stem), size=8, parse_math=False)
        right.imshow(_covered(image, labels, report.files))
    return shown


def _labels(files: SegmentationFiles, i: int) -> NDArray[np.int64]:
    """The dataset ids of a training mask, H x W; void is the last colour's."""
    values = files.train.values
    assert values is not None  # SegmentationFiles sets it.
    return values.to_entries[mask_of(files.train.masks[i])]


def _covered(
    image: NDArray[np.uint8], labels: NDArray[np.int64], files: SegmentationFiles
) -> NDArray[np.uint8]:
    """The image under the colours of its mask; the background, where there is one, stays clear."""
    coloured = colorize(labels, _palette(files), range(len(files.class_names)))
    is_clear = (labels == BACKGROUND) & (files.zero_is == "background")
    weight = np.where(is_clear, 0.0, _OPACITY)[..., None]
    return (image * (1 - weight) + coloured * weight).round().astype(np.uint8)


def _legend(
    sheet: Figure, files: SegmentationFiles, shown: set[int], colours: NDArray[np.float64]
) -> None:
    void = table_length(len(files.class_names)) - 1
    names = {**dict(enumerate(files.class_names)), void: "void"}
    if files.zero_is == "background":
        names.pop(BACKGROUND)
    entries = [v for v in sorted(names) if v in shown][:_IN_LEGEND]
    drawn = sheet.legend(
        [Patch(color=colours[v]) for v in entries],
        [""] * len(entries),  # Labels of the patches would leave out names that begin with "_".
        loc="outside lower center",
        ncols=10,
        fontsize=8,
    )
    for text, v in zip(drawn.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(shown_name(names[v]))
