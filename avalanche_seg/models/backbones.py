"""ResNets from torchvision as pyramids of feature maps."""

from pathlib import Path

import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import ResNet

__all__ = ["BACKBONES", "ResNetPyramid"]

BACKBONES = {"resnet18": (256, 512), "resnet50": (1024, 2048), "resnet101": (1024, 2048)}
"""Known backbones and the channels of their maps at strides 16 and 32."""


class ResNetPyramid(nn.Module):
    """A torchvision ResNet without its classifier; returns the maps at strides 16 and 32.

    Args:
        name: one of ``BACKBONES``.
        weights: None (random), "imagenet" (torchvision's IMAGENET1K_V1, downloaded once), or the
            path of a state dict of torchvision's model (.pth, .pt or .safetensors).

    Raises:
        ValueError: for an unknown name, or weights that are missing, unreadable or do not fit.
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

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute both maps.

        Args:
            images: floating point, B x 3 x H x W.

        Returns:
            maps of ceil(H / 16) x ceil(W / 16) and ceil(H / 32) x ceil(W / 32) pixels.
        """
        stride8 = self.layer2(self.layer1(self.stem(images)))
        stride16 = self.layer3(stride8)
        return stride16, self.layer4(stride16)


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
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Each loader has its own exceptions for a damaged file.
        raise ValueError(
            f"{path} cannot be read as a state dict ({type(error).__name__}); expected a .pth, .pt "
            "or .safetensors file of tensors by name"
        ) from error
    if not (isinstance(state, dict) and all(isinstance(key, str) for key in state)):
        raise ValueError(
            f"{path} holds a {type(state).__name__}; expected a state dict, tensors by name"
        )
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
