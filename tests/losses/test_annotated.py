import math

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.losses import (
    AnnotatedCrossEntropy,
    annotated_cross_entropy,
    cross_entropy,
    unbiased_cross_entropy,
)
from avalanche_seg.losses.annotated import _by_set, _in_one_sweep
from tests.losses import references
from tests.losses.batches import VOID, random_labels, random_logits

REDUCTIONS = ["mean", "mean_all", "sum", "none"]
each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def sets(n_channels, *images):
    annotated = torch.zeros(len(images), n_channels, dtype=torch.bool)
    for row, channels in zip(annotated, images, strict=True):
        row[list(channels)] = True
    return annotated


def naive(logits, target, images, reduction):
    losses = []
    for scores, labels, annotated in zip(logits, target, images, strict=True):

        def pixel_loss(z, y, annotated=annotated):
            return references.annotated_cross_entropy(z, y, annotated)

        losses += references.label_loss_map([scores.tolist()], [labels.tolist()], pixel_loss)
    valid = (target != VOID).flatten().tolist()
    value = torch.tensor(references.reduced(losses, reduction, valid), dtype=torch.float64)
    return value.view_as(target) if reduction == "none" else value


@each_reduction
@pytest.mark.parametrize("images", [({3, 4}, {1, 2}), ({0, 4}, set()), ({1, 2, 3, 4}, {2})])
@pytest.mark.parametrize("size", [(3, 4), (5, 7)])
@pytest.mark.parametrize("void", [0.3, 1.0])
def test_agrees_with_the_naive_reference(reduction, images, size, void):
    logits, target = random_logits(5), random_labels(5, size, void=void)
    annotated = sets(5, *images)
    expected = naive(logits, target, images, reduction)
    loss = annotated_cross_entropy(logits, target, annotated, reduction=reduction)
    torch.testing.assert_close(loss, expected)
    module = AnnotatedCrossEntropy(reduction=reduction)
    torch.testing.assert_close(module(logits, target, annotated), expected)


@each_reduction
@pytest.mark.parametrize("size", [(3, 4), (5, 7), (37, 41)])
def test_one_sweep_for_all_sets_as_on_devices_gives_the_same(reduction, size, set_tile_bytes):
    set_tile_bytes(4096)
    target, images = random_labels(5, size), sets(5, {3, 4}, {1, 2})
    outside, valid = ~images, target != VOID
    outside[:, 0] = True
    both = []
    for sweep in (_by_set, _in_one_sweep):
        logits = random_logits(5).requires_grad_()
        loss = sweep(logits, target, outside, valid, reduction == "none")
        loss.square().sum().backward()
        both.append((loss.detach(), logits.grad))
    torch.testing.assert_close(both[1], both[0])


@each_reduction
def test_new_classes_alone_give_the_unbiased_cross_entropy(reduction):
    logits, target = random_logits(6), random_labels(6)
    annotated = sets(6, {4, 5}, {4, 5})
    torch.testing.assert_close(
        annotated_cross_entropy(logits, target, annotated, reduction=reduction),
        unbiased_cross_entropy(logits, target, n_old=4, reduction=reduction),
    )


def test_earlier_classes_give_mib_augms_loss_of_the_memory():
    """The background of an exemplar: background or a new class; an old class: -log p_y."""
    logits, n_old = random_logits(5), 3
    target = random_labels(n_old)
    loss = annotated_cross_entropy(
        logits, target, sets(5, {1, 2}, {1, 2}), reduction="none"
    ).flatten()
    scores = references.pixels(logits.tolist(), (3, 4))
    for found, z, y in zip(loss.tolist(), scores, target.flatten().tolist(), strict=True):
        p = references.softmax(z)
        of_label = p[0] + sum(p[n_old:]) if y == 0 else p[y] if y != VOID else 1.0
        assert found == pytest.approx(-math.log(of_label))


@each_reduction
def test_every_class_gives_the_cross_entropy(reduction):
    logits, target = random_logits(6), random_labels(6)
    torch.testing.assert_close(
        annotated_cross_entropy(logits, target, sets(6, range(6), range(6)), reduction=reduction),
        cross_entropy(logits, target, reduction=reduction),
    )


def test_gradient_is_zero_at_void_and_the_sets_are_left_alone():
    logits, target = random_logits(4).requires_grad_(), random_labels(4)
    annotated = sets(4, {2}, {1, 3})
    before = annotated.clone()
    for reduction in REDUCTIONS:
        assert gradcheck(
            lambda z, r=reduction: annotated_cross_entropy(z, target, annotated, reduction=r),
            logits,
        )
    annotated_cross_entropy(logits, target, annotated).backward()
    void = (target == VOID).unsqueeze(1).expand_as(logits)
    assert void.any() and not logits.grad[void].any()
    assert annotated.equal(before)


@each_reduction
def test_half_precision_logits_get_a_float32_loss(reduction):
    logits, target = random_logits(5).bfloat16(), random_labels(5)
    annotated = sets(5, {3, 4}, {1, 2})
    loss = annotated_cross_entropy(logits, target, annotated, reduction=reduction)
    expected = annotated_cross_entropy(logits.float(), target, annotated, reduction=reduction)
    assert loss.dtype == torch.float32
    assert loss.equal(expected)


def test_extreme_logits_stay_finite():
    logits = (80 * torch.sign(random_logits(4, (8, 8)))).float().requires_grad_()
    loss = annotated_cross_entropy(logits, random_labels(4, (8, 8)), sets(4, {2, 3}, {1}))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


@pytest.mark.parametrize("annotated", [torch.ones(2, 3, dtype=torch.bool), torch.ones(2, 4)])
def test_sets_must_be_bool_one_entry_per_channel(annotated):
    with pytest.raises(ValueError, match="expected bool, B x C"):
        annotated_cross_entropy(random_logits(4), random_labels(4), annotated)
