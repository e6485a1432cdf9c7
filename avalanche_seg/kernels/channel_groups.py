"""Exponentials of a tile's scores, and sums of them over groups of channels."""

import math

import torch
from torch import Tensor

__all__ = ["EXP_SAFE_BOUND", "ShiftedGroups", "Groups", "exp_", "score_bound"]

# Scores up to this need no maximum: exp(2 x 40) and the inverse are far from float32's limits.
EXP_SAFE_BOUND = 40.0


class Groups:
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
        self.exp_scores = scores
        n = scores.shape[1]
        parts = {"background": slice(0, 1), "old": slice(1, n_old), "new": slice(n_old, n)}
        self.parts = {name: part for name, part in parts.items() if part.start < part.stop}
        self._logs: dict[str, Tensor] = {}
        self._shares: dict[str, Tensor] = {}
        self._compute_(n_old)

    def _compute_(self, n_old: int) -> None:
        exp_scores = exp_(self.exp_scores)
        background = exp_scores[:, 0]
        if n_old == 1:
            everything = exp_scores.sum(dim=1)
            self.label_parts = {"all": slice(0, exp_scores.shape[1])}
            self._sums = {"old": background, "background": everything, "all": everything}
            return
        old = exp_scores[:, :n_old].sum(dim=1)
        self.label_parts = {"old": slice(0, n_old)}
        self._sums = {"old": old, "background": background, "all": old}
        if "new" in self.parts:
            new = exp_scores[:, n_old:].sum(dim=1)
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


class ShiftedGroups(Groups):
    """The same for scores of any size: every group has a maximum of its own, so none vanishes.

    Its powers are exp(z - maximum of the group).
    """

    def _compute_(self, n_old: int) -> None:
        self.label_parts = self.parts
        self._tops, logs = {}, {}
        for name, part in self.parts.items():
            scores = self.exp_scores[:, part]
            self._tops[name] = top = scores.amax(dim=1)
            logs[name] = exp_(scores.sub_(top.unsqueeze(1))).sum(dim=1).log_().add_(top)
        background = logs["background"]
        old = torch.logaddexp(background, logs["old"]) if "old" in logs else background
        self._logs = {"old": old, "background": background, "all": old}
        if "new" in logs:
            self._logs["background"] = torch.logaddexp(background, logs["new"])
            self._logs["all"] = torch.logaddexp(old, logs["new"])

    def share(self, group: str, total: str) -> Tensor:
        """As in the base."""
        return torch.exp(self._tops[group] - self._logs[total])


def exp_(scores: Tensor) -> Tensor:
    """e^z in place; in float32 to a relative error of 1e-7 (1 + |z|)."""
    if scores.device.type != "cpu":
        return scores.exp_()
    # In one pass more and, where exp() is not made for the processor, still in half the time.
    return scores.mul_(math.log2(math.e)).exp2_()


def score_bound(logits: Tensor) -> float:
    """The largest absolute value, which a bilinear resize never exceeds.

    Infinity where the answer would wait for the device.
    """
    if logits.device.type != "cpu" or logits.numel() == 0:
        return math.inf
    low, high = logits.aminmax()
    return max(-low.item(), high.item())
