"""MiB's initial classifier of new classes."""

import math

import torch
from torch import Tensor, nn

from avalanche_seg.models.classifiers import plain_parameters
from avalanche_seg.models.incremental_head import IncrementalHead
from avalanche_seg.system import check_whole

__all__ = ["background_row", "balanced_classifier_init", "balanced_init"]


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
    check_whole("n_new", n_new, least=1, expected="at least one new class")
    bias = background_bias - math.log(n_new + 1)
    weight = background_weight.expand(n_new, *background_weight.shape).clone()
    return weight, bias.expand(n_new).clone(), bias.clone()


def balanced_classifier_init(head: IncrementalHead, classifier: nn.Module) -> None:
    """Initialise a new classifier of a head in place by :func:`balanced_init`.

    Args:
        head: has a channel for the background already, whose bias changes; to be set as its
            ``init_new``.
        classifier: one convolution with bias, not part of the head yet.

    Raises:
        ValueError: when a classifier is not one convolution with bias, or the background has no
            channel.

    Example:
        >>> head = IncrementalHead(4)
        >>> head.grow(3)
        >>> head.init_new = balanced_classifier_init
        >>> head.grow(2)
        >>> old, new = head.classifiers
        >>> torch.equal(new.weight[1], old.weight[0]), torch.equal(new.bias[:1], old.bias[:1])
        (True, True)
    """
    old_weight, old_bias = background_row(head)
    new_weight, new_bias = _row_of(classifier)
    with torch.no_grad():
        weight, bias, background = balanced_init(old_weight[0], old_bias[0], len(new_weight))
        new_weight.copy_(weight)
        new_bias.copy_(bias)
        old_bias[0] = background


def background_row(head: IncrementalHead) -> tuple[Tensor, Tensor]:
    """Weight and bias of the classifier whose first row is the background's.

    Args:
        head: that has grown.

    Returns:
        (n x in_channels x k x k, n).

    Raises:
        ValueError: when that is not one convolution with bias, or the background has no channel.
    """
    return _row_of(head.background_classifier)


def _row_of(classifier: nn.Module | None) -> tuple[Tensor, Tensor]:
    try:
        return plain_parameters(classifier)
    except ValueError as error:
        raise ValueError(
            "the balanced initialisation copies the background's row of a convolution: "
            f"{error}; make the model with head='1x1' and background='shared' or 'separate', or "
            "leave this initialisation out"
        ) from error
