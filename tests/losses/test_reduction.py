import itertools
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from avalanche_seg.losses import (
    REDUCTIONS,
    Reduction,
    cross_entropy,
    distillation,
    icarl_distillation,
    unbiased_cross_entropy,
    unbiased_distillation,
    weighted_reduction,
)
from avalanche_seg.losses.reduction import check_reduction, reduced
from tests.losses.batches import VOID, random_labels, random_logits

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


def test_the_known_ones_are_those_of_the_type():
    assert REDUCTIONS == get_args(Reduction) == ("mean", "mean_all", "sum", "none")


@pytest.mark.parametrize("void", [0.0, 0.4])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_but_for_mean_all_they_are_torchs(reduction, void):
    logits, target = random_logits(5), random_labels(5, void=void)
    expected = F.cross_entropy(logits, target, ignore_index=VOID, reduction=reduction)
    torch.testing.assert_close(cross_entropy(logits, target, reduction=reduction), expected)


@pytest.mark.parametrize("loss", [distillation, unbiased_distillation, icarl_distillation])
def test_every_pixel_counts_in_a_distillation(loss):
    logits, teacher = random_logits(5), random_logits(3, seed=2)
    assert loss(logits, teacher).equal(loss(logits, teacher, reduction="mean"))


class TestWeightedReduction:
    losses = random_logits(1, seed=3)[:, 0].square()  # B x H x W = 2 x 3 x 4
    of_images = torch.tensor([0.25, 2.0], dtype=torch.float64)
    of_pixels = random_logits(1, seed=4)[:, 0].abs()
    valid = random_labels(2, void=0.4) != VOID

    @pytest.mark.parametrize("reduction", REDUCTIONS)
    @pytest.mark.parametrize("kind", ["of_images", "of_pixels"])
    @pytest.mark.parametrize("masked", [False, True])
    def test_agrees_with_a_naive_loop(self, reduction, kind, masked):
        weight, valid = getattr(self, kind), self.valid if masked else None
        losses = self.losses * self.valid if masked else self.losses
        products, n_valid = torch.zeros_like(losses), 0
        for place in itertools.product(*map(range, losses.shape)):
            factor = weight[place[0]] if weight.ndim == 1 else weight[place]
            products[place] = factor * losses[place]
            n_valid += 1 if valid is None else int(valid[place])
        expected = {
            "mean": products.sum() / n_valid,
            "mean_all": products.sum() / losses.numel(),
            "sum": products.sum(),
            "none": products,
        }[reduction]
        value = weighted_reduction(losses, weight, reduction=reduction, valid=valid)
        torch.testing.assert_close(value, expected)

    @pytest.mark.parametrize("reduction", REDUCTIONS)
    def test_a_weight_of_one_is_the_loss_itself(self, reduction):
        logits, target = random_logits(5).requires_grad_(), random_labels(5)
        losses = cross_entropy(logits, target, reduction="none")
        valid = target != VOID
        value = weighted_reduction(losses, torch.ones(2), reduction=reduction, valid=valid)
        expected = cross_entropy(logits, target, reduction=reduction)
        torch.testing.assert_close(value, expected)
        gradients = [torch.autograd.grad(loss.sum(), logits)[0] for loss in (value, expected)]
        torch.testing.assert_close(*gradients)

    @pytest.mark.parametrize("reduction", REDUCTIONS)
    @pytest.mark.parametrize("kind", ["of_images", "of_pixels"])
    def test_gradient_of_logits_and_weight(self, reduction, kind):
        logits, target = random_logits(4, (2, 2)).requires_grad_(), random_labels(4)
        weight = getattr(self, kind).clone().requires_grad_()

        def value(logits, weight):
            losses = unbiased_cross_entropy(logits, target, n_old=3, reduction="none")
            valid = target != VOID
            return weighted_reduction(losses, weight, reduction=reduction, valid=valid)

        assert gradcheck(value, (logits, weight))

    def test_no_valid_pixel_costs_nothing(self):
        nothing = torch.zeros_like(self.losses)
        valid = torch.zeros_like(self.valid)
        assert weighted_reduction(nothing, self.of_images, reduction="mean", valid=valid) == 0

    @pytest.mark.parametrize("shape", [(), (3,), (2, 1, 1), (1, 3, 4), (2, 3, 4, 1)])
    def test_a_weight_of_another_shape(self, shape):
        with pytest.raises(ValueError, match=r"expected B x H x W.* and B or B x H x W"):
            weighted_reduction(self.losses, torch.ones(shape))

    def test_losses_must_be_a_map(self):
        with pytest.raises(ValueError, match=r'got loss_map \(\).* reduction="none"'):
            weighted_reduction(self.losses.sum(), self.of_images)

    def test_a_mask_of_another_shape_and_an_unknown_reduction(self):
        with pytest.raises(ValueError, match=r"got valid \(2, 3\).*expected the same shape"):
            weighted_reduction(self.losses, self.of_images, valid=self.valid[..., 0])
        with pytest.raises(ValueError, match="mean, mean_all, sum, none"):
            weighted_reduction(self.losses, self.of_images, reduction="median")
