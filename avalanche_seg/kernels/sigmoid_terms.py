"""Binary cross entropy and iCaRL's distillation of pixels, in one pass over their scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from avalanche_seg.kernels.pixel_loss import Pixels
from avalanche_seg.labels import VOID

__all__ = ["LabelSigmoid", "TeacherSigmoid"]

# Both losses are sums over channels of softplus(z) - y z, with y the one-hot label, which is never
# built, or the teacher's sigmoid; their gradient is sigmoid(z) - y.


@dataclass(frozen=True)
class LabelSigmoid:
    """The binary cross entropy with the one-hot label; a ``PixelTerms``.

    Args:
        ignore_index: label of pixels that cost nothing.
    """

    ignore_index: int = VOID
    n_terms: int = 1

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The loss and its gradient."""
        assert pixels.labels is not None
        scores = pixels.scores
        valid = pixels.labels != self.ignore_index
        labels = torch.where(valid, pixels.labels, 0).unsqueeze(1)
        loss = _softplus(scores, pixels.spare).sum(dim=1) - scores.gather(1, labels).squeeze(1)
        slope = None
        if gradient:
            counts = valid.to(scores.dtype).unsqueeze(1)
            slope = scores.sigmoid_().mul_(counts).scatter_add_(1, labels, -counts)
        yield torch.where(valid, loss, 0.0), slope


@dataclass(frozen=True)
class TeacherSigmoid:
    """The binary cross entropy with the teacher's sigmoid; a ``PixelTerms``."""

    n_terms: int = 1

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The loss and its gradient."""
        assert pixels.teacher is not None
        scores, teacher = pixels.scores, pixels.teacher.sigmoid_()
        losses = _softplus(scores, pixels.spare).addcmul_(teacher, scores, value=-1)
        yield losses.sum(dim=1), scores.sigmoid_().sub_(teacher) if gradient else None


def _softplus(scores: Tensor, out: Tensor) -> Tensor:
    """log(1 + exp(z)), which torch's own softplus would put into new memory."""
    return torch.logaddexp(scores, scores.new_zeros(()), out=out)
