"""The confusion matrix as a picture, for the loggers that can show one."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from avalanche.evaluation import PluginMetric
from avalanche.evaluation.metric_results import MetricValue, TensorImage
from avalanche.evaluation.metric_utils import get_metric_name
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from avalanche_seg.metrics.mean_iou import MeanIoU

__all__ = [
    "ConfusionMatrixFigure",
    "draw_confusion",
    "optional_picture",
    "picture_values",
    "render",
    "row_percent",
    "shown_name",
]

_MOST_LETTERS = 40  # Of a name in a picture: a longer one would leave too little for the rest.
_WITH_NUMBERS = 40  # Classes up to which a cell is large enough for its number.


def shown_name(name: str) -> str:
    r"""A class name as pictures show it: in one line, not too long, all letters as they are.

    Names that are drawn also need ``parse_math=False``, or "$" begins a formula.

    Example:
        >>> shown_name("tv/monitor"), shown_name("two\nlines"), len(shown_name("x" * 500))
        ('tv/monitor', 'two\\nlines', 40)
    """
    line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)
    return line if len(line) <= _MOST_LETTERS else f"{line[: _MOST_LETTERS - 1]}…"


@contextmanager
def optional_picture(what: str) -> Iterator[None]:
    """Turn any failure to draw or to write a picture into a warning: numbers and models go on.

    Args:
        what: names the picture in the warning.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught, optional_picture("the curve"):
        ...     raise OSError("no space left")
        >>> str(caught[0].message)
        'the curve is left out (OSError: no space left); everything else is as without it'
    """
    try:
        yield
    except Exception as error:  # Fonts, layouts and disks fail in any way.
        reason = " ".join(str(error).split())
        warnings.warn(
            f"{what} is left out ({type(error).__name__}: {reason}); everything else is as "
            "without it",
            stacklevel=3,
        )


def row_percent(matrix: Tensor) -> Tensor:
    """Where the pixels of every class went: a confusion matrix with rows that sum to 100.

    Args:
        matrix: int64, C x C; rows are the truth, columns the prediction.

    Returns:
        float64, C x C; NaN in the row of a class with no pixel in the ground truth.

    Example:
        >>> row_percent(torch.tensor([[3, 1], [0, 0]])).tolist()
        [[75.0, 25.0], [nan, nan]]
    """
    counts = matrix.to(torch.float64)
    return 100 * counts / counts.sum(dim=1, keepdim=True)


def draw_confusion(percent: Tensor, class_names: Sequence[str], *, title: str = "") -> Figure:
    """Draw :func:`row_percent`; the numbers of a half and more are written into the cells.

    Args:
        percent: floating point, C x C, in 0..100 or NaN.
        class_names: C names, for both axes.
        title: above the matrix.

    Example:
        >>> figure = draw_confusion(row_percent(torch.eye(2)), ["background", "cat"])
        >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
        ['background', 'cat']
    """
    values, n = percent.numpy(), len(class_names)
    side = min(3 + 0.36 * n, 20.0)
    size = min(8.0, 12 * side / n)
    figure = Figure(figsize=(side + 1, side), dpi=80, layout="constrained")
    axes = figure.subplots()
    drawn = axes.imshow(values, vmin=0, vmax=100, cmap="viridis")
    shown = [shown_name(name) for name in class_names]
    axes.set_xticks(range(n), shown, rotation=90, size=size, parse_math=False)
    axes.set_yticks(range(n), shown, size=size, parse_math=False)
    axes.set_xlabel("prediction")
    axes.set_ylabel("truth")
    axes.set_title(title, parse_math=False)
    if n <= _WITH_NUMBERS:
        for row, column in np.argwhere(values >= 0.5).tolist():
            value = values[row, column]
            colour = "black" if value > 60 else "white"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, size=7)
    figure.colorbar(drawn, ax=axes, shrink=0.7, label="% of the truth")
    return figure


def render(figure: Figure) -> Tensor:
    """The pixels of a figure at its own resolution, uint8, 3 x H x W.

    Example:
        >>> tuple(render(Figure(figsize=(3, 2), dpi=50)).shape)
        (3, 100, 150)
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.array(canvas.buffer_rgba())[..., :3]
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


class ConfusionMatrixFigure(PluginMetric[Tensor]):
    """The confusion matrix after each evaluation experience, in percent of the truth.

    Emitted as a picture under ``ConfusionMatrix/eval_phase/test_stream/Exp000`` and so on. Nothing
    is counted twice: the matrix is that of ``iou``.

    Args:
        iou: a metric of the same ``EvaluationPlugin``, listed before this one.
    """

    def __init__(self, iou: MeanIoU) -> None:
        super().__init__()
        self.iou = iou

    def reset(self) -> None:
        """Do nothing: the counts are those of ``iou``."""

    def result(self) -> Tensor:
        """:func:`row_percent` of the last evaluation experience."""
        return row_percent(self.iou.matrix)

    def after_eval_exp(self, strategy: Any) -> list[MetricValue]:
        """Emit the picture of this experience."""
        percent = self.result()
        if len(percent) == 0:
            return []
        names = self.iou.names_of(strategy.experience, len(percent))
        title = f"pixels by class, step {strategy.experience.current_experience}"
        return picture_values(
            self,
            "ConfusionMatrix",
            lambda: render(draw_confusion(percent, names, title=title)),
            strategy,
        )


def picture_values(
    origin: Any, name: str, draw: Callable[[], Tensor], strategy: Any
) -> list[MetricValue]:
    """A picture, uint8 3 x H x W, as a metric's value for the current evaluation experience.

    Returns:
        one value, or none after a warning when the picture cannot be drawn.
    """
    # A TensorImage rather than a figure: drawn once for all loggers, and text loggers leave it out.
    full = get_metric_name(name, strategy, add_experience=True, add_task=False)
    with optional_picture(f"the picture {full}"):
        return [MetricValue(origin, full, TensorImage(draw()), strategy.clock.train_iterations)]
    return []
