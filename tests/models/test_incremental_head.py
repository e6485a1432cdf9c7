import copy
from types import SimpleNamespace

import pytest
import torch
from avalanche.models.utils import avalanche_model_adaptation

from avalanche_seg.models import balanced_classifier_init
from avalanche_seg.models.classifiers import conv3x3_group
from tests.models.tiny import feature_maps as features
from tests.models.tiny import head_of


def experience(*channels):
    return SimpleNamespace(classes_in_this_experience=list(channels))


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


@pytest.mark.parametrize("background", ["shared", "separate", "none"])
@pytest.mark.parametrize("factory", [None, conv3x3_group], ids=["1x1", "3x3"])
def test_extra_channels_come_first_and_steps_follow(factory, background):
    options = {"n_extra": 2, "background": background} | ({"factory": factory} if factory else {})
    head = head_of(3, 1, 2, **options).eval()
    of_step_0 = {"shared": [3], "separate": [1, 2], "none": [2]}[background]
    assert [group.n_channels for group in head.groups] == [2, *of_step_0, 1, 2]
    assert [group.step for group in head.groups] == [0] * (1 + len(of_step_0)) + [1, 2]
    assert (head.classes_per_step, head.n_classes) == ([3, 1, 2], 6)
    assert head.out_channels == 8 - (background == "none")
    maps = features()
    expected = torch.cat([classifier(maps) for classifier in head.classifiers], dim=1)
    torch.testing.assert_close(head(maps), expected)
    assert head(maps).shape[1] == head.out_channels


@pytest.mark.parametrize("background", ["shared", "separate", "none"])
def test_experiences_count_classes_and_not_channels(background):
    head = head_of(n_extra=1, background=background)
    for classes in [(0, 1, 2), (3,), (3,), (4, 5)]:
        head.adaptation(experience(*classes))
    assert head.classes_per_step == [3, 1, 2]


def test_where_the_background_and_the_extra_channels_are():
    shared, separate = head_of(3, n_extra=1), head_of(3, background="separate")
    none = head_of(3, background="none")
    assert shared.extra_classifier is shared.classifiers[0]
    assert shared.background_classifier is shared.classifiers[1]
    assert separate.extra_classifier is None
    assert separate.background_classifier is separate.classifiers[0]
    assert none.background_classifier is None
    assert head_of(n_extra=1).extra_classifier is None


def test_another_factory_concatenates_its_outputs():
    class Cosine(torch.nn.Module):
        def __init__(self, in_channels, n_new):
            super().__init__()
            self.prototypes = torch.nn.Parameter(torch.randn(n_new, in_channels))

        def forward(self, maps):
            normal = torch.nn.functional.normalize
            return torch.einsum("bchw,nc->bnhw", normal(maps, dim=1), normal(self.prototypes))

    head = head_of(2, 3, factory=Cosine).double()
    maps = features(dtype=torch.float64)
    scores = head(maps)
    assert scores.shape == (2, 5, 3, 5)
    similarity = torch.nn.functional.cosine_similarity
    for channel in range(5):
        step, row = (0, channel) if channel < 2 else (1, channel - 2)
        prototype = head.classifiers[step].prototypes[row].view(1, -1, 1, 1)
        torch.testing.assert_close(scores[:, channel], similarity(maps, prototype, dim=1))


@pytest.mark.parametrize("training", [True, False])
def test_a_new_group_is_in_the_mode_of_its_head(training):
    head = head_of(2, factory=conv3x3_group).train(training)
    head.grow(1)
    assert {module.training for module in head.modules()} == {training}


def rows_of_the_extra_channel(head, classifier):
    """SSUL's and DKD's start: a new group is the extra one, its last rows repeated."""
    extra = head.extra_classifier.state_dict()
    state = {key: extra[key].expand_as(value) for key, value in classifier.state_dict().items()}
    classifier.load_state_dict(state)


@pytest.mark.parametrize("factory", ["1x1", "3x3"])
def test_new_classes_may_start_as_the_extra_channel(factory):
    options = {"factory": conv3x3_group} if factory == "3x3" else {}
    head = head_of(3, n_extra=1, **options)
    head.init_new = rows_of_the_extra_channel
    head(features())  # Batch norm has seen something.
    head.grow(2)
    head.grow(1)
    logits = head.eval()(features())
    for channel in (4, 5, 6):
        torch.testing.assert_close(logits[:, channel], logits[:, 0])
    assert not torch.allclose(logits[:, 1], logits[:, 0])
    pointers = [parameter.data_ptr() for parameter in head.parameters()]
    assert len(set(pointers)) == len(pointers)


@pytest.mark.parametrize("n_extra", [-1, -3])
def test_there_is_no_negative_number_of_extra_channels(n_extra):
    with pytest.raises(ValueError, match=f"n_extra={n_extra}; expected 0 or more"):
        head_of(n_extra=n_extra)


def test_an_unknown_place_of_the_background_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"background='own' is unknown.*separate, split, none"):
        head_of(background="own")


def test_a_background_without_channel_leaves_a_class_to_step_0():
    with pytest.raises(ValueError, match=r"n_new=1 .*at least one class beside it"):
        head_of(1, background="none")
