"""New classifiers that start as the extra channel's: SSUL's unknown, DKD's auxiliary channel."""

import torch
from torch import nn

from avalanche_seg.models.incremental_head import IncrementalHead

__all__ = ["extra_classifier_init"]


@torch.no_grad()
def extra_classifier_init(head: IncrementalHead, classifier: nn.Module) -> None:
    """Initialise a new classifier of a head in place by that of the head's extra channel.

    Every new class gets the extra channel's row and bias; layers below, with the affine part and
    the statistics of their norms, are copied. Of SSUL (Cha et al., NeurIPS 2021, section 3.3) and
    DKD (Baek et al., NeurIPS 2022, section 3.4).

    Args:
        head: with one extra channel; to be set as its ``init_new``.
        classifier: made by the head's factory, not part of the head yet.

    Raises:
        ValueError: when the head has no extra channel, or several.

    Example:
        >>> head = IncrementalHead(4, n_extra=1)
        >>> head.grow(3)
        >>> head.init_new = extra_classifier_init
        >>> head.grow(2)
        >>> auxiliary, _, new = head.classifiers
        >>> torch.equal(new.weight[1:], auxiliary.weight), torch.equal(new.bias[:1], auxiliary.bias)
        (True, True)
    """
    if head.n_extra != 1 or head.extra_classifier is None:
        raise ValueError(
            f"the model has {head.n_extra} extra channels; new classes start as the one extra "
            "channel does: make the model with n_extra=1"
        )
    extra = head.extra_classifier.state_dict()
    for name, value in classifier.state_dict().items():
        value.copy_(extra[name].expand_as(value))
