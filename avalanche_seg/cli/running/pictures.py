"""Pictures of a run: predictions beside image and truth, IoU by class and step."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from avalanche_seg.benchmarks import SegmentationExperience
from avalanche_seg.datasets import voc_palette
from avalanche_seg.labels import BACKGROUND, VOID
from avalanche_seg.metrics import RunReport

__all__ = ["draw_step", "iou_heat_map", "pick_samples", "save_predictions"]


def draw_step(
    model: Any,
    test: SegmentationExperience,
    report: RunReport,
    folder: Path,
    *,
    title: str,
    n: int,
) -> None:
    """Draw predictions on the same images after every step, and the IoU of every class so far.

    Args:
        model: after the last step of the report.
        test: the test set of the whole task.
        report: the measures so far.
        folder: of the run.
        title: of the predictions.
        n: images; 0 for none.
    """
    step = report.steps[-1].step
    if n > 0:
        dataset = test.dataset.eval()
        pictured = pick_samples(list(test.dataset.class_sets), n)
        save_predictions(
            model,
            [dataset[i] for i in pictured],
            [test.data.split.images[test.data.indices[i]].stem for i in pictured],
            test.label_space,
            folder / "predictions" / f"step{step}",
            title=title,
        )
    iou_heat_map(report, test.label_space.channel_names, folder / "plots" / "iou_by_class.png")


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
    space: Any,
    folder: Path,
    *,
    title: str,
) -> None:
    """Write one PNG a sample (image | truth | prediction) and an overview with a legend.

    Args:
        model: a segmentation model.
        samples: (image uint8 3 x H x W, label map uint8 H x W in channels).
        names: a file name for each sample, without suffix.
        space: the label space, for names and the palette's colours.
        folder: where to write; the overview is ``folder.png``.
        title: of the overview.
    """
    folder.mkdir(parents=True, exist_ok=True)
    colours = _colours(space.class_order)
    device = next(model.parameters()).device
    rows, shown = [], set()
    for (image, labels), name in zip(samples, names, strict=True):
        prediction = model.predict(image[None].to(device))[0].cpu().numpy()
        truth = labels.numpy()
        pixels = image.permute(1, 2, 0).numpy()
        row = np.concatenate([pixels, colours[truth], colours[prediction]], axis=1)
        Image.fromarray(row).save(folder / f"{name}.png")
        rows.append((pixels, colours[truth], colours[prediction]))
        shown |= {*np.unique(truth).tolist(), *np.unique(prediction).tolist()} - {VOID}
    _overview(rows, sorted(shown), space, colours, title).savefig(
        folder.with_suffix(".png"), dpi=80
    )


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
    axes.set_xticks(range(len(class_names)), class_names, rotation=60, ha="right")
    axes.set_yticks(range(len(values)), [f"step {step.step}" for step in report.steps])
    axes.set_title("IoU by class after each step, %")
    for (row, column), value in np.ndenumerate(values):
        if not math.isnan(value):
            colour = "black" if value > 60 else "white"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, size=8)
    figure.colorbar(drawn, ax=axes)
    figure.savefig(path, dpi=100)


def _overview(
    rows: Sequence[tuple[NDArray[np.uint8], ...]],
    shown: Sequence[int],
    space: Any,
    colours: NDArray[np.uint8],
    title: str,
) -> Figure:
    figure = Figure(figsize=(9, 2.3 * len(rows) + 1.2), layout="constrained")
    grid = figure.subplots(len(rows), 3, squeeze=False)
    for axes_row, row in zip(grid, rows, strict=True):
        for axes, pixels in zip(axes_row, row, strict=True):
            axes.imshow(pixels)
            axes.set_axis_off()
    for axes, heading in zip(grid[0], ("image", "truth", "prediction"), strict=True):
        axes.set_title(heading)
    figure.suptitle(title)
    patches = [
        Patch(color=colours[channel] / 255.0, label=space.channel_names[channel])
        for channel in shown
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=6, fontsize=8)
    return figure


def _colours(class_order: Sequence[int]) -> NDArray[np.uint8]:
    """Colour of every label: channels get the palette's colour of their dataset id."""
    palette = np.array(voc_palette(), dtype=np.uint8).reshape(-1, 3)
    colours = np.repeat(palette[VOID][None], len(palette), axis=0)
    colours[: len(class_order)] = palette[list(class_order)]
    return colours
