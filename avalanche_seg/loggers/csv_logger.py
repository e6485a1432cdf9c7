"""A logger for an ``EvaluationPlugin`` that writes every number to a CSV file."""

import csv
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from avalanche.core import SupervisedPlugin
from avalanche.evaluation.metric_results import AlternativeValues, MetricValue
from avalanche.logging import BaseLogger
from torch import Tensor

__all__ = ["COLUMNS", "MetricsCSVLogger", "SplittingLogger", "as_number", "text_cell"]

COLUMNS = ("time", "iteration", "phase", "stream", "step", "metric", "class", "value")

_NAME = re.compile(
    r"(?P<metric>.+?)/(?P<phase>train|eval)_phase/(?P<stream>[^/]+)_stream"
    r"(?:/Task\d+)?(?:/Exp(?P<step>\d+))?(?:/(?P<class>.+))?",
    re.DOTALL,  # A class may have a name of several lines.
)

Named = tuple[str, Any, int]


class SplittingLogger(BaseLogger, SupervisedPlugin, supports_distributed=True):  # type: ignore[call-arg]
    """A logger that gets all values of a moment at once in ``_write``, dictionaries taken apart."""

    def log_metrics(self, metric_values: Sequence[MetricValue]) -> None:
        """Write every value that was just emitted."""
        named: list[Named] = []
        for metric in metric_values:
            if isinstance(metric.value, dict):
                parts = {f"{metric.name}/{key}": value for key, value in metric.value.items()}
            else:
                parts = {metric.name: metric.value}
            named += [(name, value, metric.x_plot) for name, value in parts.items()]
        if named:
            self._write(named)

    def log_single_metric(self, name: str, value: Any, x_plot: int) -> None:
        """Write one value."""
        self._write([(name, value, x_plot)])

    def _write(self, named: Sequence[Named]) -> None:
        raise NotImplementedError


class MetricsCSVLogger(SplittingLogger, supports_distributed=True):  # type: ignore[call-arg]
    """Appends every number that a metric emits to a CSV file, one line per number.

    The columns are

    - ``time``: when it was written, UTC, ISO 8601;
    - ``iteration``: the metric's x value, training iterations so far;
    - ``phase``: ``train`` or ``eval``;
    - ``stream``: ``train``, ``valid``, ``test``;
    - ``step``: the experience: that of the metric's name, else in training the one being trained;
    - ``metric``; ``class``: the key of a value that is a dictionary, such as an IoU by class;
      both as :func:`text_cell` gives them;
    - ``value``: empty for NaN.

    A file that is there already is continued, so a resumed run has one log. It then holds the
    iterations after the saved state twice; the later line counts. Pictures and tensors of several
    elements are left out.

    Args:
        path: the file; its folder is made.

    Raises:
        ValueError: when the file is there and is no log of this class.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     logger = MetricsCSVLogger(f"{folder}/log.csv")
        ...     logger.log_single_metric("mIoU_all/eval_phase/test_stream/Exp001", 0.5, x_plot=30)
        ...     logger.path.read_text().splitlines()[1].partition(",")[2]
        '30,eval,test,1,mIoU_all,,0.5'
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)
        self._training_step: int | None = None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        header = ",".join(COLUMNS)
        text = self.path.read_bytes() if self.path.exists() else b""
        if not text:
            self.path.write_text(f"{header}\n", encoding="utf-8")
        elif text.splitlines()[0] != header.encode():
            raise ValueError(
                f"{self.path} begins with {text.splitlines()[0].decode(errors='replace')!r}; "
                f"expected the columns {header}: pass another path, or move the file away"
            )
        elif not text.endswith(b"\n"):  # The writer was stopped in the middle of a line.
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n")

    def before_training_exp(self, strategy: Any, *args: Any, **kwargs: Any) -> None:
        """Note the step, which the names of training metrics leave out."""
        self._training_step = strategy.experience.current_experience

    def _write(self, named: Sequence[Named]) -> None:
        # Opened for a moment only: nothing to close, and a copy of the logger can write too.
        with self.path.open("a", encoding="utf-8", newline="", buffering=1) as file:
            writer = csv.writer(file, lineterminator="\n")
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            for name, value, iteration in named:
                number = as_number(value)
                if number is not None:
                    text = "" if math.isnan(number) else str(number)
                    writer.writerow((now, iteration, *self._columns(name), text))

    def _columns(self, name: str) -> tuple[object, ...]:
        """Phase, stream, step, metric and class; "" for what the name does not tell."""
        found = _NAME.fullmatch(name)
        if found is None:
            return "", "", "", text_cell(name), ""
        phase, stream, metric = found["phase"], found["stream"], found["metric"]
        step = self._training_step if phase == "train" else None
        if found["step"] is not None:
            step = int(found["step"])
        return (
            phase,
            stream,
            "" if step is None else step,
            text_cell(metric),
            text_cell(found["class"] or ""),
        )


def text_cell(text: str) -> str:
    """A text for a CSV file that no spreadsheet takes for a formula: an apostrophe stands before.

    Example:
        >>> text_cell("=1+1"), text_cell("cat")
        ("'=1+1", 'cat')
    """
    return f"'{text}" if text.lstrip(" \t\r\n").startswith(("=", "+", "-", "@")) else text


def as_number(value: Any) -> float | None:
    """A number, or the one element of a tensor; None for everything else.

    Example:
        >>> import torch
        >>> as_number(torch.tensor([2.5])), as_number("text")
        (2.5, None)
    """
    if isinstance(value, AlternativeValues):
        value = value.best_supported_value(float, int)
    if (isinstance(value, Tensor) and value.numel() == 1) or isinstance(value, np.generic):
        value = value.item()
    return float(value) if isinstance(value, float | int) else None
