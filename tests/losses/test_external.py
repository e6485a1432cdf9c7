import pytest
import torch
import torch.nn.functional as F
from torch import nn

from avalanche_seg.losses import AtTargetSize, CrossEntropy, at_target_size, cross_entropy
from tests.losses.batches import VOID, random_labels, random_logits

SIZE = (24, 32)  # Of the label map; the logits are 3 x 4.


def theirs(**options):
    return nn.CrossEntropyLoss(ignore_index=VOID, **options)


def test_the_criterion_sees_torchs_resize_of_the_logits():
    logits, target = random_logits(5).requires_grad_(), random_labels(5, SIZE)
    loss = AtTargetSize(theirs(label_smoothing=0.1))(logits, target)
    full = F.interpolate(logits, SIZE, mode="bilinear", align_corners=False)
    expected = F.cross_entropy(full, target, ignore_index=VOID, label_smoothing=0.1)
    torch.testing.assert_close(loss, expected)
    gradients = [torch.autograd.grad(value, logits)[0] for value in (loss, expected)]
    torch.testing.assert_close(*gradients)


def test_torchs_cross_entropy_is_ours():
    logits, target = random_logits(5), random_labels(5, SIZE)
    torch.testing.assert_close(
        AtTargetSize(theirs())(logits, target), cross_entropy(logits, target, reduction="mean")
    )


def test_logits_that_fit_are_passed_on_as_they_are():
    seen = []

    def criterion(logits, target):
        seen.append(logits)
        return logits.sum()

    logits = random_logits(5)
    AtTargetSize(criterion)(logits, random_labels(5))
    assert seen[0] is logits


def test_probabilities_as_a_target():
    logits, target = random_logits(5), random_logits(5, SIZE, seed=2).softmax(dim=1)
    full = F.interpolate(logits, SIZE, mode="bilinear", align_corners=False)
    torch.testing.assert_close(
        AtTargetSize(nn.CrossEntropyLoss())(logits, target), F.cross_entropy(full, target)
    )


def test_half_precision_is_resized_in_float32():
    logits, target = random_logits(5).bfloat16(), random_labels(5, SIZE)
    loss = AtTargetSize(theirs())(logits, target)
    torch.testing.assert_close(loss, cross_entropy(logits, target, reduction="mean"))


def test_a_criterion_with_weights_of_its_own_is_a_submodule():
    criterion = AtTargetSize(theirs(weight=torch.arange(5.0)))
    assert criterion.double().criterion.weight.dtype == torch.float64
    assert list(criterion.state_dict()) == ["criterion.weight"]


def test_only_what_does_not_resize_itself_is_wrapped():
    ours, wrapped = CrossEntropy(), AtTargetSize(theirs())
    assert at_target_size(ours) is ours
    assert at_target_size(wrapped) is wrapped
    for criterion in (theirs(), F.cross_entropy):
        made = at_target_size(criterion)
        assert isinstance(made, AtTargetSize) and made.criterion is criterion


@pytest.mark.parametrize(
    ("logits_shape", "target_shape"),
    [((2, 5), (2,)), ((2, 5, 3, 4), (2,)), ((2, 5, 3, 4), (3, 24, 32)), ((5, 3, 4), (24, 32))],
)
def test_shapes_that_do_not_fit(logits_shape, target_shape):
    with pytest.raises(ValueError, match="expected B x C x h x w and B x H x W"):
        AtTargetSize(theirs())(torch.zeros(logits_shape), torch.zeros(target_shape).long())
