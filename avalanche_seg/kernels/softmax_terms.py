"""Cross entropy and distillation of pixels, in one pass over their scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from avalanche_seg.kernels.channel_groups import EXP_SAFE_BOUND, Groups, ShiftedGroups, exp_
from avalanche_seg.kernels.pixel_terms import Pixels
from avalanche_seg.labels import VOID

__all__ = ["SoftmaxTerms", "plain_cross_entropy", "plain_distillation"]


@dataclass(frozen=True)
class SoftmaxTerms:
    """The unbiased cross entropy, the unbiased distillation times K, or both, with gradients.

    MiB (Cermelli et al., CVPR 2020), eq. 5 and 6, and 8 and 9. Plain cross entropy is the case
    K = 1, LwF's distillation the case C = K. A
    :class:`~avalanche_seg.kernels.pixel_terms.PixelTerms`.

    Args:
        n_old: K, the channels before this step, background included; 1..C.
        classify: compute the cross entropy of the labels.
        distil: compute the distillation of the teacher's K logits.
        ignore_index: label of pixels that cost nothing in the cross entropy.

    Example:
        >>> terms = SoftmaxTerms(n_old=2)
        >>> label, teacher = torch.tensor([[[0]]]), torch.zeros(1, 2, 1, 1)
        >>> ce, kd = terms.plain(torch.zeros(1, 3, 1, 1), label, teacher)
        >>> round(ce.item(), 4), round(kd.item(), 4)  # -log 2/3, -(log 2/3 + log 1/3) / 2
        (0.4055, 0.752)
    """

    n_old: int
    classify: bool = True
    distil: bool = True
    ignore_index: int = VOID

    @property
    def n_terms(self) -> int:
        """One or two."""
        return int(self.classify) + int(self.distil)

    def __call__(self, pixels: Pixels, *, gradient: bool) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The cross entropy, then the distillation."""
        scores, labels, teacher, spare = pixels.scores, pixels.labels, pixels.teacher, pixels.spare
        exp_is_safe = pixels.bound <= EXP_SAFE_BOUND
        # What needs the scores themselves comes before they are overwritten.
        if self.classify:
            assert labels is not None
            valid = labels != self.ignore_index
            channel = torch.where(valid, labels, 0)
            of_label = scores.gather(1, channel.unsqueeze(1)).squeeze(1)
        if self.distil:
            assert teacher is not None
            if not exp_is_safe:
                teacher.sub_(teacher.amax(dim=1, keepdim=True))
            exp_scores = exp_(teacher)
            inv_teacher_sum = exp_scores.sum(dim=1).reciprocal_()
            products = spare[:, 1 : self.n_old]
            torch.mul(exp_scores[:, 1:], scores[:, 1 : self.n_old], out=products)
            expected = products.sum(dim=1).mul_(inv_teacher_sum)
        groups = (Groups if exp_is_safe else ShiftedGroups)(scores, self.n_old)
        if self.classify:
            # With the background alone both are the same.
            is_old = channel < self.n_old if self.n_old > 1 else None
            if is_old is not None:
                of_label = torch.where(is_old, groups.log("bg_or_old"), of_label)
            loss = torch.where(valid, groups.log("all") - of_label, 0.0)
            yield loss, _label_gradient(groups, channel, valid, is_old, spare) if gradient else None
        if self.distil:
            q_bg = exp_scores[:, 0] * inv_teacher_sum
            loss = (groups.log("all") - expected).addcmul_(q_bg, groups.log("bg_or_new"), value=-1)
            yield (
                loss,
                _teacher_gradient_(groups, exp_scores, inv_teacher_sum, q_bg) if gradient else None,
            )

    def plain(
        self, scores: Tensor, labels: Tensor | None, teacher: Tensor | None
    ) -> tuple[Tensor, ...]:
        """The same by torch's own operations, at full size."""
        losses = []
        if self.classify:
            assert labels is not None
            losses.append(plain_cross_entropy(scores, labels, self.n_old, self.ignore_index))
        if self.distil:
            assert teacher is not None
            losses.append(plain_distillation(scores, teacher))
        return tuple(losses)


def plain_cross_entropy(
    scores: Tensor, labels: Tensor, n_old: int, ignore_index: int = VOID
) -> Tensor:
    """-log of the probability of the label, below K of all channels below K together.

    Args:
        scores: B x C x H x W.
        labels: int64, B x H x W.
        n_old: K.
        ignore_index: label of pixels that cost nothing.

    Returns:
        B x H x W.
    """
    log_p = scores.log_softmax(dim=1)
    valid = labels != ignore_index
    channel = torch.where(valid, labels, 0)
    of_label = log_p.gather(1, channel.unsqueeze(1)).squeeze(1)
    if n_old > 1:
        of_label = torch.where(channel < n_old, log_p[:, :n_old].logsumexp(dim=1), of_label)
    return torch.where(valid, -of_label, 0.0)


def plain_distillation(scores: Tensor, teacher: Tensor) -> Tensor:
    """Cross entropy with the teacher's probabilities, to which new channels are background.

    Args:
        scores: B x C x H x W.
        teacher: B x K x H x W.

    Returns:
        B x H x W; K times the published distillation.
    """
    n_old = teacher.shape[1]
    log_p, q = scores.log_softmax(dim=1), teacher.softmax(dim=1)
    bg_or_new = torch.cat([log_p[:, :1], log_p[:, n_old:]], dim=1).logsumexp(dim=1)
    return -(q[:, 0] * bg_or_new + (q[:, 1:] * log_p[:, 1:n_old]).sum(dim=1))


# Both losses are sums of log-sum-exps over sets of channels S, and d lse(z_S) / dz = p(. | S), the
# probabilities given that the channel is in S (0 outside), from which both gradients follow.


# UNCE = lse(z) - lse(z_0..z_{K-1}) for y < K, else lse(z) - z_y. So
# dUNCE/dz = p - [y < K] p(. | bg or old) - [y >= K] e_y.
def _label_gradient(
    groups: Groups, channel: Tensor, valid: Tensor, is_old: Tensor | None, out: Tensor
) -> Tensor:
    """The gradient of the cross entropy.

    Args:
        groups: of the scores.
        channel: the label, n x R x W, 0 where ignored.
        valid: bool, n x R x W; the gradient is 0 elsewhere.
        is_old: bool, n x R x W; None when the background is the only old channel.
        out: n x C x R x W, where to write it.
    """
    counts = valid.to(groups.exp_scores.dtype)
    merged = None if is_old is None else counts * is_old
    for name, part in groups.label_parts.items():
        share = groups.share(name, "all") * counts
        if merged is not None and name != "new":
            share.addcmul_(groups.share(name, "bg_or_old"), merged, value=-1)
        torch.mul(groups.exp_scores[:, part], share.unsqueeze(1), out=out[:, part])
    at_label = -counts if merged is None else merged - counts
    return out.scatter_add_(1, channel.unsqueeze(1), at_label.unsqueeze(1))


# K UNKD = lse(z) - q_0 lse(z_0, z_K..z_{C-1}) - sum_{1<=k<K} q_k z_k, because the q sum to one. So
# K dUNKD/dz = p - q on the old channels, p - q_0 p(. | bg or new) on background and new ones.
def _teacher_gradient_(
    groups: Groups, exp_scores: Tensor, inv_teacher_sum: Tensor, q_bg: Tensor
) -> Tensor:
    """The gradient of the distillation.

    Args:
        groups: of the scores; its exponentials become the gradient.
        exp_scores: proportional to q, the teacher's probabilities, n x K x R x W.
        inv_teacher_sum: what makes them probabilities, n x R x W.
        q_bg: q of the background, n x R x W.
    """
    for name, part in groups.parts.items():
        share = groups.share(name, "all")
        if name != "old":
            share = torch.addcmul(share, groups.share(name, "bg_or_new"), q_bg, value=-1)
        groups.exp_scores[:, part].mul_(share.unsqueeze(1))
    groups.exp_scores[:, 1 : exp_scores.shape[1]].addcmul_(
        exp_scores[:, 1:], inv_teacher_sum.unsqueeze(1), value=-1
    )
    return groups.exp_scores
