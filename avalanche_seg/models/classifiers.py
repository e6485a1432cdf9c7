"""Classifiers of pixels: what the groups of an incremental head are made of."""

from collections.abc import Callable

from torch import Tensor, nn

__all__ = ["HEADS", "HeadFactory", "conv1x1", "conv3x3_group", "plain_parameters"]

HeadFactory = Callable[[int, int], nn.Module]
"""``(in_channels, n_new)`` -> classifier of maps B x in_channels x h x w, B x n_new x h x w."""


def conv1x1(in_channels: int, n_new: int) -> nn.Conv2d:
    """A 1x1 convolution with bias, initialised by torch's default.

    Args:
        in_channels: channels of the feature map.
        n_new: channels of the result.

    Example:
        >>> conv1x1(8, 3).weight.shape
        torch.Size([3, 8, 1, 1])
    """
    return nn.Conv2d(in_channels, n_new, kernel_size=1)


def conv3x3_group(in_channels: int, n_new: int) -> nn.Sequential:
    """A 3x3 convolution, batch norm, ReLU and a 1x1 convolution, as SSUL gives to every step.

    Cha et al., "SSUL: Semantic Segmentation with Unknown Label for Exemplar-based Class-Incremental
    Learning", NeurIPS 2021: groups do not share a hidden map, so that training a new one leaves
    the others' outputs as they are. The convolutions' weights start from Kaiming's normal
    initialisation (fan-in, ReLU).

    Args:
        in_channels: channels of the feature map, and of the hidden one.
        n_new: channels of the result.

    Example:
        >>> import torch
        >>> conv3x3_group(8, 3)(torch.zeros(2, 8, 4, 6)).shape
        torch.Size([2, 3, 4, 6])
    """
    hidden = nn.Conv2d(in_channels, in_channels, kernel_size=3, padding=1, bias=False)
    last = nn.Conv2d(in_channels, n_new, kernel_size=1)
    for convolution in (hidden, last):
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return nn.Sequential(hidden, nn.BatchNorm2d(in_channels), nn.ReLU(inplace=True), last)


def plain_parameters(classifier: nn.Module | None) -> tuple[Tensor, Tensor]:
    """Weight and bias of a 1x1 convolution, one row per channel.

    Args:
        classifier: of a head.

    Returns:
        (n x in_channels x 1 x 1, n).

    Raises:
        ValueError: for any other module, or None.
    """
    if (
        isinstance(classifier, nn.Conv2d)
        and classifier.kernel_size == (1, 1)
        and classifier.bias is not None
    ):
        return classifier.weight, classifier.bias
    got = "none" if classifier is None else type(classifier).__name__
    raise ValueError(f"expected a classifier that is a 1x1 convolution with bias; got {got}")


HEADS: dict[str, HeadFactory] = {"1x1": conv1x1, "3x3": conv3x3_group}
"""Classifiers by name: ``--head`` of the command line, ``head=`` of the models."""
