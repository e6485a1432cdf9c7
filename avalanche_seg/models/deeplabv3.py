"""DeepLabV3 (Chen et al., 2017), torchvision's form of it and the one of MiB's line of work."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal, get_args

from torch import Tensor, nn

from avalanche_seg.models.aspp import ASPP
from avalanche_seg.models.backbones import STAGES, STEM, ResNetPyramid
from avalanche_seg.models.channels import BackgroundChannel
from avalanche_seg.models.conv_block import ConvBlock
from avalanche_seg.models.first_convolution import state_for_channels
from avalanche_seg.models.output import DenseFeatures
from avalanche_seg.models.segmentation_model import SegmentationModel
from avalanche_seg.models.weights import fit_weights, read_weights, renamed
from avalanche_seg.system import check_flags, check_number, check_whole

__all__ = ["DeepLabV3"]

Activation = Literal["relu", "leaky_relu"]

_CHANNELS = 256
_RATES = {16: (6, 12, 18), 8: (12, 24, 36)}
_SLOPE = 0.01
# Our layers and torchvision's names of them.
_NAMES = {
    **{f"backbone.{ours}": f"backbone.{theirs}" for ours, theirs in STEM.items()},
    "aspp.": "classifier.0.",
    "last_conv.0.": "classifier.1.",
    "last_conv.1.": "classifier.2.",
    "auxiliary.": "aux_classifier.",
}


class DeepLabV3(SegmentationModel):
    """Dilated ResNet under atrous spatial pyramid pooling, logits at stride 16 or 8.

    With the same weights it computes what torchvision's ``deeplabv3_resnet50`` and ``_resnet101``
    do (``output_stride=8``) and starts from the same initialisation. MiB's networks (Cermelli et
    al., CVPR 2020) are ``activation="leaky_relu", last_conv=False, dropout=0.0`` at stride 16, with
    ``pooling_window`` crop / 16; theirs dilate the first block of layer4, too, and start the
    pyramid from Xavier's initialisation.

    At 21 classes and 512 x 512: resnet50 39.6 M parameters and 48.4 GMAC, 163.6 at stride 8;
    resnet101 58.6 M, 67.8 and 241.2.

    Args:
        backbone: "resnet50", "resnet101" or, a small one for tries, "resnet18".
        output_stride: 16, with dilations 6, 12 and 18, or 8, with 12, 24 and 36.
        weights: None (random), "imagenet" (of the backbone), or the path of a state dict of
            torchvision's: a ResNet's, or a DeepLabV3's, whose final classifiers are left out.
        aux: add torchvision's auxiliary head on layer3. Losses count its output like the main one,
            where torchvision's training halves it.
        activation: "relu", or "leaky_relu" (slope 0.01), in the whole network.
        norm_momentum: of the batch norms' statistics, the share of the newest batch.
        pooling_window: in evaluation pool over a window of so many pixels of the map around every
            pixel, see :func:`~avalanche_seg.models.aspp.window_means`; None: over the image.
        dropout: share of the features that are dropped behind the pyramid; torchvision's networks
            have 0.5. Under the auxiliary classifiers it is 0.1, as there.
        last_conv: a 3x3 convolution with batch norm and activation under the classifiers, as in
            torchvision.
        kaiming: convolutions above the backbone start from Kaiming's normal initialisation (fan-in,
            ReLU), as in SSUL and DKD.
        head: as in :class:`~avalanche_seg.models.SegmentationModel`.
        n_extra: as in :class:`~avalanche_seg.models.SegmentationModel`.
        background: as in :class:`~avalanche_seg.models.SegmentationModel`.
        taps: "head" (the map under the classifiers, 256 channels), "layer1" .. "layer4" (the
            ResNet's stages before their last activation).
        in_channels: of the images; the weights are made to fit.
        mean: as in :class:`~avalanche_seg.models.SegmentationModel`.
        std: as in :class:`~avalanche_seg.models.SegmentationModel`.
        value_range: as in :class:`~avalanche_seg.models.SegmentationModel`.
        classes_per_step: as in :class:`~avalanche_seg.models.SegmentationModel`.

    Raises:
        ValueError: for an unknown backbone or option, or weights that are missing, unreadable or of
            another network, with the first tensor that differs and how many do.

    Example:
        >>> import torch
        >>> _ = torch.manual_seed(0)
        >>> model = DeepLabV3("resnet18", classes_per_step=(3, 2))
        >>> model.predict(torch.zeros(1, 3, 50, 70, dtype=torch.uint8)).shape
        torch.Size([1, 50, 70])
        >>> model(torch.zeros(2, 3, 50, 70)).logits.shape
        torch.Size([2, 5, 4, 5])
    """

    def __init__(
        self,
        backbone: str = "resnet50",
        *,
        output_stride: int = 16,
        weights: str | Path | None = None,
        aux: bool = False,
        activation: Activation = "relu",
        norm_momentum: float = 0.1,
        pooling_window: int | None = None,
        dropout: float = 0.1,
        last_conv: bool = True,
        kaiming: bool = False,
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
        check_flags(aux=aux, last_conv=last_conv, kaiming=kaiming)
        if output_stride not in tuple(_RATES):
            raise ValueError(f"output_stride={output_stride!r}; expected 16 or 8")
        if activation not in get_args(Activation):
            known = ", ".join(get_args(Activation))
            raise ValueError(f"activation={activation!r} is unknown; expected one of {known}")
        check_whole("in_channels", in_channels, least=1)
        check_number("norm_momentum", norm_momentum, most=1)
        check_number("dropout", dropout, most=1)
        if pooling_window is not None:
            check_whole("pooling_window", pooling_window, least=1)
        pretrained = weights if weights == "imagenet" else None
        network = AtrousNetwork(
            ResNetPyramid(
                backbone,
                weights=pretrained,
                output_stride=output_stride,
                in_channels=in_channels,
            ),
            _RATES[output_stride],
            aux=aux,
            dropout=dropout,
            pooling_window=pooling_window,
            last_conv=last_conv,
        )
        if kaiming:
            network.start_from_kaiming()
        if weights is not None and pretrained is None:
            network.load(weights)
        if activation == "leaky_relu":
            _make_leaky(network)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = norm_momentum
        super().__init__(
            network,
            _CHANNELS,
            network.aux_channels,
            body="network.backbone",
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
        self.config = {
            "backbone": backbone,
            "output_stride": output_stride,
            "aux": aux,
            "activation": activation,
            "norm_momentum": norm_momentum,
            "pooling_window": pooling_window,
            "dropout": dropout,
            "last_conv": last_conv,
            **self.config,
        }
        if kaiming:
            self.config["kaiming"] = True


class AtrousNetwork(nn.Module):
    """Dilated ResNet, pyramid pooling and, in torchvision's form, a last convolution."""

    tap_names = STAGES

    def __init__(
        self,
        backbone: ResNetPyramid,
        rates: Sequence[int],
        *,
        aux: bool,
        dropout: float,
        pooling_window: int | None,
        last_conv: bool,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        at_layer3, at_layer4 = backbone.channels
        self.aspp = ASPP(
            at_layer4, _CHANNELS, rates, dropout=dropout, pooling_window=pooling_window
        )
        self.last_conv = ConvBlock(_CHANNELS, _CHANNELS) if last_conv else nn.Identity()
        self.auxiliary: nn.Module | None = None
        self.aux_channels: tuple[int, ...] = ()
        if aux:
            width = at_layer3 // 4
            self.auxiliary = nn.Sequential(*ConvBlock(at_layer3, width), nn.Dropout(0.1))
            self.aux_channels = (width,)

    def start_from_kaiming(self) -> None:
        """Initialise what is not the backbone."""
        of_backbone = set(self.backbone.modules())
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module not in of_backbone:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def load(self, path: str | Path) -> None:
        """Take the weights of torchvision's ResNet or DeepLabV3 from a file."""
        name = self.backbone.name
        expected = f"a state dict of torchvision's {name} or deeplabv3_{name}"
        state = read_weights(path, expected)
        if not any(key.startswith("backbone.") for key in state):
            self.backbone.load(state, path)
            return
        # The final classifiers are of other classes: ours grow step by step.
        left_out = [
            "classifier.4.",
            "aux_classifier." if self.auxiliary is None else "aux_classifier.4.",
        ]
        state = {key: value for key, value in state.items() if not key.startswith(tuple(left_out))}
        state = state_for_channels(state, "backbone.conv1.weight", self.backbone.in_channels)
        wanted = renamed(self.state_dict(), _NAMES)
        fit_weights(wanted, state, path=path, name=f"deeplabv3_{name}")

    def forward(self, images: Tensor, taps: Collection[str] = ()) -> DenseFeatures:
        """Compute the map under the classifiers, that of the auxiliary ones, and taps."""
        layer3, layer4, tapped = self.backbone(images, taps)
        main = self.last_conv(self.aspp(layer4))
        # In evaluation, too: the network may be held in that mode while the heads train.
        aux = () if self.auxiliary is None else (self.auxiliary(layer3),)
        return DenseFeatures(main, aux, tapped)


def _make_leaky(network: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.LeakyReLU(_SLOPE, inplace=True))
