import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from avalanche_seg.losses import UnbiasedDistillation, unbiased_distillation
from tests.losses import references
from tests.losses.batches import random_logits

REDUCTIONS = ["mean", "mean_all", "sum", "none"]

# (C, K)
CASES = {"one new class": (5, 4), "many new classes": (7, 2), "K=1": (4, 1), "K=C": (4, 4)}
each_case = pytest.mark.parametrize(("n_channels", "n_old"), CASES.values(), ids=CASES)
each_reduction = pytest.mark.parametrize("reduction", REDUCTIONS)


def naive(logits, teacher, reduction="mean_all", *, teacher_scale=1.0, size=None, pixel_loss=None):
    pixel_loss = partial(
        pixel_loss or references.unbiased_distillation, teacher_scale=teacher_scale
    )
    losses = references.teacher_loss_map(logits.tolist(), teacher.tolist(), pixel_loss, size=size)
    value = torch.tensor(references.reduced(losses, reduction), dtype=torch.float64)
    shape = (len(logits), *(size or logits.shape[-2:]))
    return value.view(shape) if reduction == "none" else value


def pair(n_channels, n_old, size=(3, 4), teacher_size=None, **options):
    return (
        random_logits(n_channels, size, seed=1, **options),
        random_logits(n_old, teacher_size or size, seed=2, **options),
    )


@each_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_dtype(n_channels, n_old, dtype):
    logits, teacher = pair(n_channels, n_old)
    for reduction in REDUCTIONS:
        loss = unbiased_distillation(logits.to(dtype), teacher.to(dtype), reduction=reduction)
        assert loss.shape == ((2, 3, 4) if reduction == "none" else ())
        assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert loss.isfinite().all()


def test_by_hand():
    # Student 0.1, 0.2, 0.3, 0.4; K = 2: background and new classes 0.8, old class 0.2.
    logits = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64).log().view(1, 4, 1, 1)
    teacher = torch.tensor([0.25, 0.75], dtype=torch.float64).log().view(1, 2, 1, 1)
    expected = -(0.25 * math.log(0.8) + 0.75 * math.log(0.2)) / 2
    assert unbiased_distillation(logits, teacher).item() == pytest.approx(expected)
    # teacher_scale = 2 squares the teacher's odds: 1 to 9.
    expected = -(0.1 * math.log(0.8) + 0.9 * math.log(0.2)) / 2
    assert unbiased_distillation(logits, teacher, teacher_scale=2.0).item() == pytest.approx(
        expected
    )


@each_case
@each_reduction
@pytest.mark.parametrize("teacher_scale", [1.0, 0.5, 3.0])
def test_agrees_with_the_naive_reference(n_channels, n_old, reduction, teacher_scale):
    logits, teacher = pair(n_channels, n_old)
    loss = unbiased_distillation(logits, teacher, teacher_scale=teacher_scale, reduction=reduction)
    torch.testing.assert_close(loss, naive(logits, teacher, reduction, teacher_scale=teacher_scale))


@each_case
@each_reduction
@pytest.mark.parametrize("size", [None, (3, 4), (7, 5), (2, 2)])
def test_size_resizes_student_and_teacher(n_channels, n_old, reduction, size):
    logits, teacher = pair(n_channels, n_old, (3, 4), (2, 6))
    loss = unbiased_distillation(logits, teacher, size=size, reduction=reduction)
    torch.testing.assert_close(loss, naive(logits, teacher, reduction, size=size))


@given(data=st.data())
def test_agrees_with_the_naive_reference_on_any_shape(data):
    n_channels = data.draw(st.integers(1, 6))
    n_old = data.draw(st.integers(1, n_channels))
    sizes = [data.draw(st.tuples(*2 * [st.integers(1, 4)])) for _ in range(3)]
    size = data.draw(st.sampled_from([None, sizes[2]]))
    reduction = data.draw(st.sampled_from(REDUCTIONS))
    batch, scale = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([0.1, 3.0, 20.0]))
    logits, teacher = pair(n_channels, n_old, *sizes[:2], batch=batch, scale=scale)
    loss = unbiased_distillation(logits, teacher, size=size, reduction=reduction)
    torch.testing.assert_close(loss, naive(logits, teacher, reduction, size=size))


@each_reduction
def test_without_new_classes_it_is_the_classical_distillation(reduction):
    logits, teacher = pair(4, 4)
    expected = naive(logits, teacher, reduction, pixel_loss=references.distillation)
    torch.testing.assert_close(
        unbiased_distillation(logits, teacher, reduction=reduction), expected
    )


def test_a_teacher_of_the_background_alone_teaches_nothing():
    logits, teacher = pair(4, 1)
    losses = unbiased_distillation(logits, teacher, reduction="none")
    torch.testing.assert_close(losses, torch.zeros_like(losses))


def test_how_a_student_splits_the_background_makes_no_difference():
    logits, teacher = pair(5, 3)
    permuted = logits[:, [4, 1, 2, 0, 3]]
    torch.testing.assert_close(
        unbiased_distillation(logits, teacher), unbiased_distillation(permuted, teacher)
    )


@each_case
def test_extreme_logits_stay_finite(n_channels, n_old):
    logits, teacher = (
        (80 * torch.sign(scores)).float() for scores in pair(n_channels, n_old, (8, 8))
    )
    logits.requires_grad_()
    loss = unbiased_distillation(logits, teacher)
    loss.backward()
    assert loss.item() == pytest.approx(naive(logits, teacher).item(), rel=1e-5, abs=1e-4)
    assert logits.grad.isfinite().all()


@each_case
@pytest.mark.parametrize("size", [None, (3, 5)])
def test_gradient(n_channels, n_old, size):
    logits, teacher = pair(n_channels, n_old, (2, 3), (2, 2))
    logits.requires_grad_()
    for reduction in REDUCTIONS:
        loss = partial(unbiased_distillation, size=size, reduction=reduction)
        assert gradcheck(lambda z, loss=loss: loss(z, teacher), logits)


def test_the_teacher_gets_no_gradient():
    logits, teacher = pair(5, 4)
    logits.requires_grad_()
    teacher.requires_grad_()
    unbiased_distillation(logits, teacher, size=(6, 6)).backward()
    assert teacher.grad is None
    assert logits.grad.any()


@pytest.mark.parametrize(
    ("logits_shape", "teacher_shape"),
    [
        ((2, 4, 3, 4), (2, 5, 3, 4)),
        ((2, 4, 3, 4), (2, 0, 3, 4)),
        ((2, 4, 3, 4), (1, 4, 3, 4)),
        ((2, 4, 3, 4), (4, 3, 4)),
        ((4, 3, 4), (2, 4, 3, 4)),
        ((4,), (4,)),
    ],
)
def test_shapes_that_do_not_fit(logits_shape, teacher_shape):
    with pytest.raises(ValueError, match="1 <= K <= C"):
        unbiased_distillation(torch.zeros(logits_shape), torch.zeros(teacher_shape))


def test_an_unknown_reduction_lists_the_known_ones():
    for make in (lambda **o: unbiased_distillation(*pair(4, 2), **o), UnbiasedDistillation):
        with pytest.raises(ValueError, match=r"'median'.*mean, mean_all, sum, none"):
            make(reduction="median")


@each_reduction
def test_the_module_equals_the_function(reduction):
    logits, teacher = pair(5, 3)
    options = {"teacher_scale": 2.0, "reduction": reduction}
    module = UnbiasedDistillation(**options)
    expected = unbiased_distillation(logits, teacher, size=(6, 5), **options)
    assert torch.equal(module(logits, teacher, (6, 5)), expected)
    assert torch.equal(module(logits, teacher), unbiased_distillation(logits, teacher, **options))
