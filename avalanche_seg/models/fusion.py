"""Weights of two models fused into one."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["fuse_weights"]


@torch.no_grad()
def fuse_weights(model: nn.Module, previous: Mapping[str, Tensor], share: float) -> None:
    """Move a model's weights towards those of the model that it grew from, in place.

    Every floating point tensor of the previous state, statistics of norms included, becomes

    (1 - m) previous + m now

    What the model has besides, such as the classifiers of new classes, stays as it is; so do the
    new rows of a tensor that grew along its first dimension, and whole numbers.

    Args:
        model: after its training.
        previous: the ``state_dict`` of the model before.
        share: m, 0..1: 1 leaves the model as it is, 0 gives the previous one back.

    Raises:
        ValueError: for a tensor that the model does not have, or has in another shape.

    Example:
        >>> old, new = nn.Linear(1, 1), nn.Linear(1, 2)
        >>> for layer, value in ((old, 0.0), (new, 4.0)):
        ...     _ = nn.init.constant_(layer.weight, value)
        >>> fuse_weights(new, old.state_dict(), 0.25)
        >>> new.weight.flatten().tolist()
        [1.0, 4.0]
    """
    state = model.state_dict()
    for name, before in previous.items():
        now = state.get(name)
        if now is None or now.shape[1:] != before.shape[1:] or len(now.shape) != before.ndim:
            got = "no such tensor" if now is None else f"one of {tuple(now.shape)}"
            raise ValueError(
                f"the previous model's {name!r} is of {tuple(before.shape)}, and the model has "
                f"{got}; expected the model that grew from it: train the steps in order"
            )
        if before.is_floating_point():
            old = now[: len(before)] if now.ndim else now
            old.copy_(torch.lerp(before.to(old), old, share))
