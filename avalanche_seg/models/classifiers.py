"""Classifiers of pixels: what the groups of an incremental head are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

__all__ = [
    "HEADS",
    "ConvFactory",
    "HeadFactory",
    "conv1x1",
    "conv3x3_group",
    "head_factories",
    "plain_parameters",
]

HeadFactory = Callable[[int, int], nn.Module]
"""``(in_channels, n_new)`` -> classifier of maps B x in_channels x h x w, B x n_new x h x w."""


@dataclass(frozen=True)
class ConvFactory:
    """Makes convolutions of stride 1 with bias, initialised by torch's default or Kaiming's.

    Args:
        kernel_size: height and width in pixels.
        padding: zeros above and below, left and right.
        dilation: distance of the kernel's rows and columns.
        kaiming: weights start from Kaiming's normal initialisation (fan-in, ReLU).

    Example:
        >>> ConvFactory((3, 3), (1, 1))(8, 5).weight.shape
        torch.Size([5, 8, 3, 3])
    """

    kernel_size: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    kaiming: bool = False

    def __call__(self, in_channels: int, n_new: int) -> nn.Conv2d:
        """A convolution of ``in_channels`` to ``n_new`` channels."""
        made = nn.Conv2d(
            in_channels,
            n_new,
            self.kernel_size,
            padding=self.padding,
            dilation=self.dilation,
        )
        if self.kaiming:
            nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
        return made


conv1x1 = ConvFactory((1, 1))
"""A 1x1 convolution with bias, initialised by torch's default."""


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
    """Weight and bias of one convolution, a row per channel.

    Args:
        classifier: of a head.

    Returns:
        (n x in_channels x k x k, n).

    Raises:
        ValueError: for any other module, or None.
    """
    if isinstance(classifier, nn.Conv2d) and classifier.bias is not None:
        return classifier.weight, classifier.bias
    got = "none" if classifier is None else type(classifier).__name__
    raise ValueError(f"expected a classifier that is one convolution with bias; got {got}")


HEADS: dict[str, HeadFactory] = {
    "1x1": conv1x1,
    "3x3": conv3x3_group,
    "1x1-kaiming": ConvFactory((1, 1), kaiming=True),
}
"""Classifiers by name: ``--head`` of the command line, ``head=`` of the models."""


def head_factories(head: str | Sequence[HeadFactory], n_heads: int) -> list[HeadFactory]:
    """What makes the classifiers of every head.

    Args:
        head: a name of :data:`HEADS`, or a factory for each. "3x3" is for the main head: auxiliary
            ones, whose maps are wide, have 1x1 convolutions.
        n_heads: the main head and the auxiliary ones.

    Raises:
        ValueError: for an unknown name, or what is neither a name nor a list.

    Example:
        >>> head_factories("1x1", 2) == [conv1x1, conv1x1]
        True
    """
    if isinstance(head, list | tuple):
        return list(head)
    if not isinstance(head, str) or head not in HEADS:
        raise ValueError(f"head={head!r} is unknown; expected one of {', '.join(HEADS)}")
    made = HEADS[head]
    return [made, *[made if isinstance(made, ConvFactory) else conv1x1] * (n_heads - 1)]
