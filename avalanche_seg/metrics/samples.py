"""Predictions beside image and truth, for the loggers that can show pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from avalanche.evaluation import PluginMetric
from avalanche.evaluation.metric_results import MetricValue
from torch import Tensor

from avalanche_seg.datasets import as_rgb, check_palette, colorize
from avalanche_seg.metrics.evaluation import eval_batch
from avalanche_seg.metrics.figures import picture_values
from avalanche_seg.metrics.mean_iou import ids_of
from avalanche_seg.normalization import normalization_of
from avalanche_seg.system import check_whole, check_wholes

__all__ = ["SamplePredictions"]

_MAX_SIDE = 256  # Pixels of a logged sample: an event file keeps every picture of a run.
_GAP = 4


class SamplePredictions(PluginMetric[Tensor]):
    """The first images of every evaluation experience, as image | truth | prediction.

    Emitted as one picture, a row per image, under ``Predictions/eval_phase/test_stream/Exp000`` and
    so on. Images with a side of more than 256 pixels are shown at a fraction of their size. Only
    the images shown are copied from the device, when the experience has been evaluated.

    Args:
        palette: 768 integers in 0..255, red, green and blue of every dataset id, or more for more
            than 255 ids; the last colour is that of void and of labels without a channel. Channels
            are dataset ids where the experience has no ``label_space``.
        n: images; 0 for none.

    Raises:
        ValueError: for a palette of another length, or a negative ``n``.
    """

    def __init__(self, palette: Sequence[int], *, n: int = 4) -> None:
        super().__init__()
        check_palette(palette)
        if max(check_wholes("palette", palette)) > 255:
            raise ValueError(f"palette: got {max(palette)}; expected numbers 0..255")
        check_whole("n", n, expected="zero images or more, a whole number")
        self.palette = list(palette)
        self.n = n
        self._all_ids = range(len(palette) // 3 - 1)
        self._class_ids: Sequence[int] = self._all_ids
        self._samples: list[tuple[Tensor, Tensor, Tensor]] = []

    def reset(self) -> None:
        """Forget the samples."""
        self._samples = []

    def result(self) -> Tensor:
        """The picture of the last evaluation experience, uint8, 3 x H x W; 3 x 0 x 0 for none."""
        rows = []
        for image, *maps in self._samples:
            coloured = (colorize(m.cpu().numpy(), self.palette, self._class_ids) for m in maps)
            strip = np.concatenate([image.permute(1, 2, 0).cpu().numpy(), *coloured], axis=1)
            rows.append(torch.from_numpy(strip).permute(2, 0, 1))
        if not rows:
            return torch.zeros(3, 0, 0, dtype=torch.uint8)
        height = sum(row.shape[1] + _GAP for row in rows) - _GAP
        sheet = torch.full((3, height, max(row.shape[2] for row in rows)), 255, dtype=torch.uint8)
        top = 0
        for row in rows:
            sheet[:, top : top + row.shape[1], : row.shape[2]] = row
            top += row.shape[1] + _GAP
        return sheet

    def before_eval_exp(self, strategy: Any) -> None:
        """Start collecting."""
        self.reset()
        self._class_ids = ids_of(strategy.experience) or self._all_ids

    def after_eval_iteration(self, strategy: Any) -> None:
        """Keep images of the batch while some are wanted."""
        wanted = self.n - len(self._samples)
        if wanted <= 0:
            return
        batch = eval_batch(strategy)
        stride = -(-max(batch.target.shape[-2:]) // _MAX_SIDE)
        normalization = normalization_of(getattr(strategy, "model", None))
        images = as_rgb(normalization.to_pixels(batch.images[:wanted]))
        kept = (
            part[:wanted, ..., ::stride, ::stride].clone()  # Or the whole batch would stay.
            for part in (
                images,
                batch.target.to(torch.int32),
                batch.prediction.to(torch.int32),
            )
        )
        self._samples.extend(zip(*kept, strict=True))

    def after_eval_exp(self, strategy: Any) -> list[MetricValue]:
        """Emit the picture of this experience."""
        if not self._samples:
            return []
        return picture_values(self, "Predictions", self.result, strategy)
