"""A model in evaluation mode for a moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

__all__ = ["evaluating"]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[nn.Module]:
    """Put a model in evaluation mode, and every module back in its own mode afterwards.

    Args:
        model: some of its modules may be held in evaluation mode already.

    Example:
        >>> model = nn.Sequential(nn.Dropout(), nn.BatchNorm2d(2).eval())
        >>> with evaluating(model):
        ...     model[0].training
        False
        >>> model[0].training, model[1].training
        (True, False)
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield model
    finally:
        for module, mode in modes.items():
            module.training = mode
