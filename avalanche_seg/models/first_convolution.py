"""The first convolution of a network made for colour images, for images of other channels."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["first_convolution", "state_for_channels", "weights_for_channels"]

_RGB = 3


def first_convolution(rgb: nn.Conv2d, in_channels: int, *, pretrained: bool) -> nn.Conv2d:
    """A convolution like the given one for images of ``in_channels`` channels.

    Args:
        rgb: a convolution of three channels.
        in_channels: of the images; three give the convolution itself.
        pretrained: start from its weights, by :func:`weights_for_channels`; else from random ones
            (Kaiming's, fan-out, as torchvision's ResNets).

    Returns:
        the convolution.

    Example:
        >>> first_convolution(nn.Conv2d(3, 8, 3, bias=False), 5, pretrained=True)
        Conv2d(5, 8, kernel_size=(3, 3), stride=(1, 1), bias=False)
    """
    if in_channels == _RGB:
        return rgb
    made = nn.Conv2d(
        in_channels,
        rgb.out_channels,
        rgb.kernel_size,  # type: ignore[arg-type]
        stride=rgb.stride,  # type: ignore[arg-type]
        padding=rgb.padding,  # type: ignore[arg-type]
        bias=rgb.bias is not None,
    )
    if not pretrained:
        nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
        return made
    with torch.no_grad():
        made.weight.copy_(weights_for_channels(rgb.weight, in_channels))
        if made.bias is not None and rgb.bias is not None:
            made.bias.copy_(rgb.bias)
    return made


def weights_for_channels(rgb: Tensor, in_channels: int) -> Tensor:
    """Weights of a colour convolution for images of other channels.

    One channel gets the sum of the three, which gives grey images what they gave as RGB; more get
    red, green and blue in turn, times three over their number, so that the sum stays about as large
    as it was.

    Args:
        rgb: floating point, out x 3 x h x w.
        in_channels: of the images.

    Returns:
        out x in_channels x h x w; the same tensor for three.

    Example:
        >>> weights = torch.tensor([1.0, 2.0, 4.0]).view(1, 3, 1, 1)
        >>> weights_for_channels(weights, 1).flatten().tolist()
        [7.0]
        >>> weights_for_channels(weights, 6).flatten().tolist()
        [0.5, 1.0, 2.0, 0.5, 1.0, 2.0]
    """
    if in_channels == _RGB:
        return rgb
    if in_channels == 1:
        return rgb.sum(dim=1, keepdim=True)
    in_turn = [channel % _RGB for channel in range(in_channels)]
    return rgb[:, in_turn] * (_RGB / in_channels)


def state_for_channels(
    state: Mapping[str, Tensor], name: str, in_channels: int
) -> dict[str, Tensor]:
    """A state dict whose first convolution fits images of other channels.

    Args:
        state: tensors by name.
        name: of the convolution's weights.
        in_channels: of the images.

    Returns:
        the same tensors, but for those of a colour convolution, see :func:`weights_for_channels`.

    Example:
        >>> state = {"conv.weight": torch.ones(8, 3, 7, 7), "bias": torch.ones(8)}
        >>> state_for_channels(state, "conv.weight", 4)["conv.weight"].shape
        torch.Size([8, 4, 7, 7])
    """
    fitted = dict(state)
    weight = state.get(name)
    if isinstance(weight, Tensor) and weight.dim() == 4 and weight.shape[1] == _RGB:
        fitted[name] = weights_for_channels(weight, in_channels)
    return fitted
