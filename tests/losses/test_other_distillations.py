"""LwF's and iCaRL's distillation, by the same fixed list."""

from functools import partial

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.losses import Distillation, ICaRLDistillation, distillation, icarl_distillation
from tests.losses import references
from tests.losses.batches import random_logits

REDUCTIONS = ["mean", "mean_all", "sum", "none"]
LOSSES = {
    "LwF": (distillation, references.distillation, Distillation),
    "iCaRL": (icarl_distillation, references.icarl_distillation, ICaRLDistillation),
}
each_loss = pytest.mark.parametrize(("loss", "pixel_loss", "module"), LOSSES.values(), ids=LOSSES)
each_case = pytest.mark.parametrize(("n_channels", "n_old"), [(5, 4), (7, 2), (4, 1), (4, 4)])
each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def naive(logits, teacher, pixel_loss, reduction, size=None):
    losses = references.teacher_loss_map(logits.tolist(), teacher.tolist(), pixel_loss, size=size)
    value = torch.tensor(references.reduced(losses, reduction), dtype=torch.float64)
    shape = (len(logits), *(size or logits.shape[-2:]))
    return value.view(shape) if reduction == "none" else value


@each_loss
@each_case
@each_reduction
@pytest.mark.parametrize("size", [None, (5, 3)])
def test_agrees_with_the_naive_reference(
    loss, pixel_loss, module, n_channels, n_old, reduction, size
):
    logits, teacher = random_logits(n_channels, seed=1), random_logits(n_old, (2, 6), seed=2)
    expected = naive(logits, teacher, pixel_loss, reduction, size)
    torch.testing.assert_close(loss(logits, teacher, size=size, reduction=reduction), expected)
    torch.testing.assert_close(module(reduction=reduction)(logits, teacher, size), expected)


@pytest.mark.parametrize("teacher_scale", [0.5, 2.0])
def test_teacher_scale_scales_the_teachers_logits(teacher_scale):
    logits, teacher = random_logits(5, seed=1), random_logits(3, seed=2)
    expected = naive(logits, teacher_scale * teacher, references.distillation, "mean_all")
    torch.testing.assert_close(distillation(logits, teacher, teacher_scale=teacher_scale), expected)
    torch.testing.assert_close(Distillation(teacher_scale=teacher_scale)(logits, teacher), expected)


@each_loss
@each_case
def test_gradient_reaches_the_student_only(loss, pixel_loss, module, n_channels, n_old):
    logits, teacher = random_logits(n_channels, (2, 2)), random_logits(n_old, (2, 2), seed=2)
    logits.requires_grad_()
    teacher.requires_grad_()
    for reduction in REDUCTIONS:
        assert gradcheck(lambda z, r=reduction: loss(z, teacher.detach(), reduction=r), logits)
    loss(logits, teacher).backward()
    assert teacher.grad is None
    assert not logits.grad[:, n_old:].any(), "new channels have no part in it"


@each_loss
def test_extreme_logits_stay_finite(loss, pixel_loss, module):
    logits = (80 * torch.sign(random_logits(5, (8, 8)))).float().requires_grad_()
    teacher = (80 * torch.sign(random_logits(3, (8, 8), seed=2))).float()
    value = loss(logits, teacher)
    value.backward()
    expected = naive(logits.double(), teacher.double(), pixel_loss, "mean_all")
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    assert logits.grad.isfinite().all()


@each_loss
def test_bad_input(loss, pixel_loss, module):
    with pytest.raises(ValueError, match="1 <= K <= C"):
        loss(torch.zeros(1, 2, 2, 2), torch.zeros(1, 3, 2, 2))
    for make in (partial(loss, torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, 2)), module):
        with pytest.raises(ValueError, match="mean, mean_all, sum, none"):
            make(reduction="median")
