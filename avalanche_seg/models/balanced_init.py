"""MiB's initial classifier of new classes."""

import math

import torch
from torch import Tensor, nn

from avalanche_seg.models.incremental_head import IncrementalHead, classifier_bias

__all__ = ["balanced_classifier_init", "balanced_init"]


def balanced_init(
    background_weight: Tensor, background_bias: Tensor, n_new: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The initial classifier of MiB's new classes (Cermelli et al., CVPR 2020, section 3.3).

    Every new class takes the background's weight; its bias, and the background's own, become
    b_bg - log(N + 1). So the new classes and the background share the background's old probability
    evenly.

    Args:
        background_weight: the background channel's weight, any shape.
        background_bias: the background channel's bias, scalar tensor.
        n_new: N, the number of new classes.

    Returns:
        (weight of the new classes: N x ..., bias of the new classes: N, the background's new bias:
        scalar), all of the input's dtype.

    Raises:
        ValueError: when ``n_new`` is less than one.

    Example:
        >>> weight, bias, background = balanced_init(torch.ones(2), torch.tensor(0.0), 3)
        >>> weight.shape, [round(value, 4) for value in bias.tolist()], round(background.item(), 4)
        (torch.Size([3, 2]), [-1.3863, -1.3863, -1.3863], -1.3863)
    """
    if n_new < 1:
        raise ValueError(f"n_new={n_new}; expected at least one new class")
    bias = background_bias - math.log(n_new + 1)
    weight = background_weight.expand(n_new, *background_weight.shape).clone()
    return weight, bias.expand(n_new).clone(), bias.clone()


def balanced_classifier_init(head: IncrementalHead, classifier: nn.Conv2d) -> None:
    """Initialise a new classifier of a head in place by :func:`balanced_init`."""
    first = head.layers[0]
    with torch.no_grad():
        weight, bias, background = balanced_init(
            first.weight[0], classifier_bias(first)[0], classifier.out_channels
        )
        classifier.weight.copy_(weight)
        classifier_bias(classifier).copy_(bias)
        classifier_bias(first)[0] = background
