"""A distillation whose target follows the labels, in one pass over a tile's scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from avalanche_seg.kernels.channel_groups import EXP_SAFE_BOUND, exp_
from avalanche_seg.kernels.pixel_terms import Pixels
from avalanche_seg.labels import VOID

__all__ = ["GuidedTerms"]


@dataclass(frozen=True)
class GuidedTerms:
    """LGKD's label-guided distillation (Yang et al., ICCV 2023, section 3.3), with its gradient.

    The target is the teacher's probabilities q over all C channels, new ones 0; at a pixel labelled
    with a new class n, q_n takes the place of q_0, which becomes 0. A pixel costs

    -w sum_k q_k log p_k = w (lse(z) - q_0 z_b - sum_{1<=k<K} q_k z_k),  b = n or 0

    A :class:`~avalanche_seg.kernels.pixel_terms.PixelTerms`.

    Args:
        old_weight: w of pixels labelled background or an old class.
        new_weight: w of pixels labelled with a new class.
        ignore_index: label of pixels that cost nothing.

    Example:
        >>> terms = GuidedTerms(old_weight=10.0, new_weight=2.0)
        >>> labels, teacher = torch.tensor([[[2]]]), torch.zeros(1, 2, 1, 1)
        >>> (loss,) = terms.plain(torch.zeros(1, 3, 1, 1), labels, teacher)
        >>> round(loss.item(), 4)  # 2 log 3
        2.1972
    """

    old_weight: float
    new_weight: float
    ignore_index: int = VOID
    n_terms = 1

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The one loss; its gradient is w (p - q)."""
        scores, labels, teacher = pixels.scores, pixels.labels, pixels.teacher
        assert labels is not None and teacher is not None
        n_old = teacher.shape[1]
        weight, place = self._weights(labels, n_old, scores.dtype)
        if pixels.bound > EXP_SAFE_BOUND:
            teacher.sub_(teacher.amax(dim=1, keepdim=True))
            top = scores.amax(dim=1, keepdim=True)
            scores.sub_(top)  # Changes neither loss nor gradient, as the q sum to one.
        q = exp_(teacher)
        q.mul_(q.sum(dim=1, keepdim=True).reciprocal_())
        products = torch.mul(q[:, 1:], scores[:, 1:n_old], out=pixels.spare[:, 1:n_old])
        of_place = scores.gather(1, place).squeeze(1)
        expected = products.sum(dim=1).addcmul_(q[:, 0], of_place)
        exp_scores = exp_(scores)
        total = exp_scores.sum(dim=1)
        loss = (total.log() - expected).mul_(weight)
        if not gradient:
            yield loss, None
            return
        slope = exp_scores.mul_(total.reciprocal_().unsqueeze(1))
        slope[:, 1:n_old].sub_(q[:, 1:])
        slope.scatter_add_(1, place, -q[:, :1])
        yield loss, slope.mul_(weight.unsqueeze(1))

    def plain(
        self, scores: Tensor, labels: Tensor | None, teacher: Tensor | None
    ) -> tuple[Tensor, ...]:
        """The same by torch's own operations, at full size."""
        assert labels is not None and teacher is not None
        n_old = teacher.shape[1]
        weight, place = self._weights(labels, n_old, scores.dtype)
        log_p, q = scores.log_softmax(dim=1), teacher.softmax(dim=1)
        of_place = log_p.gather(1, place).squeeze(1)
        return (-weight * (q[:, 0] * of_place + (q[:, 1:] * log_p[:, 1:n_old]).sum(dim=1)),)

    def _weights(self, labels: Tensor, n_old: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """The weight of every pixel, n x R x W, and the channel that gets q_0, n x 1 x R x W."""
        valid = labels != self.ignore_index
        is_new = valid & (labels >= n_old)
        weight = torch.where(is_new, self.new_weight, self.old_weight).to(dtype) * valid
        return weight, torch.where(is_new, labels, 0).unsqueeze(1)
