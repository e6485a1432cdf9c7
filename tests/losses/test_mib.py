import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.losses import MiBLoss, mib_loss, unbiased_cross_entropy, unbiased_distillation
from tests.losses.batches import random_labels, random_logits

REDUCTIONS = ["mean", "mean_all", "sum", "none"]
each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)
each_case = pytest.mark.parametrize(("n_channels", "n_old"), [(5, 4), (7, 2), (4, 1), (4, 4)])


@each_case
@each_reduction
@pytest.mark.parametrize("size", [(3, 4), (5, 9), (2, 2)])
@pytest.mark.parametrize(("teacher_scale", "ignore_index"), [(1.0, 255), (0.5, 2)])
def test_it_is_the_two_terms(n_channels, n_old, reduction, size, teacher_scale, ignore_index):
    logits, teacher = random_logits(n_channels), random_logits(n_old, (2, 6), seed=2)
    labels = random_labels(n_channels, size, void=0.3 if ignore_index == 255 else 0.0)
    common = {"reduction": reduction}
    ce, kd = mib_loss(
        logits,
        labels,
        teacher,
        n_old=n_old,
        teacher_scale=teacher_scale,
        ignore_index=ignore_index,
        **common,
    )
    torch.testing.assert_close(
        ce,
        unbiased_cross_entropy(logits, labels, n_old=n_old, ignore_index=ignore_index, **common),
    )
    torch.testing.assert_close(
        kd, unbiased_distillation(logits, teacher, size=size, teacher_scale=teacher_scale, **common)
    )
    module = MiBLoss(teacher_scale=teacher_scale, ignore_index=ignore_index, **common)
    for value, other in zip(module(logits, labels, teacher), (ce, kd), strict=True):
        assert torch.equal(value, other)


@each_case
@pytest.mark.parametrize("size", [(2, 3), (3, 5)])
def test_gradient_of_each_term(n_channels, n_old, size):
    logits = random_logits(n_channels, (2, 3)).requires_grad_()
    teacher, labels = random_logits(n_old, (2, 2), seed=2), random_labels(n_channels, size)
    for reduction in REDUCTIONS:
        assert gradcheck(
            lambda z, r=reduction: mib_loss(z, labels, teacher, n_old=n_old, reduction=r), logits
        )


def test_the_teacher_gets_no_gradient():
    logits, teacher = random_logits(5).requires_grad_(), random_logits(3, seed=2).requires_grad_()
    sum(mib_loss(logits, random_labels(5), teacher, n_old=3)).backward()
    assert teacher.grad is None
    assert logits.grad.any()


def test_bad_input():
    logits, labels = random_logits(5), random_labels(5)
    teacher = random_logits(3)
    with pytest.raises(ValueError, match="the teacher has 3 channels and n_old=4"):
        mib_loss(logits, labels, teacher, n_old=4)
    with pytest.raises(ValueError, match=r"n_old=6; expected 1\.\.5"):
        mib_loss(logits, labels, teacher, n_old=6)
    with pytest.raises(ValueError, match="1 <= K <= C"):
        mib_loss(logits, labels, random_logits(6), n_old=5)
    with pytest.raises(ValueError, match="B x H x W"):
        mib_loss(logits, labels[0], teacher, n_old=3)
    for make in (MiBLoss, lambda **options: mib_loss(logits, labels, teacher, n_old=3, **options)):
        with pytest.raises(ValueError, match="mean, mean_all, sum, none"):
            make(reduction="median")
