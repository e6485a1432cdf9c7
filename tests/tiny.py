"""A network and a benchmark small enough to train in a test."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avalanche_seg.benchmarks import SegmentationScenario, VOCIncremental, eval_preset
from avalanche_seg.datasets import make_synthetic_voc
from avalanche_seg.models import DenseFeatures, SegmentationModel

CROP = 32


class TinyNetwork(nn.Module):
    """Two strided convolutions without batch norm; one auxiliary map."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.second = nn.Conv2d(6, 8, 3, stride=2, padding=1)

    def forward(self, images: Tensor) -> DenseFeatures:
        first = torch.relu(self.first(images))
        return DenseFeatures(torch.relu(self.second(first)), (first,))


def tiny_model(seed: int = 0, **options: Any) -> SegmentationModel:
    torch.manual_seed(seed)
    return SegmentationModel(TinyNetwork(), 8, (6,), **options)


def tiny_benchmark(root: Path, **options: Any) -> SegmentationScenario:
    """The made-up VOC at its smallest; images are resized, never cropped at random."""
    devkit = make_synthetic_voc(root / "voc", n_train=20, n_val=20, size=(48, 64))
    arguments: dict[str, Any] = {
        "task": "15-5",
        "setting": "overlapped",
        "train_transform": eval_preset(CROP),
        "eval_transform": eval_preset(CROP),
        "progress": False,
    }
    return VOCIncremental(devkit, **(arguments | options))
