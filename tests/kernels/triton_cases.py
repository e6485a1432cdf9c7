"""The kernel for GPUs, run by Triton's interpreter on the CPU, against the plain formula.

``test_fused.py`` runs this file in a process of its own, with TRITON_INTERPRET=1.
"""

import pytest
import torch

from avalanche_seg.kernels import (
    LabelSigmoid,
    SoftmaxTerms,
    TeacherSigmoid,
    fused,
    pixel_losses,
    use_kernels,
)
from avalanche_seg.losses import cross_entropy, distillation, mib_loss
from tests.losses.batches import random_labels, random_logits


@pytest.fixture
def calls(monkeypatch):
    """How often the kernel computed a loss."""
    made = []

    def counting(*args, **kwargs):
        made.append(kwargs)
        return kept(*args, **kwargs)

    kept = fused.fused_sweep
    monkeypatch.setattr(fused, "fused_sweep", counting)
    return made


def both(terms, logits, teacher, target, size, *, maps):
    """Losses and the gradient of a weighted sum of them: by the kernel, and plainly in float64."""
    results = []
    for by_kernel in (True, False):
        dtype = torch.float32 if by_kernel else torch.float64
        leaf = logits.detach().to(dtype).requires_grad_()
        given = {"target": target, "teacher_logits": teacher.to(dtype), "maps": maps}
        with use_kernels("triton" if by_kernel else "tiles"):
            losses = pixel_losses(terms, leaf, size, **given)
            weights = [
                torch.linspace(k, k + 1, loss.numel(), dtype=dtype).view(loss.shape)
                for k, loss in enumerate(losses, start=1)
            ]
            total = sum((w * v).sum() for w, v in zip(weights, losses, strict=True))
            total.backward()
        results.append([*(loss.detach() for loss in losses), leaf.grad])
    return results


def assert_near(got, expected, *, tolerance=1e-5):
    for value, wanted in zip(got, expected, strict=True):
        assert value.dtype == torch.float32
        scale = max(1.0, wanted.abs().max().item())
        torch.testing.assert_close(value.double(), wanted, rtol=0, atol=tolerance * scale)


TERMS = {
    "both": SoftmaxTerms(4),
    "cross entropy": SoftmaxTerms(1, distil=False),
    "unbiased": SoftmaxTerms(4, distil=False),
    "distillation": SoftmaxTerms(4, classify=False),
    "no new class": SoftmaxTerms(6),
    "binary": LabelSigmoid(),
    "weighted binary": LabelSigmoid(positive_weight=35.0, ignored_is_negative=True),
    "teacher's sigmoids": TeacherSigmoid(),
}


@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("name", TERMS)
def test_losses_and_gradients_are_those_of_float64(calls, name, maps):
    terms, size = TERMS[name], (5, 70)
    for n, of_teacher in enumerate([(2, 9), (3, 11)], start=1):
        teacher = random_logits(getattr(terms, "n_old", 6), of_teacher, seed=5)
        got, expected = both(
            terms, random_logits(6, (3, 11)), teacher, random_labels(6, size), size, maps=maps
        )
        assert len(calls) == n * (1 + maps)
        assert_near(got, expected)


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
@pytest.mark.parametrize(
    ("small", "size"), [((1, 1), (3, 5)), ((3, 4), (3, 4)), ((2, 5), (7, 5)), ((4, 3), (5, 40))]
)
def test_extreme_logits_and_odd_sizes(calls, scale, small, size):
    logits = random_logits(5, small, scale=scale)
    teacher = random_logits(3, small, seed=3, scale=scale)
    labels = random_labels(5, size)
    got, expected = both(SoftmaxTerms(3), logits, teacher, labels, size, maps=False)
    assert calls
    assert_near(got, expected)
    for terms in (LabelSigmoid(positive_weight=2.0), TeacherSigmoid()):
        teacher = random_logits(5, small, seed=3, scale=scale)
        got, expected = both(terms, logits, teacher, labels, size, maps=False)
        assert_near(got, expected)


def test_many_channels_take_smaller_blocks(calls):
    size = (4, 18)
    teacher = random_logits(100, (2, 3), seed=3)
    labels = random_labels(151, size)
    got, expected = both(
        SoftmaxTerms(100), random_logits(151, (2, 3)), teacher, labels, size, maps=False
    )
    assert calls
    assert_near(got, expected)


@pytest.mark.parametrize("reduction", ["mean", "mean_all", "sum", "none"])
def test_every_reduction_with_void(calls, reduction):
    logits, target = random_logits(6).float(), random_labels(6, (5, 7))
    assert (target == 255).any()
    teacher = random_logits(4, seed=5).float()
    given = {"n_old": 4, "reduction": reduction}
    with use_kernels("triton"):
        got = mib_loss(logits, target, teacher, **given)
    assert calls
    expected = mib_loss(logits.double(), target, teacher.double(), **given)
    assert_near(got, expected)


def test_only_void_costs_nothing_and_half_precision_and_channels_last(calls):
    target = torch.full((2, 6, 6), 255)
    logits = random_logits(6).bfloat16().contiguous(memory_format=torch.channels_last)
    logits.requires_grad_()
    with use_kernels("triton"):
        loss = cross_entropy(logits, target)
        loss.backward()
        kd = distillation(logits, random_logits(4).half(), size=(6, 6))
    assert len(calls) == 2 and loss == 0 and not logits.grad.any()
    assert logits.grad.dtype == torch.bfloat16
    expected = distillation(logits.double(), random_logits(4).half().double(), size=(6, 6))
    torch.testing.assert_close(kd.double(), expected, rtol=1e-5, atol=1e-6)


def test_a_label_without_a_channel_is_seen_in_the_loss():
    with use_kernels("triton"):
        assert cross_entropy(torch.zeros(1, 2, 1, 1), torch.tensor([[[2]]])).isnan()


def test_what_the_kernel_does_not_do_is_done_by_tiles(calls):
    smaller, double = random_logits(6, (8, 8)).float(), random_logits(6)
    with use_kernels("triton"):
        cross_entropy(smaller, random_labels(6, (4, 8)))
        cross_entropy(double, random_labels(6, (4, 8)))
        torch.use_deterministic_algorithms(True)
        try:
            cross_entropy(double.float(), random_labels(6, (4, 8)))
        finally:
            torch.use_deterministic_algorithms(False)
    cross_entropy(double.float(), random_labels(6, (4, 8)))
    assert not calls
