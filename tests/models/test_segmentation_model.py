from types import SimpleNamespace

import pytest
import torch
from avalanche.models.utils import avalanche_model_adaptation

from avalanche_seg.models import SegmentationOutput
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
