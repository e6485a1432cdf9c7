import pytest
import torch
import torch.nn.functional as F

from avalanche_seg.kernels import predicted_labels


def naive(logits, size):
    return F.interpolate(logits, size, mode="bilinear", align_corners=False).argmax(dim=1)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 2, 32, 33, 100])
@pytest.mark.parametrize("size", [(17, 23), (5, 6), (3, 4)])
def test_equals_the_argmax_of_everything_resized(channels, size, memory_format):
    torch.manual_seed(channels)
    logits = torch.randn(2, channels, 5, 6).contiguous(memory_format=memory_format)
    labels = predicted_labels(logits, size)
    assert labels.dtype == torch.int64
    assert labels.equal(naive(logits, size))


def test_the_first_of_equal_scores_wins():
    torch.manual_seed(0)
    logits = torch.randint(0, 2, (1, 90, 8, 8)).float()
    assert predicted_labels(logits, (8, 8)).equal(logits.argmax(dim=1))
    assert predicted_labels(torch.zeros(1, 70, 2, 2), (5, 5)).eq(0).all()


def test_scores_far_apart_and_half_precision():
    torch.manual_seed(0)
    logits = 80 * torch.randn(1, 40, 4, 4).bfloat16()
    assert predicted_labels(logits, (4, 4)).equal(logits.argmax(dim=1))


def test_a_score_that_is_no_number_gives_a_channel_all_the_same():
    labels = predicted_labels(torch.full((1, 3, 2, 2), torch.nan), (4, 4))
    assert labels.min() >= 0 and labels.max() < 3


def test_keeps_no_graph():
    logits = torch.zeros(1, 2, 2, 2, requires_grad=True)
    assert not predicted_labels(logits, (4, 4)).requires_grad


def test_many_tiles_make_no_difference(set_tile_bytes):
    torch.manual_seed(0)
    logits = torch.randn(3, 7, 5, 6)
    expected = naive(logits, (31, 23))
    for budget in (1, 7 * 4 * 50, 7 * 4 * 31 * 23):
        set_tile_bytes(budget)
        assert predicted_labels(logits, (31, 23)).equal(expected)
