import math

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.kernels import SoftmaxTerms
from avalanche_seg.kernels.softmax_terms import plain_cross_entropy, plain_distillation
from tests.kernels.plain import assert_same
from tests.losses import references
from tests.losses.batches import VOID, random_labels, random_logits

each_case = pytest.mark.parametrize(
    ("n_channels", "n_old"), [(5, 4), (7, 2), (4, 1), (4, 4), (1, 1)]
)


@each_case
@pytest.mark.parametrize(("classify", "distil"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize(("scale", "bound"), [(3.0, 20.0), (3.0, math.inf), (300.0, math.inf)])
def test_the_fast_terms_are_the_plain_formulas(n_channels, n_old, classify, distil, scale, bound):
    terms = SoftmaxTerms(n_old, classify=classify, distil=distil)
    labels = random_labels(n_channels)
    assert_same(terms, n_channels, labels, n_old, bound=bound, scale=scale)


@each_case
def test_the_plain_formulas_agree_with_the_naive_references(n_channels, n_old):
    scores, labels = random_logits(n_channels), random_labels(n_channels)
    teacher = random_logits(n_old, seed=2)
    expected = references.label_loss_map(
        scores.tolist(),
        labels.tolist(),
        lambda z, y: references.unbiased_cross_entropy(z, y, n_old),
    )
    losses = plain_cross_entropy(scores, labels, n_old)
    assert losses.flatten().tolist() == pytest.approx(expected)
    expected = references.teacher_loss_map(
        scores.tolist(), teacher.tolist(), references.unbiased_distillation
    )
    losses = plain_distillation(scores, teacher) / n_old
    assert losses.flatten().tolist() == pytest.approx(expected)


def test_gradients_of_the_plain_formulas():
    scores, labels = random_logits(5, (2, 2)).requires_grad_(), random_labels(5, (2, 2))
    assert gradcheck(lambda z: plain_cross_entropy(z, labels, 3), scores)
    assert gradcheck(lambda z: plain_distillation(z, random_logits(3, (2, 2))), scores)


def test_another_ignore_index():
    labels = random_labels(5, void=0.0)
    assert_same(SoftmaxTerms(3, distil=False, ignore_index=2), 5, labels, bound=20.0)
    losses = plain_cross_entropy(random_logits(5), labels, 3, ignore_index=2)
    assert not losses[labels == 2].any() and (losses[labels != 2] > 0).all()


def test_nothing_is_overwritten_by_the_plain_formula():
    scores, teacher = random_logits(5), random_logits(3)
    labels = random_labels(5)
    before = scores.clone(), teacher.clone(), labels.clone()
    SoftmaxTerms(3).plain(scores, labels, teacher)
    for tensor, copy in zip((scores, teacher, labels), before, strict=True):
        assert tensor.equal(copy)
    assert (labels == VOID).any()
    assert torch.isfinite(SoftmaxTerms(3).plain(80 * scores, labels, teacher)[0]).all()
