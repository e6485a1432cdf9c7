"""Terms computed fast, on one tile, and by the plain formula."""

import torch

from avalanche_seg.kernels.pixel_terms import Pixels
from tests.losses.batches import random_logits


def fast_and_plain(terms, scores, labels, teacher, bound):
    """Losses and gradients of both, term by term."""
    pixels = Pixels(
        scores.clone(),
        labels,
        None if teacher is None else teacher.clone(),
        spare=torch.full_like(scores, torch.nan),
        bound=bound,
    )
    # The next term may overwrite the gradient of the one before.
    fast = [(loss.clone(), slope.clone()) for loss, slope in terms(pixels, gradient=True)]
    leaf = scores.clone().requires_grad_()
    losses = terms.plain(leaf, labels, teacher)
    slopes = [torch.autograd.grad(loss.sum(), leaf, retain_graph=True)[0] for loss in losses]
    return fast, list(zip(losses, slopes, strict=True))


def assert_same(terms, n_channels, labels, n_teacher=None, *, bound, scale=3.0):
    scores = random_logits(n_channels, labels.shape[1:], scale=scale)
    teacher = None
    if n_teacher is not None:
        teacher = random_logits(n_teacher, labels.shape[1:], seed=2, scale=scale)
    fast, plain = fast_and_plain(terms, scores, labels, teacher, bound)
    assert len(fast) == len(plain) == terms.n_terms
    for pair, expected in zip(fast, plain, strict=True):
        torch.testing.assert_close(pair[0], expected[0].detach())
        torch.testing.assert_close(pair[1], expected[1])
