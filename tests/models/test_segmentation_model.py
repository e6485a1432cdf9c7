import copy
from types import SimpleNamespace

import pytest
import torch
from avalanche.models.utils import avalanche_model_adaptation

from avalanche_seg.kernels import predicted_labels, resize_logits
from avalanche_seg.models import SegmentationModel, SegmentationOutput
from avalanche_seg.normalization import IMAGENET_MEAN, IMAGENET_STD
from tests.losses import references
from tests.models.tiny import random_images, tiny_model


def random_bytes(*size):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (2, 3, *size), generator=generator, dtype=torch.uint8)


def normalised(images):
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images / 255 - mean) / std


def test_training_output():
    model = tiny_model(3, 2)
    images = random_images(16, 24)
    output = model(images)
    assert isinstance(output, SegmentationOutput)
    features = model.network(images)
    torch.testing.assert_close(output.features["head"], features.main)
    torch.testing.assert_close(output.logits, model.head(features.main))
    (aux,) = output.aux
    torch.testing.assert_close(aux, model.aux_heads[0](features.aux[0]))
    assert output.logits.shape == aux.shape == (2, 5, 4, 6)


def test_auxiliary_outputs_are_for_training_only():
    model = tiny_model(3)
    assert len(model(random_images(16, 24)).aux) == 1
    assert model.eval()(random_images(16, 24)).aux == ()


def test_a_model_without_auxiliary_heads_must_not_get_auxiliary_maps():
    with pytest.raises(ValueError):
        tiny_model(3, aux=False)(random_images(16, 24))
    assert tiny_model(3, aux=False).eval()(random_images(16, 24)).aux == ()


def test_all_heads_grow_together():
    model = tiny_model()
    assert (model.n_classes, model.classes_per_step) == (0, [])
    for channels in [(0, 1, 2), (3,)]:
        step = SimpleNamespace(classes_in_this_experience=list(channels))
        avalanche_model_adaptation(model, step)
    model.grow(2)
    assert (model.n_classes, model.classes_per_step) == (6, [3, 1, 2])
    assert [head.classes_per_step for head in model.heads] == [[3, 1, 2]] * 2
    assert model.heads[0] is model.head


def test_bytes_are_normalised_like_any_image():
    model = tiny_model(3).eval()
    images = random_bytes(16, 24)
    torch.testing.assert_close(model(images).logits, model(normalised(images)).logits)
    assert torch.equal(model.predict(images), model.predict(normalised(images)))


@pytest.mark.parametrize("size", [(16, 24), (33, 47), (9, 13)])
def test_prediction_is_the_best_channel_of_the_resized_logits(size):
    model = tiny_model(3, 2)
    images = random_images(*size)
    prediction = model.predict(images)
    assert (prediction.shape, prediction.dtype) == ((2, *size), torch.int64)
    with torch.no_grad():
        logits = model.eval()(images).logits
    scores = list(references.pixels(logits.double().tolist(), size))
    best = [max(range(5), key=z.__getitem__) for z in scores]
    assert prediction.flatten().tolist() == best
    assert len(set(best)) > 1


@pytest.mark.parametrize("training", [True, False])
def test_prediction_leaves_the_model_as_it_was(training):
    model = tiny_model(3).train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.predict(random_images(16, 24))
    assert {module.training for module in model.modules()} == {training}
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_prediction_leaves_a_frozen_norm_in_evaluation_mode():
    model = tiny_model(3)
    model.network.norm.eval()
    model.predict(random_images(16, 24))
    assert not model.network.norm.training
    assert model.training
    assert model.network.conv.training


def test_prediction_restores_the_mode_after_an_error():
    model = tiny_model()
    model.network.norm.eval()
    with pytest.raises(RuntimeError, match="no channel yet"):
        model.predict(random_images(16, 24))
    assert model.training
    assert not model.network.norm.training


def test_prediction_keeps_no_graph():
    model = tiny_model(3)
    model.predict(random_images(16, 24).requires_grad_())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model(random_images(16, 24)).logits.requires_grad


def test_main_and_auxiliary_heads_learn():
    model = tiny_model(3, 2)
    output = model(random_images(16, 24))
    (output.logits.square().mean() + output.aux[0].square().mean()).backward()
    assert all(parameter.grad.any() for head in model.heads for parameter in head.parameters())


class SigmoidModel(SegmentationModel):
    """As in DKD: classes are independent, the background is what none of them claims."""

    def scores(self, logits):
        classes = logits[:, self.n_extra :].sigmoid()
        threshold = torch.full_like(classes[:, :1], 0.6)
        return torch.cat([threshold, classes], dim=1)


class UnknownModel(SegmentationModel):
    """As in SSUL: the unknown channel is background too."""

    def scores(self, logits):
        background = logits[:, :2].amax(dim=1, keepdim=True)
        return torch.cat([background, logits[:, 2:]], dim=1)


@pytest.mark.parametrize("budget", [1, 7 * 4 * 100, None])
@pytest.mark.parametrize(
    ("kind", "options", "n_channels"),
    [
        (SigmoidModel, {"n_extra": 1, "background": "none"}, 5),
        (UnknownModel, {"n_extra": 1}, 6),
        (SegmentationModel, {"n_extra": 2}, 7),
        (SegmentationModel, {"n_extra": 1, "background": "none"}, 5),
        (SegmentationModel, {"background": "separate", "head": "3x3"}, 5),
    ],
)
def test_prediction_is_the_best_of_the_scores(kind, options, n_channels, budget, set_tile_bytes):
    model = tiny_model(3, 2, kind=kind, **options)
    for head in model.heads:  # Larger scores, so that several classes are seen.
        for parameter in head.parameters():
            parameter.data *= 4
    images = random_images(33, 47)
    with torch.no_grad():
        logits = model.eval()(images).logits
        scores = model.scores(resize_logits(logits, (33, 47)))
    assert (model.n_classes, model.n_channels) == (5, n_channels)
    assert (logits.shape[1], scores.shape[1]) == (n_channels, 5)
    if budget is not None:
        set_tile_bytes(budget)
    assert torch.equal(model.predict(images), scores.argmax(dim=1))
    assert len(scores.argmax(dim=1).unique()) > 1


def test_scores_are_the_logits_themselves_where_all_channels_are_classes():
    logits = torch.randn(1, 5, 2, 2)
    assert tiny_model(3, 2).scores(logits) is logits


def test_pixels_as_floating_point_numbers_are_refused():
    model, images = tiny_model(3), random_bytes(16, 24)
    for scaled in (images / 255, images.float()):
        with pytest.raises(ValueError, match=r"not normalised; .* takes normalized=True"):
            model.predict(scaled)
        with torch.no_grad():
            expected = predicted_labels(model.eval()(scaled).logits, (16, 24))
        assert torch.equal(model.predict(scaled, normalized=True), expected)
    model.predict(normalised(images))


def test_other_integers_are_refused():
    with pytest.raises(ValueError, match="dtype int64; expected uint8"):
        tiny_model(3).predict(random_bytes(16, 24).long())


def test_taps_may_be_left_out():
    model = tiny_model(3, taps=())
    assert model(random_images(16, 24)).features == {}
    with pytest.raises(ValueError, match=r"taps 'layer1' are unknown; expected some of head"):
        model.taps = {"layer1"}
    assert model.taps == frozenset()


def test_an_unknown_head_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"head='5x5' is unknown; expected one of 1x1, 3x3"):
        tiny_model(head="5x5")


def test_a_copy_has_its_own_taps_and_heads():
    model = tiny_model(3, n_extra=1)
    copied = copy.deepcopy(model)
    copied.taps = ()
    copied.grow(2)
    assert (model.taps, model.classes_per_step) == ({"head"}, [3])
    assert (copied.taps, copied.classes_per_step) == (frozenset(), [3, 2])


def test_names_and_ids_are_unknown_at_first():
    assert (tiny_model(3).class_names, tiny_model(3).class_ids) == ((), ())
