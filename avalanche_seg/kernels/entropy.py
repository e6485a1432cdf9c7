"""What a model predicts and how unsure it is, without full-size probabilities."""

from typing import NamedTuple

import torch
from torch import Tensor

from avalanche_seg.kernels.argmax import labelled_tiles
from avalanche_seg.kernels.resize import compute_dtype

__all__ = ["PredictionEntropy", "prediction_entropy"]


class PredictionEntropy(NamedTuple):
    """What a model says of every pixel.

    Attributes:
        labels: the channels of highest probability, the first of several, int64, B x H x W.
        entropy: of the probabilities, in nats: 0..ln K; floating point, B x H x W.
    """

    labels: Tensor
    entropy: Tensor


@torch.no_grad()
def prediction_entropy(logits: Tensor, size: tuple[int, int]) -> PredictionEntropy:
    """Argmax and entropy of softmax(z) at a size, a tile at a time.

    With t = z - max z, H = log sum_k e^t_k - (sum_k t_k e^t_k) / (sum_k e^t_k): a tile's scores are
    read three times while they are in the cache, and only the two maps are kept.

    Args:
        logits: floating point, B x K x h x w, finite; resized bilinearly, half precision in
            float32.
        size: wanted (H, W) in pixels.

    Returns:
        labels and entropies; the latter are float64 for float64 logits, else float32.

    Example:
        >>> found = prediction_entropy(torch.zeros(1, 4, 1, 1), (1, 2))
        >>> found.labels.tolist(), [round(h, 4) for h in found.entropy.flatten().tolist()]
        ([[[0, 0]]], [1.3863, 1.3863])
    """
    shape = (len(logits), *size)
    labels = torch.empty(shape, dtype=torch.int64, device=logits.device)
    entropy = torch.empty(shape, dtype=compute_dtype(logits), device=logits.device)
    for tile in labelled_tiles(logits, size, with_scores=True):
        assert tile.scores is not None
        below = tile.scores.sub_(tile.best)
        exp_scores = below.exp()
        total = exp_scores.sum(dim=1)
        expected = exp_scores.mul_(below).sum(dim=1).div_(total)
        labels[tile.where] = tile.labels
        entropy[tile.where] = total.log_().sub_(expected)
    # Rounding may leave a sure pixel a little below zero.
    return PredictionEntropy(labels, entropy.clamp_(min=0))
