import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.losses import FeatureDistillation, feature_distillation
from tests.losses.batches import random_logits


def test_is_the_mean_squared_difference():
    mine, old = random_logits(3, seed=1), random_logits(3, seed=2)
    pairs = list(zip(mine.flatten().tolist(), old.flatten().tolist(), strict=True))
    expected = sum((a - b) ** 2 for a, b in pairs) / len(pairs)
    assert feature_distillation(mine, old).item() == pytest.approx(expected)
    assert FeatureDistillation()(mine, old).item() == pytest.approx(expected)


def test_gradient_reaches_the_student_only():
    mine, old = random_logits(3, seed=1).requires_grad_(), random_logits(3, seed=2).requires_grad_()
    assert gradcheck(lambda z: feature_distillation(z, old.detach()), mine)
    feature_distillation(mine, old).backward()
    assert old.grad is None


def test_shapes_must_be_the_same():
    with pytest.raises(ValueError, match="expected the same shape"):
        feature_distillation(torch.zeros(1, 2, 3, 4), torch.zeros(1, 2, 4, 3))
