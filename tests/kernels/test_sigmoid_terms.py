import math

import pytest
import torch

from avalanche_seg.kernels import LabelSigmoid, TeacherSigmoid
from avalanche_seg.kernels.pixel_terms import Pixels
from tests.kernels.plain import assert_same
from tests.losses import references
from tests.losses.batches import random_labels, random_logits


@pytest.mark.parametrize("n_channels", [1, 2, 6])
@pytest.mark.parametrize(("scale", "bound"), [(0.1, 1.0), (3.0, 20.0), (300.0, math.inf)])
def test_the_fast_terms_are_the_plain_formulas(n_channels, scale, bound):
    labels = random_labels(n_channels)
    assert_same(LabelSigmoid(), n_channels, labels, bound=bound, scale=scale)
    assert_same(TeacherSigmoid(), n_channels, labels, n_channels, bound=bound, scale=scale)


def test_another_ignore_index():
    labels = random_labels(4, void=0.0)
    assert_same(LabelSigmoid(ignore_index=2), 4, labels, bound=20.0)
    (losses,) = LabelSigmoid(ignore_index=2).plain(random_logits(4), labels, None)
    assert not losses[labels == 2].any() and (losses[labels != 2] > 0).all()


def test_the_plain_formulas_agree_with_the_naive_references():
    scores, teacher, labels = random_logits(4), random_logits(4, seed=2), random_labels(4)
    (losses,) = LabelSigmoid().plain(scores, labels, None)
    expected = references.label_loss_map(
        scores.tolist(), labels.tolist(), references.binary_cross_entropy
    )
    assert losses.flatten().tolist() == pytest.approx(expected)
    (losses,) = TeacherSigmoid().plain(scores, None, teacher)
    expected = references.teacher_loss_map(
        scores.tolist(), teacher.tolist(), references.icarl_distillation
    )
    assert losses.flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("weight", [0.0, 2.5])
def test_positive_weights_and_ignored_pixels_as_negatives(weight, negative):
    labels = random_labels(4)
    terms = LabelSigmoid(positive_weight=weight, ignored_is_negative=negative)
    assert_same(terms, 4, labels, bound=20.0)
    (losses,) = terms.plain(random_logits(4), labels, None)
    assert losses[labels == 255].any() == negative


def losses_and_gradient(terms, scores, labels=None, teacher=None, bound=math.inf):
    made = [None if tensor is None else tensor.clone() for tensor in (scores, labels, teacher)]
    pixels = Pixels(*made, spare=torch.empty_like(scores), bound=bound)
    ((losses, gradient),) = terms(pixels, gradient=True)
    return losses, gradient


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("n_channels", [1, 3, 22, 65, 300])
@pytest.mark.parametrize("value", [-1e4, -80.0, -19.5, -5.0, 0.0, 5.0, 19.5, 80.0, 1e4])
@pytest.mark.parametrize("bounded", [False, True])
def test_float32_is_exact_to_its_precision_for_extreme_scores(n_channels, value, bounded, dtype):
    """Small losses keep the precision of their scores; no product of many channels overflows."""
    noise = torch.rand(1, n_channels, 1, 8, generator=torch.Generator().manual_seed(0))
    scores = (value * (1 - noise / 8)).to(dtype).float()
    labels = torch.full((1, 1, 8), 255)
    terms = LabelSigmoid(ignored_is_negative=True)
    bound = scores.abs().max().item() if bounded else math.inf
    losses, gradient = losses_and_gradient(terms, scores, labels, bound=bound)
    exact = torch.nn.functional.softplus(scores.double(), threshold=40.0)
    precision = {"rtol": 1e-6 + 1e-7 * min(abs(value), 100), "atol": 0}
    torch.testing.assert_close(losses.double(), exact.sum(dim=1), **precision)
    torch.testing.assert_close(gradient.double(), scores.double().sigmoid(), rtol=1e-6, atol=1e-38)
    losses, _ = losses_and_gradient(
        TeacherSigmoid(), scores, teacher=torch.full_like(scores, -1e4), bound=bound
    )
    torch.testing.assert_close(losses.double(), exact.sum(dim=1), **precision)
