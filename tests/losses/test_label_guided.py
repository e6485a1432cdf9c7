import math
from types import SimpleNamespace

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.losses import (
    LabelGuidedDistillationTerm,
    StepBatch,
    cross_entropy,
    label_guided_distillation,
)
from tests.losses import references
from tests.losses.batches import random_labels, random_logits


@pytest.mark.parametrize("reduction", ["mean", "mean_all", "sum", "none"])
def test_equals_the_reference_at_the_size_of_the_labels(reduction):
    logits, teacher = random_logits(5, (3, 4), seed=1), random_logits(3, (2, 3), seed=2)
    labels = random_labels(5, (6, 7))
    pixels = zip(
        references.pixels(logits.tolist(), (6, 7)),
        references.pixels(teacher.tolist(), (6, 7)),
        labels.flatten().tolist(),
        strict=True,
    )
    losses = [
        0.0 if y == 255 else references.label_guided_distillation(z, y, old) for z, old, y in pixels
    ]
    valid = (labels != 255).flatten().tolist()
    expected = torch.tensor(references.reduced(losses, reduction, valid), dtype=torch.float64)
    found = label_guided_distillation(logits, labels, teacher, reduction=reduction)
    torch.testing.assert_close(found.flatten(), expected.flatten())


def test_by_hand():
    student = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64).log().view(1, 3, 1, 1)
    teacher = torch.tensor([0.25, 0.75], dtype=torch.float64).log().view(1, 2, 1, 1)
    old = -10 * (0.25 * math.log(0.1) + 0.75 * math.log(0.2))
    new = -2 * (0.25 * math.log(0.7) + 0.75 * math.log(0.2))
    for label, expected in ((0, old), (1, old), (2, new), (255, 0.0)):
        loss = label_guided_distillation(student, torch.tensor([[[label]]]), teacher)
        assert loss.item() == pytest.approx(expected)


def test_a_sure_teacher_gives_the_cross_entropy():
    """All on the background: at a new class the target is that class, else the background."""
    logits, labels = random_logits(4), random_labels(4)
    teacher = torch.tensor([100.0, 0.0]).double().view(1, 2, 1, 1).expand(2, 2, 3, 4)
    found = label_guided_distillation(logits, labels, teacher, old_weight=1.0, new_weight=1.0)
    merged = torch.where(labels < 2, 0, labels)
    torch.testing.assert_close(found, cross_entropy(logits, merged))


def test_gradients():
    logits, labels = random_logits(5).requires_grad_(), random_labels(5, (5, 6))
    teacher = random_logits(3, seed=2).requires_grad_()
    for reduction in ("mean", "none"):
        assert gradcheck(
            lambda z, r=reduction: label_guided_distillation(
                z, labels, teacher.detach(), reduction=r
            ),
            logits,
        )
    label_guided_distillation(logits, labels, teacher).backward()
    assert teacher.grad is None


def test_no_valid_pixel_costs_nothing():
    logits = random_logits(3).requires_grad_()
    loss = label_guided_distillation(logits, torch.full((2, 3, 4), 255), random_logits(2))
    loss.backward()
    assert loss.item() == 0 and logits.grad.eq(0).all()


def test_the_term_takes_the_labels_of_the_batch():
    output, teacher = (
        SimpleNamespace(logits=random_logits(n), aux=(), features={}) for n in (5, 3)
    )
    batch = StepBatch(torch.empty(0), random_labels(5), output, n_old=3, step=1, teacher=teacher)
    terms = LabelGuidedDistillationTerm(3.0, 5.0, 1.0)(batch)
    found = label_guided_distillation(
        output.logits,
        batch.target,
        teacher.logits,
        old_weight=5.0,
        new_weight=1.0,
        reduction="mean",
    )
    torch.testing.assert_close(terms["lgkd"], 3 * found)


def test_bad_input():
    logits, labels, teacher = random_logits(3), random_labels(3), random_logits(2)
    with pytest.raises(ValueError, match="expected B x C x h x w and B x H x W"):
        label_guided_distillation(logits, labels[0], teacher)
    with pytest.raises(ValueError, match="1 <= K <= C"):
        label_guided_distillation(teacher, labels, logits)
    with pytest.raises(ValueError, match=r"labels .* for logits of 3 channels"):
        label_guided_distillation(logits, labels + 3, teacher, ignore_index=258)
    with pytest.raises(ValueError, match="new_weight=-1"):
        label_guided_distillation(logits, labels, teacher, new_weight=-1)
    with pytest.raises(ValueError, match="reduction='all' is unknown"):
        LabelGuidedDistillationTerm(1.0, reduction="all")
