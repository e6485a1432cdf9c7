"""Unbiased cross entropy with hidden channels of every image's own, in one pass over its scores."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from avalanche_seg.kernels.pixel_terms import Pixels
from avalanche_seg.labels import VOID

__all__ = ["AnnotatedTerms"]


@dataclass(frozen=True)
class AnnotatedTerms:
    """Cross entropy in which the channels that an image hides count as one.

    With H the hidden channels of the pixel's image, a pixel costs lse(z) - lse(z_H) for a label in
    H, else lse(z) - z_y. What the images hide stands in the teacher's place, so that it may differ
    between images without anybody looking at it: 1 for hidden channels, else 0, as maps
    B x C x 1 x 1, which a resize leaves as they are. A
    :class:`~avalanche_seg.kernels.pixel_terms.PixelTerms`.

    Args:
        ignore_index: label of pixels that cost nothing.

    Example:
        >>> hidden = torch.tensor([1.0, 1.0, 0.0]).view(1, 3, 1, 1)
        >>> (loss,) = AnnotatedTerms().plain(torch.zeros(1, 3, 1, 1), torch.tensor([[[0]]]), hidden)
        >>> round(loss.item(), 4)  # -log 2/3
        0.4055
    """

    ignore_index: int = VOID
    n_terms = 1

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The loss and its gradient, p - p(. | H) for a label in H, else p - e_y."""
        assert pixels.labels is not None and pixels.teacher is not None
        scores, hides = pixels.scores, pixels.teacher > 0.5
        valid, channel = self._channels(pixels.labels)
        is_hidden = hides.gather(1, channel)
        of_hidden = scores.masked_fill(~hides, -math.inf)
        log_all = scores.logsumexp(dim=1, keepdim=True)
        log_hidden = of_hidden.logsumexp(dim=1, keepdim=True)
        of_label = torch.where(is_hidden, log_hidden, scores.gather(1, channel))
        loss = torch.where(valid, log_all - of_label, 0.0).squeeze(1)
        if not gradient:
            yield loss, None
            return
        counts = valid.to(scores.dtype)
        slope = scores.sub_(log_all).exp_()
        slope.sub_(of_hidden.sub_(log_hidden).exp_().mul_(is_hidden))
        slope.scatter_add_(1, channel, is_hidden.to(scores.dtype).sub_(1))
        yield loss, slope.mul_(counts)

    def plain(
        self, scores: Tensor, labels: Tensor | None, teacher: Tensor | None
    ) -> tuple[Tensor, ...]:
        """The same by torch's own operations, at full size."""
        assert labels is not None and teacher is not None
        valid, channel = self._channels(labels)
        log_p, hides = scores.log_softmax(dim=1), teacher > 0.5
        of_hidden = log_p.masked_fill(~hides, -math.inf).logsumexp(dim=1, keepdim=True)
        hides = hides.expand(scores.shape)
        of_label = torch.where(hides.gather(1, channel), of_hidden, log_p.gather(1, channel))
        return (torch.where(valid, -of_label, 0.0).squeeze(1),)

    def _channels(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Which pixels count, and the channels of their labels, both n x 1 x R x W."""
        valid = (labels != self.ignore_index).unsqueeze(1)
        return valid, torch.where(valid, labels.unsqueeze(1), 0)
