"""Cross entropy and distillation of pixels, in one pass over their scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from avalanche_seg.labels import VOID
from avalanche_seg.losses.tiles import Pixels

__all__ = ["SoftmaxTerms"]

# Scores up to this need no maximum: exp(2 x 40) and the inverse are far from float32's limits.
_MODERATE = 40.0


@dataclass(frozen=True)
class SoftmaxTerms:
    """The unbiased cross entropy, the unbiased distillation times K, or both, with gradients.

    Plain cross entropy is the case K = 1, LwF's distillation the case C = K. A
    :class:`~avalanche_seg.losses.tiles.PixelTerms`.

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
        moderate = pixels.bound <= _MODERATE
        # What needs the scores themselves comes before they are overwritten.
        if self.classify:
            assert labels is not None
            valid = labels != self.ignore_index
            channel = torch.where(valid, labels, 0).unsqueeze(1)
            of_label = scores.gather(1, channel).squeeze(1)
        if self.distil:
            assert teacher is not None
            if not moderate:
                teacher.sub_(teacher.amax(dim=1, keepdim=True))
            powers = teacher.exp_()
            to_q = powers.sum(dim=1).reciprocal_()
            products = spare[:, 1 : self.n_old]
            torch.mul(powers[:, 1:], scores[:, 1 : self.n_old], out=products)
            expected = products.sum(dim=1).mul_(to_q)
        groups = (_Groups if moderate else _ExtremeGroups)(scores, self.n_old)
        if self.classify:
            # With the background alone both are the same.
            is_old = channel.squeeze(1) < self.n_old if self.n_old > 1 else None
            if is_old is not None:
                of_label = torch.where(is_old, groups.log_old, of_label)
            loss = torch.where(valid, groups.log_all - of_label, 0.0)
            yield loss, _label_gradient(groups, channel, valid, is_old, spare) if gradient else None
        if self.distil:
            loss = groups.log_all - powers[:, 0] * to_q * groups.log_background - expected
            yield loss, _teacher_gradient_(groups, powers, to_q) if gradient else None


class _Groups:
    """Background, other old classes and new classes: exponentials, and log-sums of groups.

    Every term of MiB (eq. 5 to 9) is a sum of a few of these maps, and its gradient is the
    exponentials, computed once, times a map for each group.

    Args:
        scores: n x C x R x W, in -40..40; overwritten.
        n_old: K.

    Attributes:
        names: of the groups that have channels.
        powers: exp(z), n x C x R x W.
        log_old, log_background, log_all: log-sum-exp of the channels 0..K-1, of 0 and K..C-1, and
            of all, n x R x W.
    """

    def __init__(self, scores: Tensor, n_old: int) -> None:
        self.powers = scores
        groups = {"background": slice(0, 1), "old": slice(1, n_old), "new": slice(n_old, None)}
        self._channels = {name: part for name, part in groups.items() if scores[:, part].numel()}
        self.names = tuple(self._channels)
        self._compute_()

    def of(self, tensor: Tensor, group: str) -> Tensor:
        """The channels of a group, a view."""
        return tensor[:, self._channels[group]]

    def _compute_(self) -> None:
        self.powers.exp_()
        sums = {name: self.of(self.powers, name).sum(dim=1) for name in self.names}
        background, new = sums["background"], sums.get("new", 0.0)
        old = background + sums["old"] if "old" in sums else background
        sums = {"old": old, "background": background + new, "all": old + new}
        self.log_old, self.log_background, self.log_all = (x.log() for x in sums.values())
        self._shares = {total: x.reciprocal() for total, x in sums.items()}

    def share(self, group: str, total: str) -> Tensor:
        """What makes the group's powers probabilities among the channels of ``total``.

        Args:
            group: one of ``names``.
            total: "old", "background" (new classes included) or "all".

        Returns:
            n x R x W, not to be changed.
        """
        return self._shares[total]


class _ExtremeGroups(_Groups):
    """The same for scores of any size: every group has a maximum of its own, so none vanishes.

    Its powers are exp(z - maximum of the group).
    """

    def _compute_(self) -> None:
        self._tops = {name: self.of(self.powers, name).amax(dim=1) for name in self.names}
        logs = {}
        for name, top in self._tops.items():
            powers = self.of(self.powers, name).sub_(top.unsqueeze(1)).exp_()
            logs[name] = powers.sum(dim=1).log_().add_(top)
        background = logs["background"]
        self.log_old = torch.logaddexp(background, logs["old"]) if "old" in logs else background
        self.log_background, self.log_all = background, self.log_old
        if "new" in logs:
            self.log_background = torch.logaddexp(background, logs["new"])
            self.log_all = torch.logaddexp(self.log_old, logs["new"])
        self._logs = {
            "old": self.log_old,
            "background": self.log_background,
            "all": self.log_all,
        }

    def share(self, group: str, total: str) -> Tensor:
        """As in the base."""
        return torch.exp(self._tops[group] - self._logs[total])


def _label_gradient(
    groups: _Groups, channel: Tensor, valid: Tensor, is_old: Tensor | None, out: Tensor
) -> Tensor:
    """Probabilities less those among the old channels where the label is old, else less one-hot.

    Args:
        groups: of the scores.
        channel: the label, n x 1 x R x W, 0 where ignored.
        valid: bool, n x R x W; the gradient is 0 elsewhere.
        is_old: bool, n x R x W; None when the background is the only old channel.
        out: n x C x R x W, where to write it.
    """
    counts = valid.to(groups.powers.dtype)
    merged = None if is_old is None else counts * is_old
    for group in groups.names:
        share = groups.share(group, "all") * counts
        if merged is not None and group != "new":
            share -= groups.share(group, "old") * merged
        torch.mul(groups.of(groups.powers, group), share.unsqueeze(1), out=groups.of(out, group))
    at_label = -counts if merged is None else merged - counts
    return out.scatter_add_(1, channel, at_label.unsqueeze(1))


def _teacher_gradient_(groups: _Groups, powers: Tensor, to_q: Tensor) -> Tensor:
    """Probabilities less the teacher's; the new channels share what the background is to get.

    Args:
        groups: of the scores; its powers become the gradient.
        powers: proportional to q, the teacher's probabilities, n x K x R x W.
        to_q: what makes them probabilities, n x R x W.
    """
    for group in groups.names:
        share = groups.share(group, "all")
        if group != "old":
            share = share - groups.share(group, "background") * (powers[:, 0] * to_q)
        groups.of(groups.powers, group).mul_(share.unsqueeze(1))
    groups.powers[:, 1 : powers.shape[1]].addcmul_(powers[:, 1:], to_q.unsqueeze(1), value=-1)
    return groups.powers
