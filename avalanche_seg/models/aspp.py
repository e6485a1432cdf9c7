"""Atrous spatial pyramid pooling: what DeepLabV3 puts on a ResNet."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avalanche_seg.models.conv_block import ConvBlock

__all__ = ["ASPP", "ImagePooling", "window_means"]


def window_means(maps: Tensor, window: int) -> Tensor:
    """Mean of every channel over a square window around every pixel.

    As in MiB's evaluation (Cermelli et al., CVPR 2020): the window is cut to the map's size,
    slides inside the map by one pixel, and the border's means are repeated outwards; of an even
    window the centre is the upper left of the four middle pixels.

    Args:
        maps: floating point, B x D x h x w.
        window: its side, in pixels of the map.

    Returns:
        the same shape.

    Example:
        >>> window_means(torch.tensor([[[[0.0, 2.0, 4.0, 6.0]]]]), 2).flatten().tolist()
        [1.0, 3.0, 5.0, 5.0]
    """
    high, wide = (min(window, side) for side in maps.shape[-2:])
    # Rows, then columns: the mean of means of equally many.
    means = F.avg_pool2d(F.avg_pool2d(maps, (high, 1), stride=1), (1, wide), stride=1)
    padding = ((wide - 1) // 2, wide // 2, (high - 1) // 2, high // 2)
    return F.pad(means, padding, mode="replicate")


class Pooling(nn.Module):
    """Mean over the image; in evaluation, with a window, over the window around every pixel."""

    def __init__(self, window: int | None) -> None:
        super().__init__()
        self.window = window

    def forward(self, maps: Tensor) -> Tensor:
        """B x D x h x w -> B x D x 1 x 1, or B x D x h x w."""
        if self.window is None or self.training:
            return maps.mean(dim=(2, 3), keepdim=True)
        return window_means(maps, self.window)


class ImagePooling(nn.Sequential):
    """The image's mean, a 1x1 convolution of it, batch norm, ReLU; the same at every pixel."""

    def __init__(self, in_channels: int, out_channels: int, window: int | None = None) -> None:
        super().__init__(Pooling(window), *ConvBlock(in_channels, out_channels, kernel_size=1))

    def forward(self, maps: Tensor) -> Tensor:
        """B x in_channels x h x w -> B x out_channels x h x w.

        Raises:
            ValueError: in training on a single image, whose means batch norm cannot normalise.
        """
        if self[2].training and maps.shape[0] == 1:
            raise ValueError(
                "DeepLabV3 got a training batch of one image; expected two or more, because its "
                "image pooling normalises image means over the batch: raise train_mb_size"
            )
        pooled = super().forward(maps).expand(-1, -1, *maps.shape[-2:])
        if maps.is_contiguous(memory_format=torch.channels_last):
            # An expanded map has no format, so that of the concatenated one would be lost.
            pooled = pooled.contiguous(memory_format=torch.channels_last)
        return pooled


class ASPP(nn.Module):
    """Convolutions of several dilations and the image's mean, side by side, then projected.

    Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017, section 3.3:
    a 1x1 convolution, three 3x3 convolutions and image pooling, each followed by batch norm and
    ReLU, concatenated; a 1x1 convolution with batch norm and ReLU of them; dropout.

    Args:
        in_channels: of the backbone's map.
        out_channels: of every branch and of the result.
        rates: dilations of the 3x3 convolutions.
        dropout: share of the features that are dropped in training.
        pooling_window: see :func:`window_means`; None: image pooling is global in evaluation too.

    Example:
        >>> aspp = ASPP(8, 4, (6, 12, 18))
        >>> aspp(torch.zeros(2, 8, 5, 7)).shape
        torch.Size([2, 4, 5, 7])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        rates: Sequence[int],
        *,
        dropout: float = 0.1,
        pooling_window: int | None = None,
    ) -> None:
        super().__init__()
        # Names of the submodules are torchvision's.
        self.convs = nn.ModuleList(
            [
                ConvBlock(in_channels, out_channels, kernel_size=1),
                *(ConvBlock(in_channels, out_channels, dilation=rate) for rate in rates),
                ImagePooling(in_channels, out_channels, pooling_window),
            ]
        )
        self.project = nn.Sequential(
            *ConvBlock(len(self.convs) * out_channels, out_channels, kernel_size=1),
            nn.Dropout(dropout),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """B x in_channels x h x w -> B x out_channels x h x w."""
        return self.project(torch.cat([branch(maps) for branch in self.convs], dim=1))
