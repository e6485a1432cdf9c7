"""More than 255 channels: 255 is a class, and 65535 what losses ignore unless told otherwise."""

import pytest
import torch

from avalanche_seg.losses import (
    AnnotatedCrossEntropy,
    BinaryCrossEntropy,
    CrossEntropy,
    UnbiasedCrossEntropy,
    annotated_cross_entropy,
    mib_loss,
)

C = 300
LOSSES = [CrossEntropy, BinaryCrossEntropy, lambda **o: UnbiasedCrossEntropy(n_old=200, **o)]


def logits_and_target() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.tensor([[[255, 299, 65535, 0]]])
    return torch.randn(1, C, 1, 4, generator=generator), target


@pytest.mark.parametrize("loss", LOSSES)
def test_only_void_is_ignored(loss):
    logits, target = logits_and_target()
    pixels = loss(reduction="none")(logits, target).flatten()
    of_others = loss(reduction="none", ignore_index=-1)(
        logits[..., [0, 1, 3]], target[..., [0, 1, 3]]
    )
    torch.testing.assert_close(pixels[[0, 1, 3]], of_others.flatten())
    assert pixels[2] == 0 and (pixels[[0, 1, 3]] > 0).all()
    mean = loss(reduction="mean")(logits, target)
    torch.testing.assert_close(mean, pixels.sum() / 3)


def test_the_same_in_evaluation_and_distillation_and_with_annotated_channels():
    logits, target = logits_and_target()
    pixels = CrossEntropy(reduction="none")(logits, target)
    loss, _ = CrossEntropy(reduction="none").with_labels(logits, target)
    torch.testing.assert_close(loss, pixels)
    unbiased = UnbiasedCrossEntropy(n_old=200, reduction="none")(logits, target)
    ce, _ = mib_loss(logits, target, logits[:, :200], n_old=200, reduction="none")
    torch.testing.assert_close(ce, unbiased)
    annotated = torch.ones(1, C, dtype=torch.bool)
    found = annotated_cross_entropy(logits, target, annotated, reduction="none")
    torch.testing.assert_close(found, pixels)
    assert AnnotatedCrossEntropy().ignore_index == 255
