import pytest
import torch

from avalanche_seg.losses.reduction import REDUCTIONS, check_reduction, reduce_pixels

LOSSES = torch.tensor([[[1.0, 0.0], [5.0, 0.0]]])
VALID = torch.tensor([[[True, False], [True, False]]])


@pytest.mark.parametrize(("reduction", "value"), [("mean", 1.5), ("mean_valid", 3.0), ("sum", 6.0)])
def test_scalars_by_hand(reduction, value):
    assert reduce_pixels(LOSSES, reduction, valid=VALID).item() == value


def test_none_returns_the_map_itself():
    assert reduce_pixels(LOSSES, "none", valid=VALID) is LOSSES


def test_without_a_mask_every_pixel_counts():
    assert reduce_pixels(LOSSES, "mean_valid").item() == 1.5


def test_the_mean_over_no_valid_pixel_is_zero():
    nothing = torch.zeros(1, 2, 2)
    assert reduce_pixels(nothing, "mean_valid", valid=torch.zeros_like(VALID)).item() == 0.0


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_an_empty_batch_costs_nothing(reduction):
    empty = torch.zeros(0, 2, 2)
    assert reduce_pixels(empty, reduction, valid=empty > 0).sum().item() == 0.0


@pytest.mark.parametrize("reduction", ["", "Mean", "batchmean"])
def test_an_unknown_reduction_lists_the_known_ones(reduction):
    for check in (check_reduction, lambda name: reduce_pixels(LOSSES, name)):
        with pytest.raises(ValueError, match="mean, mean_valid, sum, none"):
            check(reduction)
