"""Cross entropy and distillation of pixels, in one pass over their scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from avalanche_seg.kernels.channel_groups import EXP_SAFE_BOUND, Groups, ShiftedGroups, exp_
from avalanche_seg.kernels.pixel_loss import Pixels
from avalanche_seg.labels import VOID

__all__ = ["SoftmaxTerms"]


@dataclass(frozen=True)
class SoftmaxTerms:
    """The unbiased cross entropy, the unbiased distillation times K, or both, with gradients.

    Plain cross entropy is the case K = 1, LwF's distillation the case C = K. A
    :class:`~avalanche_seg.kernels.pixel_loss.PixelTerms`.

    Args:
        n_old: K, the channels before this step, background included; 1..C.
        classify: compute the cross entropy of the labels.
        distil: compute the distillation of the teacher's K logits.
        ignore_index: label of pixels that cost nothing in the cross entropy.
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
                of_label = torch.where(is_old, groups.log("old"), of_label)
            loss = torch.where(valid, groups.log("all") - of_label, 0.0)
            yield loss, _label_gradient(groups, channel, valid, is_old, spare) if gradient else None
        if self.distil:
            q_background = exp_scores[:, 0] * inv_teacher_sum
            loss = (groups.log("all") - expected).addcmul_(
                q_background, groups.log("background"), value=-1
            )
            yield (
                loss,
                _teacher_gradient_(groups, exp_scores, inv_teacher_sum, q_background)
                if gradient
                else None,
            )


def _label_gradient(
    groups: Groups, channel: Tensor, valid: Tensor, is_old: Tensor | None, out: Tensor
) -> Tensor:
    """Probabilities less those among the old channels where the label is old, else less one-hot.

    Args:
        groups: of the scores.
        channel: the label, n x R x W, 0 where ignored.
        valid: bool, n x R x W; the gradient is 0 elsewhere.
        is_old: bool, n x R x W; None when the background is the only old channel.
        out: n x C x R x W, where to write it.
    """
    counts = valid.to(groups.exp_scores.dtype)
    merged = None if is_old is None else counts * is_old
    for group, part in groups.label_parts.items():
        share = groups.share(group, "all") * counts
        if merged is not None and group != "new":
            share.addcmul_(groups.share(group, "old"), merged, value=-1)
        torch.mul(groups.exp_scores[:, part], share.unsqueeze(1), out=out[:, part])
    at_label = -counts if merged is None else merged - counts
    return out.scatter_add_(1, channel.unsqueeze(1), at_label.unsqueeze(1))


def _teacher_gradient_(
    groups: Groups, exp_scores: Tensor, inv_teacher_sum: Tensor, q_background: Tensor
) -> Tensor:
    """Probabilities less the teacher's; the new channels share what the background is to get.

    Args:
        groups: of the scores; its powers become the gradient.
        exp_scores: proportional to q, the teacher's probabilities, n x K x R x W.
        inv_teacher_sum: what makes them probabilities, n x R x W.
        q_background: q of the background, n x R x W.
    """
    for group, part in groups.parts.items():
        share = groups.share(group, "all")
        if group != "old":
            share = torch.addcmul(share, groups.share(group, "background"), q_background, value=-1)
        groups.exp_scores[:, part].mul_(share.unsqueeze(1))
    groups.exp_scores[:, 1 : exp_scores.shape[1]].addcmul_(
        exp_scores[:, 1:], inv_teacher_sum.unsqueeze(1), value=-1
    )
    return groups.exp_scores
