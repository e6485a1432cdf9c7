import math

import pytest
import torch

from avalanche_seg.models import balanced_classifier_init, balanced_init
from avalanche_seg.models.classifiers import conv3x3_group
from tests.models.tiny import feature_maps as features
from tests.models.tiny import head_of


def test_balanced_init_by_hand():
    weight, bias, background = balanced_init(torch.tensor([1.0, -2.0]), torch.tensor(0.5), 3)
    assert weight.tolist() == [[1.0, -2.0]] * 3
    assert bias.tolist() == pytest.approx([0.5 - math.log(4)] * 3)
    assert background.item() == pytest.approx(0.5 - math.log(4))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_balanced_init_copies(dtype):
    old_weight, old_bias = torch.ones(4, 1, 1, dtype=dtype), torch.tensor(1.0, dtype=dtype)
    results = balanced_init(old_weight, old_bias, 2)
    assert [tuple(result.shape) for result in results] == [(2, 4, 1, 1), (2,), ()]
    for result in results:
        assert result.dtype == dtype
        result.zero_()
    assert old_weight.sum() == 4
    assert old_bias == 1


@pytest.mark.parametrize("n_new", [0, -1])
def test_balanced_init_needs_a_new_class(n_new):
    with pytest.raises(ValueError, match=f"n_new={n_new}"):
        balanced_init(torch.ones(2), torch.tensor(0.0), n_new)


@pytest.mark.parametrize("steps", [(3, 1), (3, 5), (1, 2), (3, 2, 4)])
def test_balanced_init_splits_the_background_evenly(steps):
    head = head_of(*steps[:-1], init_new=balanced_classifier_init).double()
    maps = 3 * features(dtype=torch.float64)
    before = head(maps).softmax(dim=1)
    n_new, n_old = steps[-1], before.shape[1]
    head.grow(n_new)
    after = head(maps).softmax(dim=1)
    torch.testing.assert_close(after[:, 1:n_old], before[:, 1:])
    for channel in [0, *range(n_old, n_old + n_new)]:
        torch.testing.assert_close(after[:, channel], before[:, 0] / (n_new + 1))


@pytest.mark.parametrize("background", ["shared", "separate"])
def test_the_background_is_found_behind_extra_channels(background):
    head = head_of(3, n_extra=2, background=background, init_new=balanced_classifier_init).double()
    maps = 3 * features(dtype=torch.float64)
    before = head(maps)
    head.grow(4)
    after = head(maps)
    assert torch.equal(after[:, :2], before[:, :2])
    probabilities, earlier = after[:, 2:].softmax(dim=1), before[:, 2:].softmax(dim=1)
    torch.testing.assert_close(probabilities[:, 1:3], earlier[:, 1:])
    for channel in (0, 3, 4, 5, 6):
        torch.testing.assert_close(probabilities[:, channel], earlier[:, 0] / 5)


@pytest.mark.parametrize(
    ("options", "got"),
    [({"factory": conv3x3_group}, "Sequential"), ({"background": "none"}, "none")],
    ids=["3x3", "no background"],
)
def test_a_head_without_the_background_in_one_row_is_refused(options, got):
    head = head_of(3, init_new=balanced_classifier_init, **options)
    before = {name: value.clone() for name, value in head.state_dict().items()}
    with pytest.raises(ValueError, match=rf"row of a convolution.*got {got}; make .*head='1x1'"):
        head.grow(2)
    assert head.classes_per_step == [3]
    assert list(head.state_dict()) == list(before)
    assert all(torch.equal(value, before[name]) for name, value in head.state_dict().items())
