import pytest
import torch

from avalanche_seg.kernels import exp_
from avalanche_seg.kernels.channel_groups import Groups, ShiftedGroups

CHANNELS = {"bg_or_old": [0, 1, 2], "bg_or_new": [0, 3, 4], "all": [0, 1, 2, 3, 4]}


def scores_of(scale, n_channels=5):
    generator = torch.Generator().manual_seed(0)
    return scale * torch.randn(2, n_channels, 3, 4, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize(
    ("dtype", "allowed"), [(torch.float32, 1e-7), (torch.float64, 1e-15)], ids=str
)
def test_exp_is_the_exponential_in_place(dtype, allowed):
    scores = torch.linspace(-80, 80, 4001, dtype=dtype)
    expected = scores.double().exp()
    sizes = 1 + scores.abs().double()
    exp_scores = exp_(scores)
    assert exp_scores is scores
    assert ((exp_scores / expected - 1).abs() / sizes).max() < allowed


@pytest.mark.parametrize(("kind", "scale"), [(Groups, 4), (ShiftedGroups, 4), (ShiftedGroups, 400)])
def test_sums_are_log_sum_exps_and_shares_make_probabilities(kind, scale):
    scores = scores_of(scale)
    groups = kind(scores.clone(), 3)
    assert groups.parts == {"bg": slice(0, 1), "old": slice(1, 3), "new": slice(3, 5)}
    for total, channels in CHANNELS.items():
        expected = scores[:, channels].logsumexp(dim=1)
        torch.testing.assert_close(groups.log(total), expected)
        probabilities = (scores - expected.unsqueeze(1)).exp()
        for name, part in groups.parts.items():
            if set(range(part.start, part.stop)) <= set(channels):
                ours = groups.exp_scores[:, part] * groups.share(name, total).unsqueeze(1)
                torch.testing.assert_close(ours, probabilities[:, part])


@pytest.mark.parametrize("kind", [Groups, ShiftedGroups])
@pytest.mark.parametrize(("n_old", "n_channels"), [(1, 5), (5, 5), (1, 1)])
def test_groups_that_have_no_channel(kind, n_old, n_channels):
    scores = scores_of(4, n_channels)
    groups = kind(scores.clone(), n_old)
    bg_or_new = [0, *range(n_old, n_channels)]
    torch.testing.assert_close(groups.log("bg_or_old"), scores[:, :n_old].logsumexp(dim=1))
    torch.testing.assert_close(groups.log("bg_or_new"), scores[:, bg_or_new].logsumexp(dim=1))
    torch.testing.assert_close(groups.log("all"), scores.logsumexp(dim=1))
    assert ("new" in groups.parts) == (n_old < n_channels)
    assert ("old" in groups.parts) == (n_old > 1)
