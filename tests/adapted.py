"""Networks of other libraries and plain ones, small enough to train in a test."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import resnet18
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.segmentation.deeplabv3 import DeepLabHead, DeepLabV3
from torchvision.models.segmentation.fcn import FCN, FCNHead

from avalanche_seg.models import AdaptedModel, as_incremental, create_model

_SMP = {"encoder_depth": 3, "classes": 4}
_SEGFORMER = {
    "hidden_sizes": [8, 16, 24, 32],
    "num_attention_heads": [1, 1, 1, 1],
    "depths": [1, 1, 1, 1],
    "decoder_hidden_size": 16,
}
BY_NAME: dict[str, dict[str, Any]] = {
    "torchvision:lraspp_mobilenet_v3_large": {"num_classes": 4},
    "smp:Unet/resnet18": {**_SMP, "decoder_channels": [16, 12, 8]},
    "smp:FPN/resnet18": {**_SMP, "decoder_pyramid_channels": 16},
    "smp:DeepLabV3Plus/resnet18": {**_SMP, "decoder_channels": 16},
    "smp:Segformer/mit_b0": {"classes": 4, "decoder_segmentation_channels": 16},
    "timm:resnet10t": {"out_indices": [2]},
    "hf:segformer": _SEGFORMER,
}


class Plain(nn.Module):
    """Two convolutions with norms, a classifier, a resize: returns logits, a dict, or with aux."""

    def __init__(self, returns: str = "logits", kernel: int = 1) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ReLU()
        )
        self.second = nn.Sequential(
            nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        )
        self.classifier = nn.Conv2d(8, 4, kernel, padding=kernel // 2)
        self.aux = nn.Conv2d(6, 4, 1)
        self.returns = returns

    def forward(self, images: Tensor) -> Any:
        first = self.first(images)
        logits = self.classifier(self.second(first))
        size = images.shape[-2:]
        logits = nn.functional.interpolate(logits, size, mode="bilinear", align_corners=False)
        if self.returns == "logits":
            return logits
        if self.returns == "dict":
            return {"out": logits}
        return {"out": logits, "aux": self.aux(first)}


def short_resnet() -> nn.Module:
    """The first stages of torchvision's ResNet-18."""
    return IntermediateLayerGetter(resnet18(), {"layer2": "out"})


FOREIGN: dict[str, tuple[Callable[[], nn.Module], dict[str, Any]]] = {
    "torchvision's deeplabv3": (
        lambda: DeepLabV3(short_resnet(), DeepLabHead(128, 4, [2, 4])),
        {"body": "backbone"},
    ),
    "torchvision's fcn": (lambda: FCN(short_resnet(), FCNHead(128, 4)), {}),
    "logits": (Plain, {}),
    "dict": (lambda: Plain("dict", kernel=3), {}),
    "aux": (lambda: Plain("aux"), {"aux": ["aux"]}),
}
NETWORKS = [*BY_NAME, *FOREIGN]


def adapted(name: str, seed: int = 0) -> AdaptedModel:
    torch.manual_seed(seed)
    if name in FOREIGN:
        make, options = FOREIGN[name]
        return as_incremental(make(), **options)
    model = create_model(name, **BY_NAME[name])
    assert isinstance(model, AdaptedModel)
    return model
