"""Networks small enough to compute by hand."""

import torch
from torch import nn

from avalanche_seg.models import DenseFeatures, IncrementalHead, SegmentationModel


class TinyNetwork(nn.Module):
    """One strided convolution with batch norm; its input to the norm is the auxiliary map."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=4, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, images):
        features = self.conv(images)
        return DenseFeatures(torch.relu(self.norm(features)), (features,))


def tiny_model(*steps, aux=True, seed=0, kind=SegmentationModel, **options):
    """A model of ``steps``, in training mode."""
    torch.manual_seed(seed)
    model = kind(TinyNetwork(), 4, (4,) if aux else (), **options)
    for n_new in steps:
        model.grow(n_new)
    return model


def random_images(*size, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3, *size, generator=generator)


def head_of(*steps, in_channels=4, init_new=None, **options):
    torch.manual_seed(0)
    head = IncrementalHead(in_channels, **options)
    head.init_new = init_new
    for n_new in steps:
        head.grow(n_new)
    return head


def feature_maps(batch=2, in_channels=4, size=(3, 5), dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, in_channels, *size, generator=generator, dtype=dtype)
