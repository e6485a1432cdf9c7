"""ResNets from torchvision as pyramids of feature maps."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import ResNet
from torchvision.models.resnet import Bottleneck

from avalanche_seg.models.state_dicts import read_state_dict

__all__ = ["BACKBONES", "STAGES", "Pyramid", "ResNetPyramid"]

BACKBONES = {"resnet18": (256, 512), "resnet50": (1024, 2048), "resnet101": (1024, 2048)}
"""Known backbones and the channels of their maps at strides 16 and 32."""

STAGES = ("layer1", "layer2", "layer3", "layer4")
"""The stages of a ResNet, at strides 4, 8, 16 and 32; each is a tap."""


class Pyramid(NamedTuple):
    """Maps of a ResNet.

    Attributes:
        stride16: floating point, B x D x ceil(H / 16) x ceil(W / 16).
        stride32: floating point, B x D x ceil(H / 32) x ceil(W / 32).
        taps: stages before their last activation, by name.
    """

    stride16: Tensor
    stride32: Tensor
    taps: Mapping[str, Tensor]


class ResNetPyramid(nn.Module):
    """A torchvision ResNet without its classifier; returns the maps at strides 16 and 32.

    Args:
        name: one of ``BACKBONES``.
        weights: None (random), "imagenet" (torchvision's IMAGENET1K_V1, downloaded once), or the
            path of a state dict of torchvision's model (.pth, .pt or .safetensors).

    Raises:
        ValueError: for an unknown name, or weights that are missing, unreadable or do not fit.

    Example:
        >>> pyramid = ResNetPyramid("resnet18")
        >>> maps = pyramid(torch.zeros(1, 3, 64, 96), taps={"layer1"})
        >>> maps.stride16.shape, maps.stride32.shape
        (torch.Size([1, 256, 4, 6]), torch.Size([1, 512, 2, 3]))
        >>> {name: tap.shape for name, tap in maps.taps.items()}
        {'layer1': torch.Size([1, 64, 16, 24])}
    """

    def __init__(self, name: str = "resnet18", *, weights: str | Path | None = None) -> None:
        super().__init__()
        if name not in BACKBONES:
            raise ValueError(
                f"backbone={name!r} is unknown; expected one of {', '.join(BACKBONES)}"
            )
        resnet = _resnet(name, weights)
        self.stem = nn.Sequential(resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool)
        self.layer1 = resnet.layer1
        self.layer2 = resnet.layer2
        self.layer3 = resnet.layer3
        self.layer4 = resnet.layer4
        self.channels = BACKBONES[name]

    def forward(self, images: Tensor, taps: Collection[str] = ()) -> Pyramid:
        """Compute both maps, and taps on the way.

        Args:
            images: floating point, B x 3 x H x W.
            taps: of :data:`STAGES`, those to return before their last activation.

        Returns:
            the maps at strides 16 and 32, and the taps.
        """
        tapped: dict[str, Tensor] = {}
        maps, levels = self.stem(images), []
        for name in STAGES:
            stage: nn.Sequential = getattr(self, name)
            if name in taps:
                tapped[name] = _before_last_activation(stage, maps)
                maps = torch.relu(tapped[name])
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


def _resnet(name: str, weights: str | Path | None) -> ResNet:
    build = getattr(torchvision.models, name)
    if weights == "imagenet":
        try:
            return build(weights="IMAGENET1K_V1")
        except (OSError, RuntimeError) as error:  # No connection (URLError), or a bad checksum.
            raise ValueError(
                f"the ImageNet weights of {name} could not be downloaded ({error}); connect once, "
                "pass the path of a state dict, or train from scratch with weights=None "
                "(--no_pretrained)"
            ) from error
    resnet = build(weights=None)
    if weights is not None:
        _load(resnet, Path(weights), name)
    return resnet


def _load(resnet: ResNet, path: Path, name: str) -> None:
    if not path.is_file():
        raise ValueError(
            f"weights={str(path)!r} is no file; expected None, 'imagenet', or the path of a state "
            f"dict of torchvision's {name}"
        )
    state = read_state_dict(path)
    state = {key: value for key, value in state.items() if not key.startswith("fc.")}
    wanted = {key for key in resnet.state_dict() if not key.startswith("fc.")}
    # Counters of batch norm: files written by old versions of torch lack them.
    different = sorted(
        key for key in wanted.symmetric_difference(state) if not key.endswith("num_batches_tracked")
    )
    if different:
        raise ValueError(
            f"{path} does not fit {name}: {len(different)} keys differ, the first is "
            f"{different[0]}; expected torchvision's names"
        )
    try:
        resnet.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit {name}: {error}") from error
