"""Tiles, weights of pixels, precision: what all losses in tiles share."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from avalanche_seg.kernels import LabelSigmoid, SoftmaxTerms, TeacherSigmoid
from avalanche_seg.kernels import pixel_loss as tiles
from avalanche_seg.losses import (
    binary_cross_entropy,
    icarl_distillation,
    mib_loss,
    unbiased_cross_entropy,
)
from tests.losses.batches import random_labels, random_logits

SIZE = (9, 14)
LOSSES = {  # Terms for four channels, and the teacher's channels.
    "softmax": (SoftmaxTerms(3), 3),
    "label": (LabelSigmoid(), 1),
    "teacher": (TeacherSigmoid(), 4),
}
each_loss = pytest.mark.parametrize(("terms", "n_teacher"), LOSSES.values(), ids=LOSSES)


def both_terms(logits, *, maps=False, size=SIZE):
    return tiles.pixel_losses(
        SoftmaxTerms(4),
        logits,
        size,
        target=random_labels(6, size),
        teacher_logits=random_logits(4, (2, 2), seed=5),
        maps=maps,
    )


def values_and_gradient(**options):
    logits = random_logits(6).requires_grad_()
    ce, kd = both_terms(logits, **options)
    weights = torch.linspace(1, 2, ce.numel(), dtype=torch.float64).view(ce.shape)
    ((weights * ce).sum() + 3 * (weights.flip(0) * kd).sum()).backward()
    return ce.detach(), kd.detach(), logits.grad


@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("budget", [1, 6 * 8 * 10, 6 * 8 * 9 * 14, 1 << 20])
def test_the_size_of_a_tile_makes_no_difference(set_tile_bytes, maps, budget):
    expected = values_and_gradient(maps=maps)
    set_tile_bytes(budget)
    for value, other in zip(expected, values_and_gradient(maps=maps), strict=True):
        torch.testing.assert_close(other, value)


@pytest.mark.parametrize("maps", [False, True])
def test_groups_with_a_maximum_of_their_own_make_no_difference(monkeypatch, maps):
    expected = values_and_gradient(maps=maps)
    monkeypatch.setattr(tiles, "score_bound", lambda logits: math.inf)
    for value, other in zip(expected, values_and_gradient(maps=maps), strict=True):
        torch.testing.assert_close(other, value)


def test_sums_are_those_of_the_maps():
    for total, pixels in zip(
        both_terms(random_logits(6)), both_terms(random_logits(6), maps=True), strict=True
    ):
        assert pixels.shape == (2, *SIZE)
        torch.testing.assert_close(total, pixels.sum())


def test_only_what_is_needed_is_computed():
    logits = random_logits(6)
    assert not any(loss.requires_grad for loss in both_terms(logits))
    logits.requires_grad_()
    with torch.no_grad():
        assert not any(loss.requires_grad for loss in both_terms(logits))
    ce, _ = both_terms(logits)
    ce.backward()  # One of two losses alone.
    alone = random_logits(6).requires_grad_()
    unbiased_cross_entropy(alone, random_labels(6, SIZE), n_old=4, reduction="sum").backward()
    torch.testing.assert_close(logits.grad, alone.grad)


@each_loss
@pytest.mark.parametrize("maps", [False, True])
def test_second_derivatives(terms, n_teacher, maps):
    logits = random_logits(4, (2, 2)).requires_grad_()
    options = {
        "target": random_labels(4, (3, 2)),
        "teacher_logits": random_logits(n_teacher, (2, 1), seed=5),
        "maps": maps,
    }
    assert gradgradcheck(lambda z: tiles.pixel_losses(terms, z, (3, 2), **options), logits)


@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_gradient_that_can_be_differentiated_is_the_same(maps, dtype):
    logits = random_logits(6).to(dtype).requires_grad_()
    total = sum(loss.sum() for loss in both_terms(logits, maps=maps))
    (plain,) = torch.autograd.grad(total, logits, create_graph=True)
    (fast,) = torch.autograd.grad(total, logits)
    assert plain.requires_grad and not fast.requires_grad
    assert plain.dtype == fast.dtype == dtype
    torch.testing.assert_close(plain.detach(), fast)


def test_a_gradient_penalty_reaches_the_weights_before_the_logits():
    weight = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    scores = random_logits(6)

    def penalty(weight):
        logits = weight * scores
        ce, kd = both_terms(logits)
        (gradient,) = torch.autograd.grad(ce + 10 * kd, logits, create_graph=True)
        return gradient.square().sum()

    assert gradcheck(penalty, weight)


def test_the_plain_formula_stays_out_of_training(monkeypatch):
    def fail(*args):
        raise AssertionError("the plain formula was called")

    monkeypatch.setattr(tiles, "_plain_losses", fail)
    values_and_gradient()
    values_and_gradient(maps=True)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_compiled_without_a_graph_break(reduction):
    labels, teacher = random_labels(6, SIZE), random_logits(4, (2, 2), seed=5)

    def objective(logits):
        ce, kd = mib_loss(logits, labels, teacher, n_old=4, reduction=reduction)
        bce = binary_cross_entropy(logits, labels, reduction=reduction)
        icarl = icarl_distillation(logits, teacher, size=SIZE, reduction=reduction)
        return (ce + 10 * kd + bce + icarl).sum()

    results = []
    for function in (objective, torch.compile(objective, backend="aot_eager", fullgraph=True)):
        logits = random_logits(6).requires_grad_()
        loss = function(logits)
        loss.backward()
        results.append((loss.detach(), logits.grad))
    for value, expected in zip(*results, strict=True):
        torch.testing.assert_close(value, expected)


@pytest.mark.parametrize("maps", [False, True])
def test_a_backward_pass_under_autocast_is_in_float32(maps):
    wanted, logits = (random_logits(6).float().requires_grad_() for _ in range(2))
    sum(loss.sum() for loss in both_terms(wanted, maps=maps)).backward()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        sum(loss.sum() for loss in both_terms(logits, maps=maps)).backward()
    assert logits.grad.equal(wanted.grad)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32_also_under_autocast(dtype):
    logits, labels = random_logits(6).to(dtype), random_labels(6, SIZE)
    teacher = random_logits(4, seed=5).to(dtype)
    wanted = logits.float().requires_grad_()
    expected = mib_loss(wanted, labels, teacher.float(), n_old=4)
    sum(expected).backward()
    logits.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = mib_loss(logits, labels, teacher, n_old=4)
    assert losses == expected
    sum(losses).backward()
    assert logits.grad.equal(wanted.grad.to(dtype))


def test_an_empty_batch_costs_nothing():
    logits = torch.zeros(0, 6, 3, 4).requires_grad_()
    labels = torch.zeros(0, 3, 4, dtype=torch.int64)
    for reduction in ("mean_all", "mean", "sum"):
        loss = unbiased_cross_entropy(logits, labels, n_old=2, reduction=reduction)
        loss.backward()
        assert loss.item() == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_stays_visible(bad):
    logits = random_logits(6)
    logits[0, 2, 1, 1] = bad
    assert not any(math.isfinite(loss) for loss in both_terms(logits))
