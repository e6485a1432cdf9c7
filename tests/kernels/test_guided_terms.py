import math

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.kernels import GuidedTerms
from tests.kernels.plain import assert_same
from tests.losses import references
from tests.losses.batches import random_labels, random_logits

each_case = pytest.mark.parametrize(
    ("n_channels", "n_old"), [(5, 4), (7, 2), (4, 1), (4, 4), (1, 1)]
)
TERMS = GuidedTerms(10.0, 2.0)


@each_case
@pytest.mark.parametrize(("scale", "bound"), [(3.0, 20.0), (3.0, math.inf), (300.0, math.inf)])
def test_the_fast_term_is_the_plain_formula(n_channels, n_old, scale, bound):
    assert_same(TERMS, n_channels, random_labels(n_channels), n_old, bound=bound, scale=scale)


@each_case
def test_the_plain_formula_agrees_with_the_naive_reference(n_channels, n_old):
    scores, labels = random_logits(n_channels), random_labels(n_channels)
    teacher = random_logits(n_old, seed=2)
    (losses,) = TERMS.plain(scores, labels, teacher)
    pixels = zip(
        references.pixels(scores.tolist(), (3, 4)),
        references.pixels(teacher.tolist(), (3, 4)),
        labels.flatten().tolist(),
        strict=True,
    )
    expected = [
        0.0 if y == 255 else references.label_guided_distillation(z, y, old) for z, old, y in pixels
    ]
    assert losses.flatten().tolist() == pytest.approx(expected)


def test_gradient_of_the_plain_formula():
    scores, labels = random_logits(5, (2, 2)).requires_grad_(), random_labels(5, (2, 2))
    assert gradcheck(lambda z: TERMS.plain(z, labels, random_logits(3, (2, 2)))[0], scores)


def test_another_ignore_index():
    labels = random_labels(5, void=0.0)
    terms = GuidedTerms(10.0, 2.0, ignore_index=2)
    assert_same(terms, 5, labels, 3, bound=20.0)
    (losses,) = terms.plain(random_logits(5), labels, random_logits(3, seed=2))
    assert not losses[labels == 2].any() and torch.all(losses[labels != 2] > 0)
