"""Boundary IoU: the intersection over union of what lies near the contours of the masks."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from avalanche_seg.labels import WIDE_VOID
from avalanche_seg.metrics.evaluation import EvalBatch
from avalanche_seg.metrics.iou import mean_present
from avalanche_seg.system import all_reduce_sum_, check_number, collective_device

__all__ = ["BoundaryIoU", "boundary_counts"]

# Pixels of masks that are looked at together on a device: 128 MiB a table.
_AT_ONCE = 1 << 25


def boundary_counts(prediction: Tensor, target: Tensor, n_classes: int, *, width: int) -> Tensor:
    """Pixels near the contours of one image's masks, by class.

    The boundary of a mask holds its pixels whose square of 2 x width + 1 pixels is not inside the
    mask; what is beyond the image is outside.

    Args:
        prediction: channels, integer, H x W.
        target: channels, integer, H x W; pixels labelled with anything but 0..n_classes-1 belong
            to no mask, whatever is predicted there.
        n_classes: C, background included.
        width: d, in pixels, one or more.

    Returns:
        int64, 3 x C: the pixels in both boundaries, in one of them at least, and in the truth's.

    Example:
        >>> truth = torch.zeros(5, 5, dtype=torch.int64)
        >>> guess = truth.clone()
        >>> guess[0] = 1
        >>> boundary_counts(guess, truth, 2, width=1).tolist()
        [[11, 0], [19, 5], [16, 0]]
    """
    counts = torch.zeros(3, n_classes, dtype=torch.int64, device=target.device)
    labelled = (target >= 0) & (target < n_classes)
    truth, guess = (m.to(torch.int64).where(labelled, -1) for m in (target, prediction))
    for first, last in _spans(truth, guess, n_classes):
        channels = torch.arange(first, last, device=target.device).view(-1, 1, 1)
        of_truth, of_guess = (_boundary(labels == channels, width) for labels in (truth, guess))
        parts = (of_truth & of_guess, of_truth | of_guess, of_truth)
        counts[:, first:last] = torch.stack([part.sum(dim=(1, 2)) for part in parts])
    return counts


def _spans(truth: Tensor, guess: Tensor, n_classes: int) -> list[tuple[int, int]]:
    """The channels to look at, those of a span together: from the first to before the last.

    On a CPU one by one those that are there. Looking waits for a device, so there all of them, many
    at a time.
    """
    if truth.device.type == "cpu":
        present = torch.cat([truth, guess]).unique().tolist()
        return [(channel, channel + 1) for channel in present if channel >= 0]
    return _all_spans(truth.numel(), n_classes)


def _all_spans(n_pixels: int, n_classes: int) -> list[tuple[int, int]]:
    step = max(1, _AT_ONCE // max(1, n_pixels))
    return [(first, min(first + step, n_classes)) for first in range(0, n_classes, step)]


class BoundaryIoU:
    """Boundary IoU after Cheng et al., CVPR 2021, for label maps.

    |Gd and Pd| / |Gd or Pd| with Gd and Pd the :func:`boundary_counts` boundaries of truth and
    prediction, d being 2 % of the image's diagonal, one pixel at least. Pixels are summed over the
    images as for the IoU, and a class without a pixel in the ground truth is left out.

    Args:
        ratio: d as a share of the diagonal.

    Raises:
        ValueError: when it is not above 0.

    Example:
        >>> from avalanche_seg.metrics import MeanIoU
        >>> iou = MeanIoU(metrics=[BoundaryIoU()])
    """

    def __init__(self, *, ratio: float = 0.02) -> None:
        self.ratio = check_number("ratio", ratio, above=0, what="share of the diagonal")
        self._counts: Tensor | None = None

    def reset(self) -> None:
        """Forget the counts."""
        self._counts = None

    def update(self, batch: EvalBatch) -> None:
        """Add a batch."""
        height, width = batch.target.shape[-2:]
        distance = max(1, round(self.ratio * (height**2 + width**2) ** 0.5))
        counts = self._known(batch.target.device)
        for prediction, target in zip(batch.prediction, batch.target, strict=True):
            counts[:, : batch.n_classes] += boundary_counts(
                prediction, target, batch.n_classes, width=distance
            )

    def all_reduce(self) -> None:
        """Add the counts of the other processes."""
        self._counts = all_reduce_sum_(self._known(collective_device()))

    def compute(self, groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
        """``boundary_IoU_<group>``, the mean over the group's classes, in 0..1."""
        shared, united, truth = self._known(torch.device("cpu")).cpu().double()
        values = torch.where(truth > 0, shared / united, torch.nan)
        return {f"boundary_IoU_{name}": mean_present(values, g) for name, g in groups.items()}

    def _known(self, device: torch.device) -> Tensor:
        # As long as there are labels, so that processes that saw other steps agree.
        if self._counts is None:
            self._counts = torch.zeros(3, WIDE_VOID, dtype=torch.int64, device=device)
        return self._counts


def _boundary(mask: Tensor, width: int) -> Tensor:
    """The boundaries of boolean masks, n x H x W: what an erosion by a square takes away."""
    side = 2 * width + 1
    # Sums over squares from a summed-area table: as quick for wide boundaries as for narrow ones.
    padded = F.pad(mask.to(torch.int32), [width + 1, width, width + 1, width])
    sums = padded.cumsum(-2, dtype=torch.int32).cumsum(-1, dtype=torch.int32)
    rows = sums[:, side:] - sums[:, :-side]
    inside = (rows[..., side:] - rows[..., :-side]) == side**2
    return mask & ~inside
