"""Exponentials of a tile's scores, and their sums over background, old and new channels."""

import math

import torch
from torch import Tensor

__all__ = ["EXP_SAFE_BOUND", "ShiftedGroups", "Groups", "exp_", "score_bound"]

# Scores up to this need no maximum: exp(2 x 40) and the inverse are far from float32's limits.
EXP_SAFE_BOUND = 40.0


class Groups:
    """Exponentials of scores, and their sums over groups of channels.

    Every term of MiB (Cermelli et al., CVPR 2020, eq. 5 to 9) is made of log-sum-exps over a few
    groups, and its gradient is the exponentials, computed once, times a map for each part.

    The parts are "bg", channel 0; "old", 1..K-1, the other classes of earlier steps; "new",
    K..C-1. The sums are "bg_or_old", 0..K-1, what a background label may show at a later step;
    "bg_or_new", 0 and K..C-1, what the teacher calls background; "all".

    Args:
        scores: n x C x R x W, in -``EXP_SAFE_BOUND``..``EXP_SAFE_BOUND``; overwritten.
        n_old: K.

    Attributes:
        exp_scores: exp(z), n x C x R x W.
        parts: the channels of the parts that have some, by name.
        label_parts: a division that suffices for losses of labels, for which background and old
            channels are one.
    """

    def __init__(self, scores: Tensor, n_old: int) -> None:
        self.exp_scores = scores
        n = scores.shape[1]
        parts = {"bg": slice(0, 1), "old": slice(1, n_old), "new": slice(n_old, n)}
        self.parts = {name: part for name, part in parts.items() if part.start < part.stop}
        self._logs: dict[str, Tensor] = {}
        self._shares: dict[str, Tensor] = {}
        self._compute_(n_old)

    def _compute_(self, n_old: int) -> None:
        exp_scores = exp_(self.exp_scores)
        bg = exp_scores[:, 0]
        if n_old == 1:
            everything = exp_scores.sum(dim=1)
            self.label_parts = {"all": slice(0, exp_scores.shape[1])}
            self._sums = {"bg_or_old": bg, "bg_or_new": everything, "all": everything}
            return
        bg_or_old = exp_scores[:, :n_old].sum(dim=1)
        self.label_parts = {"bg_or_old": slice(0, n_old)}
        self._sums = {"bg_or_old": bg_or_old, "bg_or_new": bg, "all": bg_or_old}
        if "new" in self.parts:
            new = exp_scores[:, n_old:].sum(dim=1)
            self.label_parts["new"] = self.parts["new"]
            self._sums.update(bg_or_new=bg + new, all=bg_or_old + new)

    def log(self, total: str) -> Tensor:
        """The log-sum-exp of the channels of a sum, n x R x W; not to be changed."""
        if total not in self._logs:
            self._logs[total] = self._sums[total].log()
        return self._logs[total]

    def share(self, part: str, total: str) -> Tensor:
        """What turns the exponentials of a part into probabilities among the channels of a sum.

        Args:
            part: a name of ``parts`` or ``label_parts``.
            total: the sum's name.

        Returns:
            n x R x W, not to be changed.
        """
        if total not in self._shares:
            self._shares[total] = self._sums[total].reciprocal()
        return self._shares[total]


class ShiftedGroups(Groups):
    """The same for scores of any size: every part has a maximum of its own, so none vanishes.

    Its ``exp_scores`` are exp(z - maximum of the part).
    """

    def _compute_(self, n_old: int) -> None:
        self.label_parts = self.parts
        self._tops, logs = {}, {}
        for name, part in self.parts.items():
            scores = self.exp_scores[:, part]
            self._tops[name] = top = scores.amax(dim=1)
            logs[name] = exp_(scores.sub_(top.unsqueeze(1))).sum(dim=1).log_().add_(top)
        bg = logs["bg"]
        bg_or_old = torch.logaddexp(bg, logs["old"]) if "old" in logs else bg
        self._logs = {"bg_or_old": bg_or_old, "bg_or_new": bg, "all": bg_or_old}
        if "new" in logs:
            self._logs["bg_or_new"] = torch.logaddexp(bg, logs["new"])
            self._logs["all"] = torch.logaddexp(bg_or_old, logs["new"])

    def share(self, part: str, total: str) -> Tensor:
        """As in the base."""
        return torch.exp(self._tops[part] - self._logs[total])


def exp_(scores: Tensor) -> Tensor:
    """e^z in place; in float32 to a relative error of 1e-7 (1 + |z|).

    Args:
        scores: floating point, any shape; overwritten.

    Returns:
        ``scores``.

    Example:
        >>> exp_(torch.tensor([0.0, 1.0])).tolist()
        [1.0, 2.7182817459106445]
    """
    if scores.device.type != "cpu":
        return scores.exp_()
    # In one pass more and, where exp() is not made for the processor, still in half the time.
    return scores.mul_(math.log2(math.e)).exp2_()


def score_bound(logits: Tensor) -> float:
    """The largest absolute value, which a bilinear resize never exceeds.

    Args:
        logits: floating point, any shape.

    Returns:
        infinity where the answer would wait for the device, and for no logits at all.

    Example:
        >>> score_bound(torch.tensor([3.0, -8.0]))
        8.0
    """
    if logits.device.type != "cpu" or logits.numel() == 0:
        return math.inf
    low, high = logits.aminmax()
    return max(-low.item(), high.item())
