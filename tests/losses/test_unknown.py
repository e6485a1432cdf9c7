"""SSUL's labels and loss against the naive references."""

import pytest
import torch

from avalanche_seg.losses import (
    ChannelClassification,
    StepBatch,
    complete_labels,
    confident_channels,
    unknown_channels,
)
from avalanche_seg.models import SegmentationOutput
from tests.losses import references
from tests.losses.batches import VOID, random_labels, random_logits

SIZE = (7, 9)


def flat(tensor):
    return tensor.flatten().tolist()


@pytest.mark.parametrize("salient", [True, False])
def test_labels_become_channels(salient):
    target = random_labels(5, SIZE)
    unknown = torch.rand(target.shape, generator=torch.Generator().manual_seed(3)) > 0.5
    found = unknown_channels(target, unknown if salient else None)
    told = unknown if salient else torch.ones_like(unknown)
    pairs = zip(flat(target), flat(told), strict=True)
    assert flat(found) == [references.unknown_channel(y, u) for y, u in pairs]
    assert {0, VOID} <= set(flat(found)) and (1 in flat(found)) == salient


@pytest.mark.parametrize("threshold", [0.0, 0.7, 0.95, 1.0])
def test_pseudo_labels_agree_with_the_naive_reference(threshold, set_tile_bytes):
    set_tile_bytes(1)
    logits = random_logits(6, (3, 4)) * 2
    channels = unknown_channels(random_labels(4, SIZE, void=0.2))
    found = complete_labels(channels, confident_channels(logits, SIZE, threshold=threshold))
    pixels = references.pixels(logits.tolist(), SIZE)
    expected = [
        references.completed(c, z, threshold) for c, z in zip(flat(channels), pixels, strict=True)
    ]
    assert flat(found) == expected
    assert (found != channels).any() == (threshold < 1)


def test_at_the_threshold_a_pixel_is_accepted():
    logits = torch.zeros(1, 3, 1, 1)
    logits[0, 2] = 1e-9
    assert confident_channels(logits.double(), (1, 1), threshold=0.5).item() == 2
    assert confident_channels(torch.zeros(1, 3, 1, 1), (1, 1), threshold=0.5).item() == 0, "first"


def batch_of(target, logits, weight=None):
    output = SegmentationOutput(logits, aux=(logits,))
    return StepBatch(torch.empty(0), target, output, n_old=0, step=0, weight=weight)


def test_the_loss_is_a_sum_over_channels_and_a_mean_over_valid_pixels():
    logits, target = random_logits(4, (3, 4)), random_labels(4, SIZE)
    pixels = references.label_loss_map(
        logits.tolist(), target.tolist(), references.binary_cross_entropy
    )
    expected = sum(pixels) / int((target != VOID).sum())
    terms = ChannelClassification()(batch_of(target, logits))
    assert terms["classification"].item() == pytest.approx(2 * expected), "both outputs"
    weight = torch.tensor([0.0, 2.0], dtype=torch.float64)
    half = len(pixels) // 2
    weighted = ChannelClassification()(batch_of(target, logits, weight))
    expected = 2 * sum(pixels[half:]) / int((target != VOID).sum())
    assert weighted["classification"].item() == pytest.approx(2 * expected)


def test_bad_input():
    with pytest.raises(ValueError, match=r"threshold=1.5; expected 0 to 1"):
        confident_channels(torch.zeros(1, 2, 1, 1), (1, 1), threshold=1.5)
    with pytest.raises(ValueError, match=r"unknown pixels \(1, 2, 2\) for labels \(1, 3, 3\)"):
        unknown_channels(torch.zeros(1, 3, 3).long(), torch.zeros(1, 2, 2).bool())
