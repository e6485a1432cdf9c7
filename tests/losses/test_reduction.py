import pytest
import torch

from avalanche_seg.losses.reduction import REDUCTIONS, check_reduction, reduced

TOTAL = torch.tensor(6.0)
VALID = torch.tensor([[[True, False], [True, False]]])


@pytest.mark.parametrize(("reduction", "value"), [("mean_all", 1.5), ("mean", 3.0), ("sum", 6.0)])
def test_scalars_by_hand(reduction, value):
    assert reduced(TOTAL, reduction, n_pixels=4, valid=VALID).item() == value


def test_none_returns_the_map_itself():
    losses = torch.ones(1, 2, 2)
    assert reduced(losses, "none", n_pixels=4, valid=VALID) is losses


def test_without_a_mask_every_pixel_counts():
    assert reduced(TOTAL, "mean", n_pixels=4).item() == 1.5


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("valid", [torch.zeros_like(VALID), torch.zeros(0, 2, 2) > 0])
def test_the_mean_over_no_valid_pixel_is_zero(reduction, valid):
    nothing = torch.tensor(0.0)
    assert reduced(nothing, reduction, n_pixels=valid.numel(), valid=valid).item() == 0.0


@pytest.mark.parametrize("reduction", ["", "Mean", "batchmean"])
def test_an_unknown_reduction_lists_the_known_ones(reduction):
    for check in (check_reduction, lambda name: reduced(TOTAL, name, n_pixels=4)):
        with pytest.raises(ValueError, match="mean, mean_all, sum, none"):
            check(reduction)
