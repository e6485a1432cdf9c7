"""The confusion matrix as a picture, for the loggers that can show one."""

from collections.abc import Sequence
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

__all__ = ["ConfusionMatrixFigure", "draw_confusion", "picture_value", "render", "row_percent"]

_WITH_NUMBERS = 40  # Classes up to which a cell is large enough for its number.


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
    axes.set_xticks(range(n), class_names, rotation=90, size=size, parse_math=False)
    axes.set_yticks(range(n), class_names, size=size, parse_math=False)
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
        picture = render(draw_confusion(percent, names, title=title))
        return [picture_value(self, "ConfusionMatrix", picture, strategy)]


def picture_value(origin: Any, name: str, pixels: Tensor, strategy: Any) -> MetricValue:
    """A picture, uint8 3 x H x W, as a metric's value for the current evaluation experience."""
    # A TensorImage rather than a figure: drawn once for all loggers, and text loggers leave it out.
    full = get_metric_name(name, strategy, add_experience=True, add_task=False)
    return MetricValue(origin, full, TensorImage(pixels), strategy.clock.train_iterations)
