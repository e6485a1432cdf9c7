"""Pseudo-labels by the teacher's entropy, with a threshold per class, of PLOP: pure functions."""

import math
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from avalanche_seg.kernels import count_values
from avalanche_seg.labels import VOID

__all__ = [
    "PseudoLabels",
    "ThresholdRule",
    "class_thresholds",
    "count_scores",
    "entropy_score",
    "pseudo_labels",
    "score_histograms",
]

ThresholdRule = Literal["code", "paper"]
"""Which entropies count as sure; see :func:`class_thresholds`."""

_CODE_BINS = 100
# Of the 32 bits of a score those in front: sign, exponent and nine of the fraction, so that a bin
# is as wide as 0.2 % of its scores, however small these are.
_DROPPED_BITS = 14
_ONE = 0x3F800000  # The bits of 1.


class PseudoLabels(NamedTuple):
    """Labels of a batch and how much its images count.

    Attributes:
        target: int64, B x H x W.
        weight: of every image in the classification loss, 0..1, B.
    """

    target: Tensor
    weight: Tensor


def entropy_score(entropy: Tensor, *, n_old: int, n_classes: int, rule: ThresholdRule) -> Tensor:
    """The score u of a prediction, which its class's threshold is compared with.

    - "paper": H / ln K, in 0..1 (Douillard et al., CVPR 2021, section 3.3).
    - "code": H / (K ln K) / ln C, as the published code has it, so at most 1 / (K ln C): .02 for
      VOC 15-5, .002 for ADE20K 100-50.

    Args:
        entropy: H of the teacher's probabilities in nats, floating point, any shape.
        n_old: K, the teacher's channels.
        n_classes: C, the channels after this step.
        rule: one of both.

    Returns:
        the same shape.

    Example:
        >>> entropy = torch.tensor(16.0).log()
        >>> [round(entropy_score(entropy, n_old=16, n_classes=21, rule=r).item(), 4)
        ...  for r in ("paper", "code")]
        [1.0, 0.0205]
    """
    # With one channel there is nothing to be unsure of.
    most = math.log(max(n_old, 2))
    return entropy / (most if rule == "paper" else n_old * most * math.log(n_classes))


def score_histograms(
    n_old: int, *, rule: ThresholdRule, device: torch.device | str = "cpu"
) -> Tensor:
    """Empty histograms of the scores of every class, for :func:`count_scores`.

    Args:
        n_old: K, the teacher's channels.
        rule: "code": 100 bins of equal width on 0..1; "paper": bins of 0.2 % relative width.
        device: of the scores.

    Returns:
        int64, K x bins.

    Raises:
        ValueError: for an unknown rule.

    Example:
        >>> score_histograms(16, rule="code").shape
        torch.Size([16, 100])
    """
    known = get_args(ThresholdRule)
    if rule not in known:
        raise ValueError(f"threshold={rule!r} is unknown; expected one of {', '.join(known)}")
    n_bins = _CODE_BINS if rule == "code" else (_ONE >> _DROPPED_BITS) + 1
    return torch.zeros(n_old, n_bins, dtype=torch.int64, device=device)


def count_scores(
    histograms: Tensor,
    labels: Tensor,
    scores: Tensor,
    *,
    rule: ThresholdRule,
    counted: Tensor | None = None,
) -> None:
    """Add predictions to the histograms of their classes, in place.

    Args:
        histograms: of :func:`score_histograms`.
        labels: predicted classes, int64, 0..K-1, any shape.
        scores: u, of the same shape.
        rule: that of the histograms.
        counted: bool, of the same shape: which of them count; None: all.

    Example:
        >>> histograms = score_histograms(2, rule="code")
        >>> count_scores(histograms, torch.tensor([1, 1]), torch.tensor([0.005, 1.0]), rule="code")
        >>> histograms[1].nonzero().flatten().tolist()
        [0, 99]
    """
    width = histograms.shape[1]
    if rule == "code":
        bins = (scores * width).long()
    else:
        bins = scores.float().contiguous().view(torch.int32).long() >> _DROPPED_BITS
    cells = labels * width + bins.clamp_(0, width - 1)
    if counted is not None:  # What does not count gets a cell of its own, as picking would wait.
        cells = torch.where(counted, cells, histograms.numel())
    counts = count_values(cells, histograms.numel() + 1)
    histograms += counts[:-1].view_as(histograms)


def class_thresholds(histograms: Tensor, *, rule: ThresholdRule, least: float = 0.001) -> Tensor:
    """The threshold of every class: the median score of the pixels that the teacher gives to it.

    - "paper": the median, as exact as the bins: to 0.2 % of itself.
    - "code": what the published code computes, and so all published numbers: its running count adds
      a bin's index j where its count h_j is meant. With half the pixels of the class: bin 0 is hit
      when h_0 >= half, else the first j with half - j (j - 1) / 2 in 0..h_j; the threshold is
      (j + (half - j (j - 1) / 2) / h_j) / 100. Without a hit the code divides by the empty last
      bin: every pixel is accepted where half > 4950, else the threshold is ``least``.

    Args:
        histograms: of :func:`count_scores`, int64, K x bins.
        rule: one of both.
        least: smallest threshold, also of a class that is never predicted.

    Returns:
        tau, float64, K.

    Example:
        >>> histograms = score_histograms(2, rule="code")
        >>> histograms[0, :2] = torch.tensor([75, 25])  # 0.01 x 50 / 75; and a class without pixel
        >>> [round(tau, 5) for tau in class_thresholds(histograms, rule="code").tolist()]
        [0.00667, 0.001]
    """
    median = _code_median if rule == "code" else _median
    found = [max(median(counts), least) if sum(counts) else least for counts in histograms.tolist()]
    return torch.tensor(found, dtype=torch.float64, device=histograms.device)


def _code_median(counts: list[int]) -> float:
    half, running = sum(counts) / 2, 0
    for number, count in enumerate(counts):
        if running <= half <= running + count and count > 0:
            return (number + (half - running) / count) / len(counts)
        running += number
    return math.inf if half > running else -math.inf  # Running is 0 + 1 + ... + 99.


def _median(counts: list[int]) -> float:
    """The middle of the bin that holds the lower of the median values."""
    wanted, running = (sum(counts) + 1) // 2, 0
    for number, count in enumerate(counts):
        running += count
        if running >= wanted:
            edges = torch.tensor([number, number + 1], dtype=torch.int32) << _DROPPED_BITS
            low, high = edges.view(torch.float32).tolist()
            return (low + high) / 2
    raise AssertionError("no pixel in the histogram")


def pseudo_labels(
    target: Tensor, predicted: Tensor, scores: Tensor, thresholds: Tensor, *, n_old: int
) -> PseudoLabels:
    """Labels of old classes where the teacher is sure, and what is left of the images' weight.

    Of PLOP (Douillard et al., CVPR 2021, eq. 6 to 8). At a pixel labelled y < K, which may show the
    background or any old class, the target is the teacher's class c where u < tau_c, else void.
    Pixels of new classes and void ones keep their label. An image weighs

    nu = accepted pixels / (pixels with y < K + 1e-6)

    As in the published code, an image without any such pixel weighs 0.

    Args:
        target: labels, int64, B x H x W.
        predicted: the teacher's classes, int64, B x H x W, 0..K-1.
        scores: u of :func:`entropy_score`, B x H x W.
        thresholds: tau, K.
        n_old: K.

    Returns:
        the new labels, and nu in float32 (float64 with float64 scores).

    Example:
        >>> target, predicted = torch.tensor([[[0, 0, 5, 255]]]), torch.tensor([[[3, 3, 0, 0]]])
        >>> scores, thresholds = torch.tensor([[[0.1, 0.6, 0.1, 0.1]]]), torch.full((5,), 0.5)
        >>> found = pseudo_labels(target, predicted, scores, thresholds, n_old=5)
        >>> found.target.tolist(), round(found.weight.item(), 4)
        ([[[3, 255, 5, 255]]], 0.5)
    """
    background = target < n_old
    accepted = background & (scores < thresholds[predicted])
    labels = torch.where(accepted, predicted, torch.where(background, VOID, target))
    count, of = (mask.sum(dim=(1, 2)).to(scores.dtype) for mask in (accepted, background))
    return PseudoLabels(labels, count / (of + 1e-6))
