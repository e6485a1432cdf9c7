"""Binary cross entropy and iCaRL's distillation of pixels, in one pass over their scores."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from avalanche_seg.kernels.pixel_terms import Pixels
from avalanche_seg.labels import VOID

__all__ = ["LabelSigmoid", "TeacherSigmoid"]

# Both losses are sums over channels of -y log s - (1 - y) log(1 - s) = softplus(z) - y z, s the
# sigmoid of z and y the one-hot label, which is never built, or the teacher's sigmoid. As
# d softplus(z) / dz = s, the gradient is s - y. A positive weight g on the label's own term makes
# it -g log s = g (softplus(z) - z), with the gradient g (s - 1).

# Products of up to 2^6 factors, each at most 2: far from float32's largest number, e^88.
_PAIRINGS = 6
# Factors of up to e^bound are multiplied while their product stays below e^80, if four of them can.
_LARGEST_EXPONENT = 80.0


@dataclass(frozen=True)
class LabelSigmoid:
    """The binary cross entropy with the one-hot label, summed over the channels.

    A :class:`~avalanche_seg.kernels.pixel_terms.PixelTerms`.

    Args:
        ignore_index: label of pixels that cost nothing.
        positive_weight: factor of the label's own term.
        ignored_is_negative: pixels with ``ignore_index`` cost as much as if no channel was theirs,
            instead of nothing.

    Example:
        >>> (loss,) = LabelSigmoid().plain(torch.zeros(1, 3, 1, 1), torch.tensor([[[1]]]), None)
        >>> round(loss.item(), 4)  # 3 log 2
        2.0794
    """

    ignore_index: int = VOID
    positive_weight: float = 1.0
    ignored_is_negative: bool = False
    n_terms: int = 1

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The loss and its gradient."""
        assert pixels.labels is not None
        scores = pixels.scores
        valid = pixels.labels != self.ignore_index
        labels = torch.where(valid, pixels.labels, 0).unsqueeze(1)
        own = scores.gather(1, labels)
        change = own * -self.positive_weight
        if self.positive_weight != 1:
            softplus = torch.logaddexp(own, own.new_zeros(()))
            change += (self.positive_weight - 1) * softplus
        loss = _sum_of_softplus(scores, pixels.spare, pixels.bound)
        ignored = ~valid
        if self.ignored_is_negative:
            loss += change.squeeze(1).masked_fill_(ignored, 0)
        else:
            loss.add_(change.squeeze(1)).masked_fill_(ignored, 0)
        slope = None
        if gradient:
            counts = valid.to(scores.dtype).unsqueeze(1)
            # What the label's own channel has beyond its sigmoid.
            more = counts * -self.positive_weight
            if self.positive_weight != 1:
                more += own.sigmoid_().mul_(self.positive_weight - 1).mul_(counts)
            slope = scores.sigmoid_()
            if not self.ignored_is_negative:
                slope.mul_(counts)
            slope.scatter_add_(1, labels, more)
        yield loss, slope

    def plain(
        self, scores: Tensor, labels: Tensor | None, teacher: Tensor | None
    ) -> tuple[Tensor, ...]:
        """The same by torch's own operations, at full size."""
        assert labels is not None
        valid = labels != self.ignore_index
        channel = torch.where(valid, labels, 0).unsqueeze(1)
        share = valid.to(scores.dtype).unsqueeze(1)
        one_hot = torch.zeros_like(scores).scatter(1, channel, share)
        weight = scores.new_tensor(self.positive_weight)
        loss = F.binary_cross_entropy_with_logits(
            scores, one_hot, reduction="none", pos_weight=weight
        ).sum(dim=1)
        return (loss if self.ignored_is_negative else torch.where(valid, loss, 0.0),)


@dataclass(frozen=True)
class TeacherSigmoid:
    """The binary cross entropy with the teacher's sigmoid, summed over the channels.

    Takes scores of the teacher's K channels alone. A
    :class:`~avalanche_seg.kernels.pixel_terms.PixelTerms`.

    Example:
        >>> zeros = torch.zeros(1, 2, 1, 1)
        >>> (loss,) = TeacherSigmoid().plain(zeros, None, zeros)
        >>> round(loss.item(), 4)  # 2 log 2
        1.3863
    """

    n_terms: int = 1

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The loss and its gradient."""
        assert pixels.teacher is not None
        scores, teacher = pixels.scores, pixels.teacher.sigmoid_()
        loss = -torch.mul(teacher, scores, out=pixels.spare).sum(dim=1)
        loss += _sum_of_softplus(scores, pixels.spare, pixels.bound)
        yield loss, scores.sigmoid_().sub_(teacher) if gradient else None

    def plain(
        self, scores: Tensor, labels: Tensor | None, teacher: Tensor | None
    ) -> tuple[Tensor, ...]:
        """The same by torch's own operations, at full size."""
        assert teacher is not None
        q = teacher.sigmoid()
        return (F.binary_cross_entropy_with_logits(scores, q, reduction="none").sum(dim=1),)


def _sum_of_softplus(scores: Tensor, spare: Tensor, bound: float) -> Tensor:
    """Sum over the channels of log(1 + e^z).

    One logarithm is taken of the product of many channels' 1 + x, with x = e^z, or, where scores
    are so large that products would overflow, of the sum of max(z, 0) and x = e^-|z|. What is kept
    is the product less 1, which grows by pairs: (1 + a) (1 + b) - 1 = a + b + a b. All its terms
    are positive, so small ones keep their precision.

    Args:
        scores: n x C x R x W.
        spare: memory of the same shape; overwritten.
        bound: at least the largest absolute score.

    Returns:
        n x R x W.
    """
    # A power of 2, several times faster on a CPU, is as exact as the rounding of the scores allows.
    if bound <= _LARGEST_EXPONENT / 4:
        beyond, pairings = None, int(math.log2(_LARGEST_EXPONENT / max(bound, 1)))
        products = torch.mul(scores, 1 / math.log(2), out=spare).exp2_()
    else:
        beyond, pairings = torch.clamp(scores, min=0, out=spare).sum(dim=1), _PAIRINGS
        products = torch.abs(scores, out=spare).mul_(-1 / math.log(2)).exp2_()
    for _ in range(pairings):
        n_pairs = products.shape[1] // 2
        rest = products.shape[1] - n_pairs
        if n_pairs == 0:
            break
        left, right = products[:, :n_pairs], products[:, rest:]
        left.addcmul_(left, right).add_(right)
        products = products[:, :rest]
    # log(1 + p) where torch's log1p, on a CPU many times slower than its log, is as exact: what is
    # lost in u = 1 + p is d = p - (u - 1), and log(u + d) = log(u) + d / u.
    raised = products + 1
    lost = products.sub_(raised - 1).div_(raised)
    logs = lost.add_(raised.log_()).sum(dim=1)
    return logs if beyond is None else logs.add_(beyond)
