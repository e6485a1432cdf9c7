"""DKD's losses against the naive references."""

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.losses import (
    AuxiliaryClassification,
    DecomposedTerm,
    OldClassesTerm,
    StepBatch,
    auxiliary_binary_cross_entropy,
)
from avalanche_seg.models import SegmentationOutput
from tests.losses import references
from tests.losses.batches import VOID, random_labels, random_logits

SIZE = (5, 7)


def naive_map(logits, target, n_old, gamma):
    size = (target.shape[-2], target.shape[-1])
    scores = references.pixels(logits.tolist(), size)
    return [
        references.auxiliary_binary_cross_entropy(z, y, n_old, gamma)
        for z, y in zip(scores, target.flatten().tolist(), strict=True)
    ]


@pytest.mark.parametrize("n_old", [0, 3])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 35.0])
@pytest.mark.parametrize("reduction", ["mean", "mean_all", "sum", "none"])
def test_every_pixel_counts(n_old, gamma, reduction):
    logits, target = random_logits(6, (3, 4)), random_labels(6, SIZE, void=0.3)
    loss = auxiliary_binary_cross_entropy(
        logits, target, n_old=n_old, positive_weight=gamma, reduction=reduction
    )
    expected = naive_map(logits, target, n_old, gamma)
    if reduction == "none":
        assert loss.flatten().tolist() == pytest.approx(expected)
    else:
        n = 1 if reduction == "sum" else len(expected)
        assert loss.item() == pytest.approx(sum(expected) / n)
    assert (target == VOID).any() and (target == 0).any()


@pytest.mark.parametrize("n_old", [0, 3])
@pytest.mark.parametrize("reduction", ["mean_all", "none"])
def test_gradient(n_old, reduction):
    logits, target = random_logits(5, (3, 4)).requires_grad_(), random_labels(5, SIZE)

    def loss(z):
        return auxiliary_binary_cross_entropy(
            z, target, n_old=n_old, positive_weight=3.0, reduction=reduction
        )

    assert gradcheck(loss, logits)
    loss(logits).sum().backward()
    assert not logits.grad[:, 1:n_old].any() and logits.grad[:, 0].all()


def outputs(seed):
    parts = {
        tap: random_logits(4, (3, 4), seed=seed + i) for i, tap in enumerate(("head+", "head-"))
    }
    return SegmentationOutput(random_logits(4, (3, 4), seed=seed + 5), features=parts)


def test_distillations_leave_the_auxiliary_channel_and_new_ones_out():
    student, teacher = outputs(1), outputs(20)
    teacher = teacher.map(lambda t: t[:, :3])
    target = random_labels(4, SIZE)
    batch = StepBatch(torch.empty(0), target, student, n_old=3, step=1, teacher=teacher)

    def naive(ours, theirs, size):
        losses = references.teacher_loss_map(
            ours[:, 1:3].tolist(), theirs[:, 1:].tolist(), references.icarl_distillation, size=size
        )
        return sum(losses) / len(losses)

    kd = OldClassesTerm(5.0)(batch)["kd"]
    assert kd.item() == pytest.approx(5 * naive(student.logits, teacher.logits, SIZE))
    dkd = DecomposedTerm(5.0)(batch)["dkd"]
    parts = [naive(student.features[t], teacher.features[t], None) for t in ("head+", "head-")]
    assert dkd.item() == pytest.approx(5 * sum(parts))


def test_weights_of_both_kinds_of_steps_and_of_pixels():
    logits, target = random_logits(5, (3, 4)), random_labels(5, SIZE)
    objective = AuxiliaryClassification(2.0, 7.0)
    for n_old, gamma in ((0, 2.0), (3, 7.0)):
        batch = StepBatch(torch.empty(0), target, SegmentationOutput(logits), n_old=n_old, step=0)
        expected = naive_map(logits, target, n_old, gamma)
        terms = objective(batch)
        assert terms["classification"].item() == pytest.approx(sum(expected) / len(expected))
    weight = torch.tensor([3.0, 0.0], dtype=torch.float64)
    weighted = StepBatch(
        torch.empty(0), target, SegmentationOutput(logits), n_old=3, step=1, weight=weight
    )
    half = sum(expected[: len(expected) // 2]) * 3 / len(expected)
    assert objective(weighted)["classification"].item() == pytest.approx(half)


def test_bad_input():
    logits, target = random_logits(5, (3, 4)), random_labels(5, SIZE)
    with pytest.raises(ValueError, match=r"positive_weight=-1.0; expected a finite number"):
        auxiliary_binary_cross_entropy(logits, target, positive_weight=-1.0)
    with pytest.raises(ValueError, match=r"positive_weight_later=-1.0"):
        AuxiliaryClassification(1.0, -1.0)
    with pytest.raises(ValueError, match=r"feature maps none; .*'head\+': use a Segmentation"):
        DecomposedTerm(5.0)(
            StepBatch(torch.empty(0), target, SegmentationOutput(logits), n_old=0, step=0)
        )
