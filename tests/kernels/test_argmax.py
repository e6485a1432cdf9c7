import pytest
import torch
import torch.nn.functional as F

from avalanche_seg.kernels import labelled_tiles, predicted_labels


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


def sigmoid_or_background(logits):
    """An extra channel, then classes by sigmoid; the background is what no class claims."""
    classes = logits[:, 1:].sigmoid()
    return torch.cat([0.7 - classes.amax(dim=1, keepdim=True).clamp(max=0.6), classes], dim=1)


def extra_channel_as_background(logits):
    """Channel 0 and channel 1 compete for class 0."""
    return torch.cat([logits[:, :2].amax(dim=1, keepdim=True), logits[:, 2:]], dim=1)


def in_place(logits):
    return logits.neg_()


@pytest.mark.parametrize("budget", [1, 7 * 4 * 50, None])
@pytest.mark.parametrize(
    "scores",
    [sigmoid_or_background, extra_channel_as_background, in_place],
    ids=lambda f: f.__name__,
)
def test_scores_of_tiles_are_those_of_the_whole(scores, budget, set_tile_bytes):
    torch.manual_seed(0)
    logits = 3 * torch.randn(3, 7, 5, 6)
    whole = F.interpolate(logits, (31, 23), mode="bilinear", align_corners=False)
    expected = scores(whole.clone()).argmax(dim=1)
    if budget is not None:
        set_tile_bytes(budget)
    assert predicted_labels(logits, (31, 23), scores).equal(expected)
    assert len(expected.unique()) > 3


@pytest.mark.parametrize("with_scores", [True, False])
def test_what_scores_returns_is_left_alone(with_scores):
    logits, constant = torch.randn(1, 2, 4, 4), torch.arange(5.0).view(1, 5, 1, 1)
    shown = constant.expand(1, 5, 4, 4)
    tiles = labelled_tiles(logits, (4, 4), with_scores=with_scores, scores=lambda _: shown)
    for tile in tiles:
        assert tile.labels.eq(4).all() and tile.best.eq(4).all()
        assert (tile.scores is shown) == with_scores
    assert constant.flatten().tolist() == [0, 1, 2, 3, 4]


def test_scores_that_are_the_logits_make_no_difference():
    torch.manual_seed(0)
    logits = torch.randn(2, 40, 9, 9)
    expected = predicted_labels(logits, (40, 50))
    assert predicted_labels(logits, (40, 50), scores=lambda tile: tile).equal(expected)


def test_scores_may_be_of_a_finer_type():
    torch.manual_seed(0)
    logits = torch.randn(2, 5, 4, 4).bfloat16()
    labels = predicted_labels(logits, (4, 4), scores=lambda tile: tile.double())
    assert labels.equal(logits.argmax(dim=1))
