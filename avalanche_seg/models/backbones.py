"""ResNets from torchvision as pyramids of feature maps."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torchvision
from torch import Tensor, nn
from torchvision.models import ResNet
from torchvision.models.resnet import Bottleneck

from avalanche_seg.models.first_convolution import first_convolution, state_for_channels
from avalanche_seg.models.weights import fit_weights, read_weights, renamed

__all__ = ["BACKBONES", "STAGES", "STEM", "Pyramid", "ResNetPyramid"]

BACKBONES = {"resnet18": (256, 512), "resnet50": (1024, 2048), "resnet101": (1024, 2048)}
"""Known backbones and the channels of their stages layer3 and layer4."""

STAGES = ("layer1", "layer2", "layer3", "layer4")
"""The stages of a ResNet, at strides 4, 8, 16 and 32 unless it is dilated; each is a tap."""

STEM = {"stem.0.": "conv1.", "stem.1.": "bn1."}
"""The stem's layers and torchvision's names of them; the stages are called the same."""

# Dilation of the stages that keep their input's stride: of their first block, of the others. The
# first block still has the dilation of the stage before, as in torchvision.
_DILATED: dict[int, dict[str, tuple[int, int]]] = {
    32: {},
    16: {"layer4": (1, 2)},
    8: {"layer3": (1, 2), "layer4": (2, 4)},
}


class Pyramid(NamedTuple):
    """Maps of a ResNet.

    Attributes:
        layer3: floating point, B x D x ceil(H / s) x ceil(W / s), its stride s 16, or 8.
        layer4: floating point, the same at the output stride, 32, 16 or 8.
        taps: stages before their last activation, by name.
    """

    layer3: Tensor
    layer4: Tensor
    taps: Mapping[str, Tensor]


class ResNetPyramid(nn.Module):
    """A torchvision ResNet without its classifier; returns the maps of its last two stages.

    Args:
        name: one of ``BACKBONES``.
        weights: None (random), "imagenet" (torchvision's IMAGENET1K_V1, downloaded once), or the
            path of a state dict of torchvision's model (.pth, .pt or .safetensors).
        output_stride: 32, or 16 or 8: the last one or two stages then have dilated convolutions in
            place of their stride, as torchvision's ``replace_stride_with_dilation`` (of a resnet18,
            which torchvision does not dilate, all 3x3 convolutions of these stages).
        in_channels: of the images; weights of colour images are made to fit, see
            :mod:`avalanche_seg.models.first_convolution`.

    Raises:
        ValueError: for an unknown name or stride, or weights that are missing, unreadable or do
            not fit.

    Example:
        >>> import torch
        >>> pyramid = ResNetPyramid("resnet18")
        >>> maps = pyramid(torch.zeros(1, 3, 64, 96), taps={"layer1"})
        >>> maps.layer3.shape, maps.layer4.shape
        (torch.Size([1, 256, 4, 6]), torch.Size([1, 512, 2, 3]))
        >>> {name: tap.shape for name, tap in maps.taps.items()}
        {'layer1': torch.Size([1, 64, 16, 24])}
    """

    def __init__(
        self,
        name: str = "resnet18",
        *,
        weights: str | Path | None = None,
        output_stride: int = 32,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        if name not in BACKBONES:
            raise ValueError(
                f"backbone={name!r} is unknown; expected one of {', '.join(BACKBONES)}"
            )
        if output_stride not in tuple(_DILATED):
            raise ValueError(f"output_stride={output_stride!r}; expected 32, 16 or 8")
        resnet = _resnet(name, pretrained=weights == "imagenet")
        for stage, dilation in _DILATED[output_stride].items():
            _dilate(getattr(resnet, stage), *dilation)
        conv = first_convolution(resnet.conv1, in_channels, pretrained=weights == "imagenet")
        self.stem = nn.Sequential(conv, resnet.bn1, resnet.relu, resnet.maxpool)
        self.layer1 = resnet.layer1
        self.layer2 = resnet.layer2
        self.layer3 = resnet.layer3
        self.layer4 = resnet.layer4
        self.name = name
        self.in_channels = in_channels
        self.channels = BACKBONES[name]
        if weights not in (None, "imagenet"):
            self.load(read_weights(weights, f"a state dict of torchvision's {name}"), weights)

    def load(self, state: Mapping[str, Tensor], path: str | Path) -> None:
        """Take the weights of torchvision's ResNet; those of its classifier are left out.

        Args:
            state: tensors by torchvision's names.
            path: where they were read, for the messages.

        Raises:
            ValueError: when they do not fit.
        """
        state = {key: value for key, value in state.items() if not key.startswith("fc.")}
        state = state_for_channels(state, "conv1.weight", self.in_channels)
        fit_weights(renamed(self.state_dict(), STEM), state, path=path, name=self.name)

    def forward(self, images: Tensor, taps: Collection[str] = ()) -> Pyramid:
        """Compute the maps of the last two stages, and taps on the way.

        Args:
            images: floating point, B x in_channels x H x W.
            taps: of :data:`STAGES`, those to return before their last activation.

        Returns:
            the maps of layer3 and layer4, and the taps.
        """
        tapped: dict[str, Tensor] = {}
        maps, levels = self.stem(images), []
        for name in STAGES:
            stage: nn.Sequential = getattr(self, name)
            if name in taps:
                tapped[name] = _before_last_activation(stage, maps)
                last: Any = stage[-1]
                maps = last.relu(tapped[name].clone())  # It works in place.
            else:
                maps = stage(maps)
            levels.append(maps)
        return Pyramid(levels[2], levels[3], tapped)


def _before_last_activation(stage: nn.Sequential, maps: Tensor) -> Tensor:
    """A stage's output up to its last block's sum of branch and shortcut.

    The block's own forward overwrites this sum: its activation works in place.
    """
    for block in stage[:-1]:
        maps = block(maps)
    last: Any = stage[-1]
    branch = last.bn2(last.conv2(last.relu(last.bn1(last.conv1(maps)))))
    if isinstance(last, Bottleneck):
        branch = last.bn3(last.conv3(last.relu(branch)))
    return branch + (maps if last.downsample is None else last.downsample(maps))


def _dilate(stage: nn.Sequential, first: int, others: int) -> None:
    """Replace a stage's stride by dilation."""
    for number, block in enumerate(stage):
        dilation = (others if number else first,) * 2
        for conv in block.modules():
            if isinstance(conv, nn.Conv2d):
                conv.stride = (1, 1)
                if conv.kernel_size == (3, 3):
                    conv.dilation = conv.padding = dilation


def _resnet(name: str, *, pretrained: bool) -> ResNet:
    build = getattr(torchvision.models, name)
    if not pretrained:
        return build(weights=None)
    try:
        return build(weights="IMAGENET1K_V1")
    except (OSError, RuntimeError) as error:  # No connection (URLError), or a bad checksum.
        raise ValueError(
            f"the ImageNet weights of {name} could not be downloaded ({error}); connect once, "
            "pass the path of a state dict, or train from scratch with weights=None "
            "(--no_pretrained)"
        ) from error
