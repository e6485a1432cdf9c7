"""Networks small enough to compute by hand."""

import torch
from torch import nn

from avalanche_seg.models import DenseFeatures, SegmentationModel


class TinyNetwork(nn.Module):
    """One strided convolution with batch norm; its input to the norm is the auxiliary map."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=4, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, images):
        features = self.conv(images)
        return DenseFeatures(torch.relu(self.norm(features)), (features,))


def tiny_model(*steps, aux=True, seed=0):
    """A model with ``steps`` channels a step, in training mode."""
    torch.manual_seed(seed)
    model = SegmentationModel(TinyNetwork(), 4, (4,) if aux else ())
    for n_new in steps:
        model.grow(n_new)
    return model


def random_images(*size, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3, *size, generator=generator)
