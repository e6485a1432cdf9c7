"""float32 at sizes of many tiles, against plain torch in float64 at full size."""

import pytest
import torch

from avalanche_seg import losses
from tests.losses import full_size
from tests.losses.batches import random_labels, random_logits

N_OLD = {21: 16, 151: 101}
SOURCE, SIZE = (9, 13), (70, 101)


def problem(n_channels, scale):
    logits = random_logits(n_channels, SOURCE, seed=1, scale=scale)
    teacher = random_logits(N_OLD[n_channels], (5, 7), seed=2, scale=scale)
    return logits, random_labels(n_channels, SIZE, seed=3), teacher


def ours(z, y, t):
    ce, kd = losses.mib_loss(z, y, t, n_old=t.shape[1])
    return {
        "CE": losses.cross_entropy(z, y),
        "UNCE": losses.unbiased_cross_entropy(z, y, n_old=t.shape[1]),
        "KD": losses.distillation(z, t, size=SIZE),
        "UNKD": losses.unbiased_distillation(z, t, size=SIZE),
        "BCE": losses.binary_cross_entropy(z, y),
        "iCaRL": losses.icarl_distillation(z, t, size=SIZE),
        "MiB, ce": ce,
        "MiB, kd": kd,
    }


def plain(z, y, t):
    ce = full_size.unbiased_cross_entropy(z, y, t.shape[1])
    kd = full_size.unbiased_distillation(z, t, SIZE)
    return {
        "CE": full_size.cross_entropy(z, y),
        "UNCE": ce,
        "KD": full_size.distillation(z, t, SIZE),
        "UNKD": kd,
        "BCE": full_size.binary_cross_entropy(z, y),
        "iCaRL": full_size.icarl_distillation(z, t, SIZE),
        "MiB, ce": ce,
        "MiB, kd": kd,
    }


# 3: trained logits; 12 reaches past 40, where every group of channels has a maximum of its own.
@pytest.mark.parametrize("n_channels", [21, 151])
@pytest.mark.parametrize("scale", [3.0, 12.0, 80.0])
def test_float32_within_1e_5_of_float64(n_channels, scale):
    exact, labels, teacher = problem(n_channels, scale)
    exact.requires_grad_()
    single = exact.detach().float().requires_grad_()
    expected = plain(exact, labels, teacher)
    for name, loss in ours(single, labels, teacher.float()).items():
        assert loss.item() == pytest.approx(expected[name].item(), rel=1e-5), name
        (wanted,) = torch.autograd.grad(expected[name], exact, retain_graph=True)
        (gradient,) = torch.autograd.grad(loss, single, retain_graph=True)
        error = (gradient.double() - wanted).norm() / wanted.norm()
        assert error < 1e-5, f"{name}: relative error of the gradient {error:.1e}"
