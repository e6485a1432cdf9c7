import pytest
import torch
from torch import nn

from avalanche_seg.models import HEADS
from avalanche_seg.models.classifiers import (
    ConvFactory,
    conv1x1,
    conv3x3_group,
    head_factories,
    plain_parameters,
)


@pytest.mark.parametrize("name", HEADS)
def test_every_kind_classifies_pixels(name):
    classifier = HEADS[name](6, 3)
    maps = torch.randn(2, 6, 5, 7)
    assert classifier(maps).shape == (2, 3, 5, 7)
    classifier(maps).square().mean().backward()
    assert all(parameter.grad.any() for parameter in classifier.parameters())


def test_a_plain_classifier_is_torchs_own():
    torch.manual_seed(0)
    expected = nn.Conv2d(6, 3, kernel_size=1)
    torch.manual_seed(0)
    assert torch.equal(conv1x1(6, 3).weight, expected.weight)


def test_kaimings_start():
    torch.manual_seed(0)
    made = HEADS["1x1-kaiming"](512, 300)
    assert made.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.01)
    assert made.weight.mean().item() == pytest.approx(0, abs=1e-3)
    assert made.bias.abs().max() <= 512**-0.5, "torch's default"


def test_a_group_has_the_layers_of_ssul():
    conv, norm, relu, classifier = conv3x3_group(6, 3)
    assert (conv.weight.shape, conv.bias) == ((6, 6, 3, 3), None)
    assert isinstance(norm, nn.BatchNorm2d) and isinstance(relu, nn.ReLU)
    assert classifier.weight.shape == (3, 6, 1, 1)


@pytest.mark.parametrize("classifier", [conv1x1(6, 3), ConvFactory((3, 3), (1, 1))(6, 3)])
def test_rows_of_a_plain_classifier(classifier):
    assert plain_parameters(classifier) == (classifier.weight, classifier.bias)


@pytest.mark.parametrize(
    ("classifier", "got"),
    [
        (nn.ConvTranspose2d(6, 3, 2), "ConvTranspose2d"),
        (nn.Conv2d(6, 3, 1, bias=False), "Conv2d"),
        (conv3x3_group(6, 3), "Sequential"),
        (None, "none"),
    ],
)
def test_other_classifiers_have_no_rows(classifier, got):
    with pytest.raises(ValueError, match=f"one convolution with bias; got {got}"):
        plain_parameters(classifier)


def test_factories_of_heads():
    assert head_factories("3x3", 3) == [conv3x3_group, conv1x1, conv1x1]
    assert head_factories("1x1-kaiming", 2) == [HEADS["1x1-kaiming"]] * 2
    own = [ConvFactory((3, 3), (1, 1)), conv1x1]
    assert head_factories(own, 2) == own
    with pytest.raises(ValueError, match=r"head='5x5' is unknown; expected one of 1x1, 3x3"):
        head_factories("5x5", 1)
