"""BiSeNet v1 (Yu et al., ECCV 2018), in the variant behind SMiB's published numbers."""

from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from avalanche_seg.kernels import convolve_resized, resize_logits
from avalanche_seg.models.backbones import STAGES, Pyramid, ResNetPyramid
from avalanche_seg.models.channels import BackgroundChannel
from avalanche_seg.models.conv_block import ConvBlock
from avalanche_seg.models.output import DenseFeatures
from avalanche_seg.models.segmentation_model import SegmentationModel
from avalanche_seg.system import check_whole

__all__ = ["BiSeNet"]

_SPATIAL_CHANNELS = 256
_FUSED_CHANNELS = 128


class BiSeNet(SegmentationModel):
    """Bilateral segmentation network, logits at stride 8.

    Outside the backbone, convolutions start from Kaiming's initialisation (fan-in, ReLU); the
    classifiers, which come step by step, from torch's default, as in MiB's code.

    At 21 classes and 512 x 512: resnet18 13.1 M parameters and 13.9 GMAC, resnet50 33.1 M and 27.1
    GMAC. Context maps are resized behind the fusing convolution's weights, not before, which is the
    same up to rounding; the other way around it is 16.9 and 39.6 GMAC.

    Args:
        backbone: "resnet18", "resnet50" or "resnet101".
        weights: of the backbone: None (random), "imagenet", or the path of a state dict.
        head: as in :class:`~avalanche_seg.models.SegmentationModel`.
        n_extra: as in :class:`~avalanche_seg.models.SegmentationModel`.
        background: as in :class:`~avalanche_seg.models.SegmentationModel`.
        taps: "head" (the fused map, 128 channels at stride 8), "layer1" .. "layer4" (the ResNet's
            stages before their last activation).
        in_channels: of the images; the backbone's weights are made to fit.
        mean: as in :class:`~avalanche_seg.models.SegmentationModel`.
        std: as in :class:`~avalanche_seg.models.SegmentationModel`.
        value_range: as in :class:`~avalanche_seg.models.SegmentationModel`.
        classes_per_step: as in :class:`~avalanche_seg.models.SegmentationModel`.

    Raises:
        ValueError: for an unknown backbone, weights that cannot be used, or an unknown option.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> model = BiSeNet("resnet18", classes_per_step=(3, 2))
        >>> model.predict(torch.zeros(1, 3, 50, 70, dtype=torch.uint8)).shape
        torch.Size([1, 50, 70])
        >>> model.n_classes
        5
    """

    def __init__(
        self,
        backbone: str = "resnet18",
        *,
        weights: str | Path | None = None,
        head: str = "1x1",
        n_extra: int = 0,
        background: BackgroundChannel = "shared",
        taps: Collection[str] = ("head",),
        in_channels: int = 3,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        value_range: Sequence[float] | None = None,
        classes_per_step: Sequence[int] | None = None,
    ) -> None:
        check_whole("in_channels", in_channels, least=1)
        context = ContextPath(ResNetPyramid(backbone, weights=weights, in_channels=in_channels))
        super().__init__(
            BilateralNetwork(context, in_channels),
            _FUSED_CHANNELS,
            context.channels,
            body="network.context.backbone",
            head=head,
            n_extra=n_extra,
            background=background,
            taps=taps,
            in_channels=in_channels,
            mean=mean,
            std=std,
            value_range=value_range,
            classes_per_step=classes_per_step,
        )
        self.config = {"backbone": backbone, **self.config}

    @property
    def backbone(self) -> str:
        """Name of the ResNet."""
        return self.config["backbone"]


class SpatialPath(nn.Sequential):
    """Three strided convolutions: wide and shallow, stride 8."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(
            ConvBlock(in_channels, 64, stride=2),
            ConvBlock(64, 128, stride=2),
            ConvBlock(128, _SPATIAL_CHANNELS, stride=2),
        )


class AttentionRefinement(nn.Module):
    """Weighs every channel by a gate computed from its global average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Gate a map, B x D x h x w; the shape stays.

        Raises:
            ValueError: in training on a single image, whose averages batch norm cannot normalise.
        """
        if self.norm.training and features.shape[0] == 1:
            raise ValueError(
                "BiSeNet got a training batch of one image; expected two or more, because its "
                "attention normalises image averages over the batch: raise train_mb_size"
            )
        average = features.mean(dim=(2, 3), keepdim=True)
        return features * torch.sigmoid(self.norm(self.conv(average)))


class ContextPath(nn.Module):
    """Refined maps at strides 16 and 32; the latter is multiplied by its global average."""

    def __init__(self, backbone: ResNetPyramid) -> None:
        super().__init__()
        self.backbone = backbone
        self.channels = backbone.channels
        self.refine16 = AttentionRefinement(backbone.channels[0])
        self.refine32 = AttentionRefinement(backbone.channels[1])

    def forward(self, images: Tensor, taps: Collection[str] = ()) -> Pyramid:
        """Images, B x C x H x W -> refined maps at strides 16 and 32, and the backbone's taps."""
        stride16, stride32, tapped = self.backbone(images, taps)
        tail = stride32.mean(dim=(2, 3), keepdim=True)
        return Pyramid(self.refine16(stride16), self.refine32(stride32) * tail, tapped)


class FeatureFusion(nn.Module):
    """Convolves both paths, then adds a channel-weighted copy."""

    def __init__(self, channels: Sequence[int], out_channels: int) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.fuse = ConvBlock(sum(channels), out_channels)
        self.squeeze = nn.Conv2d(out_channels, out_channels, kernel_size=1)
        self.excite = nn.Conv2d(out_channels, out_channels, kernel_size=1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps of the channels, the first B x D x h x w -> B x out_channels x h x w.

        The convolution is that of all maps at the first one's size, concatenated; the others are
        not resized for it (:func:`avalanche_seg.kernels.convolve_resized`).
        """
        convolution, norm, activation = self.fuse
        weight = convolution.weight
        assert isinstance(weight, Tensor)
        of_maps = weight.split(self.channels, dim=1)
        size = (maps[0].shape[-2], maps[0].shape[-1])
        parts = [convolve_resized(*pair, size) for pair in zip(maps, of_maps, strict=True)]
        fused = activation(norm(sum(parts[1:], parts[0])))
        average = fused.mean(dim=(2, 3), keepdim=True)
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(average))))
        return fused * gate + fused


class BilateralNetwork(nn.Module):
    """Spatial and context path, fused at stride 8."""

    tap_names = STAGES

    def __init__(self, context: ContextPath, in_channels: int = 3) -> None:
        super().__init__()
        self.context = context
        self.spatial = SpatialPath(in_channels)
        self.fusion = FeatureFusion((_SPATIAL_CHANNELS, *context.channels), _FUSED_CHANNELS)
        for module in (self.spatial, self.fusion, context.refine16, context.refine32):
            module.apply(_kaiming)

    def forward(self, images: Tensor, taps: Collection[str] = ()) -> DenseFeatures:
        """Compute the fused map, both context maps at stride 8 for the auxiliary heads, taps."""
        spatial = self.spatial(images)
        stride16, stride32, tapped = self.context(images, taps)
        main = self.fusion([spatial, stride16, stride32])
        size = (spatial.shape[-2], spatial.shape[-1])
        context = (resize_logits(stride16, size), resize_logits(stride32, size))
        return DenseFeatures(main, context, tapped)


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
