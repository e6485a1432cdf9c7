"""What is particular to the unbiased cross entropy, and the modules of both."""

import math

import pytest
import torch

from avalanche_seg.losses import (
    CrossEntropy,
    UnbiasedCrossEntropy,
    cross_entropy,
    unbiased_cross_entropy,
)
from tests.losses.batches import VOID, random_labels, random_logits

REDUCTIONS = ["mean", "mean_all", "sum", "none"]


def four_pixels():
    """Probabilities 0.1, 0.2, 0.3, 0.4 at every pixel of a 2 x 2 image."""
    scores = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64).log()
    return scores.view(1, 4, 1, 1).expand(1, 4, 2, 2)


LABELS = torch.tensor([[[0, 2], [3, VOID]]])


def test_cross_entropy_by_hand():
    costs = [-math.log(0.1), -math.log(0.3), -math.log(0.4), 0.0]
    assert cross_entropy(four_pixels(), LABELS, reduction="none").flatten().tolist() == (
        pytest.approx(costs)
    )
    values = {r: cross_entropy(four_pixels(), LABELS, reduction=r).item() for r in REDUCTIONS[:3]}
    total = sum(costs)
    assert values == pytest.approx({"mean_all": total / 4, "mean": total / 3, "sum": total})


def test_unbiased_cross_entropy_by_hand():
    # K = 2: the background label means channel 0 or 1, of probability 0.1 + 0.2.
    costs = [-math.log(0.3), -math.log(0.3), -math.log(0.4), 0.0]
    losses = unbiased_cross_entropy(four_pixels(), LABELS, n_old=2, reduction="none")
    assert losses.flatten().tolist() == pytest.approx(costs)
    assert unbiased_cross_entropy(four_pixels(), LABELS, n_old=2).item() == (
        pytest.approx(sum(costs) / 4)
    )


def test_void_stays_in_the_denominator_of_the_mean_by_default():
    loss = cross_entropy(torch.zeros(1, 2, 1, 4), torch.tensor([[[0, VOID, VOID, VOID]]]))
    assert loss.item() == pytest.approx(math.log(2) / 4)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_one_old_channel_makes_it_the_cross_entropy(reduction):
    logits, labels = random_logits(5), random_labels(5)
    torch.testing.assert_close(
        unbiased_cross_entropy(logits, labels, n_old=1, reduction=reduction),
        cross_entropy(logits, labels, reduction=reduction),
    )


def test_which_old_class_a_label_shows_makes_no_difference():
    logits, labels = random_logits(6), random_labels(6)
    as_background = torch.where(labels < 4, 0, labels)
    first = unbiased_cross_entropy(logits, labels, n_old=4, reduction="none")
    assert torch.equal(
        first, unbiased_cross_entropy(logits, as_background, n_old=4, reduction="none")
    )


def test_the_background_label_does_not_push_old_classes_down():
    logits = random_logits(5).requires_grad_()
    unbiased_cross_entropy(logits, torch.zeros(2, 3, 4, dtype=torch.int64), n_old=3).backward()
    assert (logits.grad[:, :3] < 0).all(), "descent raises the background and every old class"
    assert (logits.grad[:, 3:] > 0).all()


@pytest.mark.parametrize("n_old", [-1, 0, 6])
def test_n_old_out_of_range(n_old):
    with pytest.raises(ValueError, match=rf"n_old={n_old}; expected 1\.\.5"):
        unbiased_cross_entropy(random_logits(5), random_labels(5), n_old=n_old)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignore_index", [VOID, 2])
def test_modules_equal_the_functions(reduction, ignore_index):
    logits, labels = random_logits(5), random_labels(5, void=0.0)
    options = {"ignore_index": ignore_index, "reduction": reduction}
    assert torch.equal(
        CrossEntropy(**options)(logits, labels), cross_entropy(logits, labels, **options)
    )
    assert torch.equal(
        UnbiasedCrossEntropy(n_old=3, **options)(logits, labels),
        unbiased_cross_entropy(logits, labels, n_old=3, **options),
    )


def test_step_0_is_the_plain_cross_entropy():
    criterion = UnbiasedCrossEntropy(n_old=4, ignore_index=7, reduction="sum").at_step(0)
    assert type(criterion) is CrossEntropy
    assert (criterion.ignore_index, criterion.reduction) == (7, "sum")


def test_a_later_step_has_its_own_number_of_old_channels():
    template = UnbiasedCrossEntropy(ignore_index=7, reduction="sum")
    criterion = template.at_step(4)
    assert type(criterion) is UnbiasedCrossEntropy
    assert (criterion.n_old, criterion.ignore_index, criterion.reduction) == (4, 7, "sum")
    assert template.n_old == 1, "the module it came from stays as it was"


@pytest.mark.parametrize("module", [CrossEntropy, UnbiasedCrossEntropy])
def test_modules_check_the_reduction_at_once(module):
    with pytest.raises(ValueError, match="mean, mean_all, sum, none"):
        module(reduction="median")
