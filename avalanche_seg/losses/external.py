"""Criteria of other libraries, which expect logits at the size of the label map."""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

from avalanche_seg.kernels import compute_dtype, resize_logits

__all__ = ["AtTargetSize", "Criterion", "at_target_size", "criterion_of_step"]

Criterion = Callable[[Tensor, Tensor], Tensor]
"""``(logits B x C x h x w, target B x H x W int64) -> scalar``."""


class AtTargetSize(nn.Module):
    """Resizes logits bilinearly to the label map and calls a criterion on both.

    Models return logits at their own stride. The losses of this package resize them themselves,
    tile by tile; any other criterion needs them at full size, with all the memory this takes.

    Args:
        criterion: a Module or a function of logits and target, such as
            ``nn.CrossEntropyLoss(ignore_index=255)``; the benchmarks' unlabelled pixels are
            255, and 65535 among more than 255 channels.

    Shape:
        - logits: floating point, B x C x h x w; half precision is resized in float32.
        - target: B x H x W, or B x C x H x W for criteria that take probabilities.
        - output: the criterion's own.

    Raises:
        ValueError: by ``forward``, when logits and target are no maps of the same batch.

    Example:
        >>> import torch
        >>> criterion = AtTargetSize(nn.CrossEntropyLoss(ignore_index=255))
        >>> logits = torch.zeros(1, 2, 1, 1)
        >>> round(criterion(logits, torch.tensor([[[0, 1], [255, 255]]])).item(), 4)  # log 2
        0.6931
    """

    resizes_logits: ClassVar[bool] = True

    def __init__(self, criterion: Criterion) -> None:
        super().__init__()
        self.criterion = criterion

    def at_step(self, n_old: int) -> "Criterion":
        """The criterion of a step, where the one inside has steps; else this one."""
        inner = criterion_of_step(self.criterion, n_old)
        return self if inner is self.criterion else at_target_size(inner)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the criterion at the size of the target."""
        if logits.ndim != 4 or target.ndim not in (3, 4) or len(logits) != len(target):
            raise ValueError(
                f"got logits {tuple(logits.shape)} and target {tuple(target.shape)}; expected "
                "B x C x h x w and B x H x W (or B x C x H x W)"
            )
        scores = logits.to(compute_dtype(logits))
        return self.criterion(resize_logits(scores, (target.shape[-2], target.shape[-1])), target)


def at_target_size(criterion: Criterion) -> Criterion:
    """A criterion that takes logits at any stride.

    Args:
        criterion: any.

    Returns:
        ``criterion`` itself when it says so by ``resizes_logits = True``, as those of this package
        do, else :class:`AtTargetSize` around it.

    Example:
        >>> from avalanche_seg.losses import CrossEntropy
        >>> ours, theirs = CrossEntropy(), nn.CrossEntropyLoss(ignore_index=255)
        >>> at_target_size(ours) is ours, type(at_target_size(theirs)).__name__
        (True, 'AtTargetSize')
    """
    return criterion if getattr(criterion, "resizes_logits", False) else AtTargetSize(criterion)


def criterion_of_step(criterion: Criterion, n_old: int) -> Criterion:
    """The criterion of a step: what ``criterion.at_step(n_old)`` gives where it has that method.

    Args:
        criterion: any.
        n_old: classes before the step, background included; 0 at step 0.

    Example:
        >>> from avalanche_seg.losses import UnbiasedCrossEntropy
        >>> criterion_of_step(UnbiasedCrossEntropy(), 16).n_old
        16
    """
    at_step = getattr(criterion, "at_step", None)
    return criterion if at_step is None else at_step(n_old)
