"""Pictures of a run: predictions beside image and truth, IoU by class and step."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from avalanche_seg.benchmarks import SegmentationExperience
from avalanche_seg.cli.runs import legend_file
from avalanche_seg.datasets import colorize
from avalanche_seg.labels import BACKGROUND, LabelSpace
from avalanche_seg.metrics import RunReport, optional_picture, shown_name
from avalanche_seg.system import atomic_write

__all__ = ["distinct_stems", "draw_step", "iou_heat_map", "pick_samples", "save_predictions"]


def draw_step(
    model: Any,
    test: SegmentationExperience,
    report: RunReport,
    folder: Path,
    *,
    palette: Sequence[int],
    title: str,
    n: int,
) -> None:
    """Draw predictions on the same images after every step, and the IoU of every class so far.

    A picture that cannot be drawn or written is a warning.

    Args:
        model: after the last step of the report.
        test: the test set of the whole task.
        report: the measures so far.
        folder: of the run.
        palette: 768 integers, the colours of the dataset ids.
        title: of the predictions.
        n: images; 0 for none.
    """
    predictions = folder / "predictions" / f"step{report.steps[-1].step}"
    heat_map = folder / "plots" / "iou_by_class.png"
    if n > 0:
        with optional_picture(f"{predictions}.png"):
            dataset = test.dataset.eval()
            pictured = pick_samples(list(test.dataset.class_sets), n)
            save_predictions(
                model,
                [dataset[i][:2] for i in pictured],  # Without extras.
                distinct_stems([test.data.split.images[test.data.indices[i]] for i in pictured]),
                test.label_space,
                predictions,
                palette=palette,
                title=title,
            )
            _write_legend(test.label_space, palette, legend_file(folder))
    with optional_picture(str(heat_map)):
        iou_heat_map(report, test.label_space.channel_names, heat_map)


def distinct_stems(files: Sequence[Path]) -> list[str]:
    """File names without suffix; numbered where several are alike, also in another case.

    Example:
        >>> distinct_stems([Path("a/0001.png"), Path("b/0001.png"), Path("b/0002.png")])
        ['0001', '0001-2', '0002']
    """
    taken = {file.stem.casefold() for file in files}
    names: dict[str, str] = {}
    for file in files:
        name, number = file.stem, 1
        # A number must not make a name that another file has.
        while name.casefold() in names or (number > 1 and name.casefold() in taken):
            number += 1
            name = f"{file.stem}-{number}"
        names[name.casefold()] = name
    return list(names.values())


def pick_samples(class_sets: Sequence[frozenset[int]], n: int) -> list[int]:
    """Indices of up to ``n`` images that together show as many classes as possible.

    Example:
        >>> pick_samples([frozenset({0, 1}), frozenset({0, 1, 2, 3}), frozenset({4})], 2)
        [1, 2]
    """
    chosen: list[int] = []
    missing = set().union(*class_sets) - {BACKGROUND} if class_sets else set()
    uncovered = set(missing)
    while len(chosen) < min(n, len(class_sets)):
        rest = [i for i in range(len(class_sets)) if i not in chosen]
        best = max(rest, key=lambda i: len(class_sets[i] & uncovered))
        chosen.append(best)
        uncovered -= class_sets[best]
        if not uncovered:
            uncovered = set(missing)
    return sorted(chosen)


def save_predictions(
    model: Any,
    samples: Sequence[tuple[Tensor, Tensor]],
    names: Sequence[str],
    space: LabelSpace,
    folder: Path,
    *,
    palette: Sequence[int],
    title: str,
) -> None:
    """Write one PNG per sample (image | truth | prediction) and an overview with a legend.

    Args:
        model: a segmentation model.
        samples: (image uint8 3 x H x W, label map H x W in channels).
        names: a file name for each sample, without suffix.
        space: the names and dataset ids of the channels.
        folder: where to write; the overview is ``folder.png``.
        palette: 768 integers, the colours of the dataset ids.
        title: of the overview.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = next(model.parameters()).device
    rows, shown = [], set()
    for (image, labels, *_), name in zip(samples, names, strict=True):
        prediction = model.predict(image[None].to(device))[0].cpu().numpy()
        maps = [labels.numpy(), prediction.astype(np.int64)]
        coloured = [colorize(m, palette, space.class_order) for m in maps]
        rows.append((image.permute(1, 2, 0).numpy(), *coloured))
        Image.fromarray(np.concatenate(rows[-1], axis=1)).save(folder / f"{name}.png")
        shown |= set(np.unique(np.concatenate([m.ravel() for m in maps])).tolist())
    shown.discard(space.void)
    colours = _colours(space, palette)
    legend = {space.channel_names[channel]: colours[channel] for channel in sorted(shown)}
    _overview(rows, legend, title).savefig(folder.with_suffix(".png"), dpi=80)


def iou_heat_map(report: RunReport, class_names: Sequence[str], path: Path) -> None:
    """Draw the IoU of every class (columns) after every step (rows), in percent."""
    values = np.full((len(report.steps), len(class_names)), np.nan)
    for row, step in enumerate(report.steps):
        for column, name in enumerate(class_names):
            values[row, column] = 100 * step.iou.get(name, math.nan)
    width = 2.5 + 0.45 * len(class_names)
    figure = Figure(figsize=(width, 1.9 + 0.45 * len(values)), layout="constrained")
    axes = figure.subplots()
    drawn = axes.imshow(values, vmin=0, vmax=100, cmap="viridis", aspect="auto")
    shown = [shown_name(name) for name in class_names]
    axes.set_xticks(range(len(shown)), shown, rotation=60, ha="right", parse_math=False)
    axes.set_yticks(range(len(values)), [f"step {step.step}" for step in report.steps])
    axes.set_title("IoU by class after each step, %")
    for (row, column), value in np.ndenumerate(values):
        if not math.isnan(value):
            colour = "black" if value > 60 else "white"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, size=8)
    figure.colorbar(drawn, ax=axes)
    figure.savefig(path, dpi=100)


def _overview(
    rows: Sequence[tuple[NDArray[np.uint8], ...]], legend: Mapping[str, Sequence[int]], title: str
) -> Figure:
    figure = Figure(figsize=(9, 2.3 * len(rows) + 1.2), layout="constrained")
    grid = figure.subplots(len(rows), 3, squeeze=False)
    for axes_row, row in zip(grid, rows, strict=True):
        for axes, pixels in zip(axes_row, row, strict=True):
            axes.imshow(pixels)
            axes.set_axis_off()
    for axes, heading in zip(grid[0], ("image", "truth", "prediction"), strict=True):
        axes.set_title(heading)
    figure.suptitle(title, parse_math=False)
    patches = [
        Patch(color=(red / 255, green / 255, blue / 255)) for red, green, blue in legend.values()
    ]
    # Labels of the patches would leave out names that begin with "_".
    names = [shown_name(name) for name in legend]
    drawn = figure.legend(
        patches, [""] * len(names), loc="outside lower center", ncols=6, fontsize=8
    )
    for text, name in zip(drawn.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(name)
    return figure


def _write_legend(space: LabelSpace, palette: Sequence[int], path: Path) -> None:
    """What the colours of the pictures mean, for ``report``."""
    *classes, void = _colours(space, palette)
    legend = dict(zip(space.channel_names, classes, strict=True))
    legend.setdefault("void", void)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(legend) + "\n", encoding="utf-8")


def _colours(space: LabelSpace, palette: Sequence[int]) -> list[list[int]]:
    """Red, green and blue of every channel, then of void."""
    labels = np.array([[*range(space.n_channels), space.void]])
    return colorize(labels, palette, space.class_order)[0].tolist()
