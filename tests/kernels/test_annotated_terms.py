import math

import pytest
import torch
from torch.autograd import gradcheck

from avalanche_seg.kernels import AnnotatedTerms
from avalanche_seg.kernels.pixel_terms import Pixels
from tests.kernels.plain import fast_and_plain
from tests.losses import references
from tests.losses.batches import random_labels, random_logits

TERMS = AnnotatedTerms()


def hidden(n_channels, *images):
    """What images hide, as maps of one pixel; the background always."""
    maps = torch.zeros(len(images), n_channels, 1, 1, dtype=torch.float64)
    for row, channels in zip(maps, images, strict=True):
        row[[0, *channels]] = 1
    return maps


@pytest.mark.parametrize("images", [((), (1, 2, 3)), ((1,), (3,)), ((1, 2, 3), (1, 2, 3))])
@pytest.mark.parametrize("scale", [3.0, 300.0])
def test_the_fast_term_is_the_plain_formula(images, scale):
    scores, labels = random_logits(4, (3, 4), scale=scale), random_labels(4)
    maps = hidden(4, *images).expand(scores.shape).clone()
    fast, plain = fast_and_plain(TERMS, scores, labels, maps, math.inf)
    for (loss, slope), (expected, expected_slope) in zip(fast, plain, strict=True):
        torch.testing.assert_close(loss, expected.detach())
        torch.testing.assert_close(slope, expected_slope)


@pytest.mark.parametrize("images", [((), (1, 2, 3)), ((1,), (3,))])
def test_the_plain_formula_agrees_with_the_naive_reference(images):
    scores, labels = random_logits(4), random_labels(4)
    (losses,) = TERMS.plain(scores, labels, hidden(4, *images).expand(scores.shape))
    for found, z, y, hides in zip(losses, scores, labels, images, strict=True):
        annotated = set(range(1, 4)) - set(hides)
        pixels = zip(z.flatten(1).T.tolist(), y.flatten().tolist(), strict=True)
        expected = [
            0.0 if label == 255 else references.annotated_cross_entropy(pixel, label, annotated)
            for pixel, label in pixels
        ]
        assert found.flatten().tolist() == pytest.approx(expected)


def test_gradient_of_the_plain_formula():
    scores, labels = random_logits(4, (2, 2)).requires_grad_(), random_labels(4, (2, 2))
    maps = hidden(4, (1,), (2, 3)).expand(scores.shape)
    assert gradcheck(lambda z: TERMS.plain(z, labels, maps)[0], scores)


def test_the_loss_alone_needs_no_gradient():
    scores, labels = random_logits(4), random_labels(4)
    maps = hidden(4, (1,), (2,)).expand(scores.shape).clone()
    fast, _ = fast_and_plain(TERMS, scores, labels, maps, math.inf)
    pixels = Pixels(scores.clone(), labels, maps, torch.empty_like(scores), math.inf)
    ((loss, slope),) = TERMS(pixels, gradient=False)
    assert slope is None and loss.equal(fast[0][0])
