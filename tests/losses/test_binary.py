import math

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.losses import BinaryCrossEntropy, binary_cross_entropy
from tests.losses import references
from tests.losses.batches import VOID, random_labels, random_logits

REDUCTIONS = ["mean", "mean_all", "sum", "none"]
each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def naive(logits, target, reduction):
    labels = target.tolist()
    losses = references.label_loss_map(logits.tolist(), labels, references.binary_cross_entropy)
    valid = (target != VOID).flatten().tolist()
    value = torch.tensor(references.reduced(losses, reduction, valid), dtype=torch.float64)
    return value.view_as(target) if reduction == "none" else value


def test_by_hand():
    logits = torch.tensor([0.0, math.log(3.0)]).view(1, 2, 1, 1)  # sigmoids 1/2 and 3/4
    loss = binary_cross_entropy(logits, torch.tensor([[[1]]]))
    assert loss.item() == pytest.approx(-math.log(1 / 2) - math.log(3 / 4))


@each_reduction
@pytest.mark.parametrize("n_channels", [1, 2, 6])
@pytest.mark.parametrize("size", [(3, 4), (5, 7)])
@pytest.mark.parametrize("void", [0.0, 0.4, 1.0])
def test_agrees_with_the_naive_reference(reduction, n_channels, size, void):
    logits = random_logits(n_channels, (3, 4))
    target = random_labels(n_channels, size, void=void)
    expected = naive(logits, target, reduction)
    torch.testing.assert_close(binary_cross_entropy(logits, target, reduction=reduction), expected)
    torch.testing.assert_close(BinaryCrossEntropy(reduction=reduction)(logits, target), expected)


@each_reduction
def test_gradient_is_zero_at_void(reduction):
    logits, target = random_logits(3).requires_grad_(), random_labels(3)
    assert gradcheck(lambda z: binary_cross_entropy(z, target, reduction=reduction), logits)
    binary_cross_entropy(logits, target, reduction=reduction).sum().backward()
    void = (target == VOID).unsqueeze(1).expand_as(logits)
    assert void.any() and not logits.grad[void].any()


def test_extreme_logits_stay_finite():
    logits = (80 * torch.sign(random_logits(4, (8, 8)))).float()
    target = random_labels(4, (8, 8))
    loss = binary_cross_entropy(logits, target)
    assert loss.item() == pytest.approx(naive(logits.double(), target, "mean_all").item(), rel=1e-5)


def test_bad_input():
    with pytest.raises(ValueError, match="B x C x h x w"):
        binary_cross_entropy(torch.zeros(2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long))
    with pytest.raises(ValueError, match="mean, mean_all, sum, none"):
        BinaryCrossEntropy(reduction="median")
