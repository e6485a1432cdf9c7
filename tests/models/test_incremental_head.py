import copy
import math
from types import SimpleNamespace

import pytest
import torch
from avalanche.models.utils import avalanche_model_adaptation

from avalanche_seg.models import IncrementalHead, balanced_classifier_init, balanced_init


def experience(*channels):
    return SimpleNamespace(classes_in_this_experience=list(channels))


def head_of(*steps, in_channels=4, init_new=None):
    torch.manual_seed(0)
    head = IncrementalHead(in_channels)
    head.init_new = init_new
    for n_new in steps:
        head.grow(n_new)
    return head


def features(batch=2, in_channels=4, size=(3, 5), dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, in_channels, *size, generator=generator, dtype=dtype)


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


def test_it_grows_with_the_experiences_it_is_trained_on():
    head = head_of()
    for channels, steps in [((0, 1, 2), [3]), ((3,), [3, 1]), ((4, 5), [3, 1, 2])]:
        head.adaptation(experience(*channels))
        assert head.classes_per_step == steps
        assert head.out_channels == sum(steps)
        head.adaptation(experience(*channels))
        assert head.classes_per_step == steps, "the same experience again"
    head.adaptation(experience(0, 1, 2))
    assert head.classes_per_step == [3, 1, 2], "an earlier experience again"


def test_it_grows_through_avalanche_in_training_only():
    model = torch.nn.Sequential(head_of())
    avalanche_model_adaptation(model.eval(), experience(0, 1, 2))
    assert model[0].out_channels == 0
    avalanche_model_adaptation(model.train(), experience(0, 1, 2))
    assert model[0].out_channels == 3


@pytest.mark.parametrize("steps", [(), (3,)])
def test_a_skipped_step_is_an_error(steps):
    head = head_of(*steps)
    with pytest.raises(ValueError, match=rf"has {sum(steps)} channels .* adds channels 5\.\.7"):
        head.adaptation(experience(5, 6, 7))
    assert head.classes_per_step == list(steps)


def test_channels_follow_the_order_of_the_steps():
    head = head_of(2, 1, 3)
    maps = features()
    expected = torch.cat([classifier(maps) for classifier in head.classifiers], dim=1)
    torch.testing.assert_close(head(maps), expected)
    assert head(maps).shape == (2, 6, 3, 5)


def test_growing_leaves_the_old_channels_alone():
    head, maps = head_of(2, 1), features()
    before, parameters = head(maps), list(head.parameters())
    head.grow(3)
    torch.testing.assert_close(head(maps)[:, :3], before)
    kept = list(head.parameters())[: len(parameters)]
    assert all(new is old for new, old in zip(kept, parameters, strict=True))


def test_init_new_is_called_from_the_second_classifier_on():
    calls = []
    head = head_of()
    head.init_new = lambda grown, classifier: calls.append(
        (grown is head, grown.out_channels, classifier.out_channels)
    )
    for n_new in (3, 1, 2):
        head.grow(n_new)
    assert calls == [(True, 3, 1), (True, 4, 2)]


def test_an_empty_head_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"no channel yet; train .* or call grow\(n\)"):
        head_of()(features())


@pytest.mark.parametrize("n_new", [0, -2])
def test_it_cannot_grow_by_nothing(n_new):
    with pytest.raises(ValueError, match=f"n_new={n_new}"):
        head_of(3).grow(n_new)


@pytest.mark.parametrize("steps", [(), (2,)], ids=["empty", "grown"])
def test_new_classifiers_follow_dtype_and_device(steps):
    head = head_of(*steps, init_new=balanced_classifier_init)
    head.double().grow(2)
    assert {parameter.dtype for parameter in head.parameters()} == {torch.float64}
    head.to("meta").grow(2)
    assert {parameter.device.type for parameter in head.parameters()} == {"meta"}


@pytest.mark.parametrize("init_new", [None, balanced_classifier_init])
def test_every_classifier_gets_a_gradient(init_new):
    head = head_of(2, 3, init_new=init_new)
    head(features()).square().sum().backward()
    assert len(list(head.parameters())) == 4
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert parameter.grad.any()


def test_a_copy_grows_alone():
    head = head_of(2)
    copied = copy.deepcopy(head)
    copied.grow(3)
    assert (head.out_channels, copied.out_channels) == (2, 5)


def test_the_state_dict_holds_the_classifiers_only():
    assert set(head_of(2, 1).state_dict()) == {
        f"classifiers.{step}.{name}" for step in (0, 1) for name in ("weight", "bias")
    }
