import math

import pytest
import torch
import torch.nn.functional as F

from avalanche_seg.kernels import prediction_entropy
from tests.losses import references
from tests.losses.batches import random_logits


def test_labels_and_entropies_of_every_pixel():
    logits = random_logits(5, (3, 4))
    found = prediction_entropy(logits, (7, 6))
    pixels = list(references.pixels(logits.tolist(), (7, 6)))
    assert found.labels.flatten().tolist() == [z.index(max(z)) for z in pixels]
    expected = [references.entropy(z) for z in pixels]
    assert found.entropy.flatten().tolist() == pytest.approx(expected, rel=1e-12)


def test_many_tiles_make_no_difference(set_tile_bytes):
    logits = random_logits(7, (5, 6), batch=3).float()
    p = F.interpolate(logits, (31, 23), mode="bilinear", align_corners=False).softmax(1)
    for budget in (1, 7 * 4 * 50, 7 * 4 * 31 * 23):
        set_tile_bytes(budget)
        found = prediction_entropy(logits, (31, 23))
        assert found.labels.equal(p.argmax(1))
        torch.testing.assert_close(found.entropy, torch.special.entr(p).sum(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_types(dtype):
    found = prediction_entropy(random_logits(4).to(dtype), (6, 6))
    assert found.labels.dtype == torch.int64 and not found.entropy.requires_grad
    assert found.entropy.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


def test_bounds():
    even = prediction_entropy(torch.zeros(1, 4, 2, 2), (2, 2))
    assert even.labels.eq(0).all()
    torch.testing.assert_close(even.entropy, torch.full((1, 2, 2), math.log(4)))
    far_apart = torch.tensor([1000.0, -1000.0, 0.0]).view(1, 3, 1, 1)
    assert prediction_entropy(far_apart, (2, 2)).entropy.eq(0).all()
