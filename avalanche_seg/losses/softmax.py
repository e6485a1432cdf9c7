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
            channel = torch.where(valid, labels, 0)
            of_label = scores.gather(1, channel.unsqueeze(1)).squeeze(1)
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
            is_old = channel < self.n_old if self.n_old > 1 else None
            if is_old is not None:
                of_label = torch.where(is_old, groups.log("old"), of_label)
            loss = torch.where(valid, groups.log("all") - of_label, 0.0)
            yield loss, _label_gradient(groups, channel, valid, is_old, spare) if gradient else None
        if self.distil:
            q_background = powers[:, 0] * to_q
            loss = (groups.log("all") - expected).addcmul_(
                q_background, groups.log("background"), value=-1
            )
            yield (
                loss,
                _teacher_gradient_(groups, powers, to_q, q_background) if gradient else None,
            )


class _Groups:
    """Background, other old classes and new classes: exponentials, and log-sums of groups.

    Every term of MiB (eq. 5 to 9) is a sum of a few of these maps, and its gradient is the
    exponentials, computed once, times a map for each group. A sum is named by its channels: "old",
    0..K-1; "background", 0 and K..C-1, what the former model called so; "all".

    Args:
        scores: n x C x R x W, in -40..40; overwritten.
        n_old: K.

    Attributes:
        powers: exp(z), n x C x R x W.
        parts: the channels of the groups that have some, by name.
        label_parts: the same for a label, to which the background is one of the old classes.
    """

    def __init__(self, scores: Tensor, n_old: int) -> None:
        self.powers = scores
        n = scores.shape[1]
        parts = {"background": slice(0, 1), "old": slice(1, n_old), "new": slice(n_old, n)}
        self.parts = {name: part for name, part in parts.items() if part.start < part.stop}
        self._logs: dict[str, Tensor] = {}
        self._shares: dict[str, Tensor] = {}
        self._compute_(n_old)

    def _compute_(self, n_old: int) -> None:
        powers = self.powers.exp_()
        background = powers[:, 0]
        if n_old == 1:
            everything = powers.sum(dim=1)
            self.label_parts = {"all": slice(0, powers.shape[1])}
            self._sums = {"old": background, "background": everything, "all": everything}
            return
        old = powers[:, :n_old].sum(dim=1)
        self.label_parts = {"old": slice(0, n_old)}
        self._sums = {"old": old, "background": background, "all": old}
        if "new" in self.parts:
            new = powers[:, n_old:].sum(dim=1)
            self.label_parts["new"] = self.parts["new"]
            self._sums.update(background=background + new, all=old + new)

    def log(self, total: str) -> Tensor:
        """The log-sum-exp of the channels of a sum, n x R x W; not to be changed."""
        if total not in self._logs:
            self._logs[total] = self._sums[total].log()
        return self._logs[total]

    def share(self, group: str, total: str) -> Tensor:
        """What makes the powers of a group probabilities among the channels of a sum.

        Args:
            group: one of the parts' names.
            total: the sum's name.

        Returns:
            n x R x W, not to be changed.
        """
        if total not in self._shares:
            self._shares[total] = self._sums[total].reciprocal()
        return self._shares[total]


class _ExtremeGroups(_Groups):
    """The same for scores of any size: every group has a maximum of its own, so none vanishes.

    Its powers are exp(z - maximum of the group).
    """

    def _compute_(self, n_old: int) -> None:
        self.label_parts = self.parts
        self._tops, logs = {}, {}
        for name, part in self.parts.items():
            scores = self.powers[:, part]
            self._tops[name] = top = scores.amax(dim=1)
            logs[name] = scores.sub_(top.unsqueeze(1)).exp_().sum(dim=1).log_().add_(top)
        background = logs["background"]
        old = torch.logaddexp(background, logs["old"]) if "old" in logs else background
        self._logs = {"old": old, "background": background, "all": old}
        if "new" in logs:
            self._logs["background"] = torch.logaddexp(background, logs["new"])
            self._logs["all"] = torch.logaddexp(old, logs["new"])

    def share(self, group: str, total: str) -> Tensor:
        """As in the base."""
        return torch.exp(self._tops[group] - self._logs[total])


def _label_gradient(
    groups: _Groups, channel: Tensor, valid: Tensor, is_old: Tensor | None, out: Tensor
) -> Tensor:
    """Probabilities less those among the old channels where the label is old, else less one-hot.

    Args:
        groups: of the scores.
        channel: the label, n x R x W, 0 where ignored.
        valid: bool, n x R x W; the gradient is 0 elsewhere.
        is_old: bool, n x R x W; None when the background is the only old channel.
        out: n x C x R x W, where to write it.
    """
    counts = valid.to(groups.powers.dtype)
    merged = None if is_old is None else counts * is_old
    for group, part in groups.label_parts.items():
        share = groups.share(group, "all") * counts
        if merged is not None and group != "new":
            share.addcmul_(groups.share(group, "old"), merged, value=-1)
        torch.mul(groups.powers[:, part], share.unsqueeze(1), out=out[:, part])
    at_label = -counts if merged is None else merged - counts
    return out.scatter_add_(1, channel.unsqueeze(1), at_label.unsqueeze(1))


def _teacher_gradient_(
    groups: _Groups, powers: Tensor, to_q: Tensor, q_background: Tensor
) -> Tensor:
    """Probabilities less the teacher's; the new channels share what the background is to get.

    Args:
        groups: of the scores; its powers become the gradient.
        powers: proportional to q, the teacher's probabilities, n x K x R x W.
        to_q: what makes them probabilities, n x R x W.
        q_background: q of the background, n x R x W.
    """
    for group, part in groups.parts.items():
        share = groups.share(group, "all")
        if group != "old":
            share = torch.addcmul(share, groups.share(group, "background"), q_background, value=-1)
        groups.powers[:, part].mul_(share.unsqueeze(1))
    groups.powers[:, 1 : powers.shape[1]].addcmul_(powers[:, 1:], to_q.unsqueeze(1), value=-1)
    return groups.powers
