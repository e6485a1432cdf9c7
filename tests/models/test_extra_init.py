import pytest
import torch

from avalanche_seg.models import BiSeNet, IncrementalHead, extra_classifier_init
from avalanche_seg.models.classifiers import conv3x3_group
from tests.models.tiny import feature_maps, head_of


def test_a_new_group_is_the_extra_one_for_every_class():
    head = head_of(3, n_extra=1, background="split", factory=conv3x3_group)
    head.train()(feature_maps())  # Statistics of its own in every norm.
    head.init_new = extra_classifier_init
    head.grow(2)
    extra, new = head.classifiers[0], head.classifiers[-1]
    for name, value in extra[1].state_dict().items():
        assert new[1].state_dict()[name].equal(value), name
    assert extra[1].running_mean.abs().sum() > 0
    logits = head.eval()(feature_maps())
    torch.testing.assert_close(logits[:, -2:], logits[:, :1].expand(-1, 2, -1, -1))
    assert new[0].weight.data_ptr() != extra[0].weight.data_ptr(), "a copy"


@pytest.mark.parametrize("n_extra", [0, 2])
def test_a_head_without_the_one_extra_channel_is_refused(n_extra):
    head = head_of(3, n_extra=n_extra, init_new=extra_classifier_init)
    with pytest.raises(ValueError, match=rf"has {n_extra} extra channels.*n_extra=1"):
        head.grow(2)


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("factory", ["1x1", "3x3"])
def test_the_extra_channel_may_leave_the_features_alone(detach, factory):
    options = {"factory": conv3x3_group} if factory == "3x3" else {}
    head, features = head_of(3, 2, n_extra=1, **options).eval(), feature_maps().requires_grad_()
    expected = head(features).detach()
    head.detach_extra = detach
    logits = head(features)
    torch.testing.assert_close(logits, expected)
    (of_extra,) = torch.autograd.grad(logits[:, 0].sum(), features, retain_graph=True)
    assert of_extra.any() != detach
    (of_class,) = torch.autograd.grad(logits[:, 1].sum(), features)
    assert of_class.any()


def test_signed_parts_add_up():
    head, features = head_of(3, 2, n_extra=1).double(), feature_maps(dtype=torch.float64)
    positive, negative = head.signed_parts(features.abs())
    bias = torch.cat([c.bias for c in head.classifiers]).view(1, -1, 1, 1)
    torch.testing.assert_close(positive + negative + bias, head(features.abs()))
    assert (positive >= 0).all() and (negative <= 0).all()


def test_a_split_background_needs_an_extra_channel():
    with pytest.raises(ValueError, match=r"background='split' .*expected n_extra=1 or more"):
        IncrementalHead(4, background="split")


def test_taps_of_the_parts_and_auxiliary_heads_held_in_evaluation():
    model = BiSeNet("resnet18", n_extra=1, background="none", classes_per_step=(3,))
    model.taps = ("head+",)
    output = model(torch.zeros(2, 3, 32, 32))
    assert set(output.features) == {"head+"} and output.features["head+"].shape[1] == 3
    assert len(output.aux) == 2
    model.aux_heads.eval()
    assert model(torch.zeros(2, 3, 32, 32)).aux == ()
