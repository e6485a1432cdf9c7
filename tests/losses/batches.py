"""Random logits and label maps, seeded."""

import torch

VOID = 255


def random_logits(n_channels, size=(3, 4), *, seed=0, scale=3.0, batch=2):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, n_channels, *size)
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def random_labels(n_channels, size=(3, 4), *, seed=0, void=0.3, batch=2):
    """Every label 0..n_channels-1, and a share of void pixels."""
    generator = torch.Generator().manual_seed(1000 + seed)
    labels = torch.randint(n_channels, (batch, *size), generator=generator)
    hidden = torch.rand((batch, *size), generator=generator) < void
    return labels.masked_fill(hidden, VOID)
