"""What networks are made of."""

from torch import nn

__all__ = ["ConvBlock"]


class ConvBlock(nn.Sequential):
    """A convolution without bias, batch norm, ReLU.

    Args:
        in_channels: channels of the map.
        out_channels: channels of the result.
        kernel_size: an odd number; the map is padded so that at stride 1 its size stays.
        stride: of the convolution.
        dilation: of the convolution.

    Example:
        >>> import torch
        >>> ConvBlock(3, 8, stride=2)(torch.zeros(2, 3, 9, 6)).shape
        torch.Size([2, 8, 5, 3])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 3,
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        convolution = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2 * dilation,
            dilation=dilation,
            bias=False,
        )
        super().__init__(convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
