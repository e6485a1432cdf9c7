"""Classifiers are found by what they do to the output."""

import pytest
import torch
from torch import nn

from avalanche_seg.models.adapting.classifier_search import (
    check_classifier,
    factory_like,
    find_classifiers,
    joined_classifier,
)
from tests.adapted import Plain
from tests.models.tiny import random_images


def found(network):
    torch.manual_seed(0)
    images = random_images(16, 16)
    with torch.no_grad():
        return find_classifiers(network.eval(), images, network(images))


class After(nn.Sequential):
    """A plain network, then a function of its logits."""

    def __init__(self, function, network=None):
        super().__init__(network or Plain())
        self.function = function

    def forward(self, images):
        return self.function(super().forward(images))


def test_the_last_convolution_is_told_from_others_of_its_channels():
    convolutions = [nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 5, 3), nn.Conv2d(5, 5, 1)]
    assert found(nn.Sequential(*convolutions, nn.Upsample(16))) == ["3"]


def test_a_shortcut_from_an_earlier_convolution_is_not_taken_for_a_classifier():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, images):
            hidden = self.a(images)
            return hidden + self.b(hidden.relu())

    assert found(Residual()) == ["b"]


def test_outputs_that_are_added_have_several():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

        def forward(self, images):
            return self.a(images) + self.b(images.relu())

    assert found(Sum()) == ["a", "b"]


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda logits: logits.softmax(1), r"probabilities \(a softmax\); expected logits"),
        (lambda logits: logits.log_softmax(1), "logarithms of probabilities"),
        (lambda logits: logits.sigmoid(), r"values in 0..1 \(a sigmoid\?\)"),
        (lambda logits: logits.tanh(), "no convolution of 4 channels whose output"),
        (lambda logits: logits * 2, "no convolution of 4 channels whose output"),
    ],
    ids=["softmax", "log softmax", "sigmoid", "tanh", "scaled"],
)
def test_what_follows_the_classifier_is_named(function, told):
    with pytest.raises(ValueError, match=told):
        found(After(function))


def test_other_classifiers_are_named():
    with pytest.raises(ValueError, match=r"is '2' \(ConvTranspose2d\); expected an nn.Conv2d of"):
        found(nn.Sequential(nn.Conv2d(3, 8, 2, 2), nn.ReLU(), nn.ConvTranspose2d(8, 5, 2, 2)))

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 5)

        def forward(self, images):
            return self.head(self.embed(images).movedim(1, -1)).movedim(-1, 1)

    with pytest.raises(ValueError, match=r"of Tokens is 'head' \(Linear\); expected"):
        found(Tokens())


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(8, 4, 1, stride=2),
        nn.Conv2d(8, 4, 1, groups=4),
        nn.Conv2d(8, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(8, 4, 2, padding="same"),
        nn.Linear(8, 4),
    ],
    ids=str,
)
def test_a_classifier_that_cannot_be_taken_out_is_named(module):
    with pytest.raises(ValueError, match=r"classifier 'x' is .*; expected an nn.Conv2d of stride"):
        check_classifier("x", module)


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(8, 4, 1),
        nn.Conv2d(8, 4, (3, 5), padding=(1, 2)),
        nn.Conv2d(8, 4, 3, padding="same", dilation=2),
        nn.Conv2d(8, 4, 3, padding="valid", bias=False),
    ],
    ids=str,
)
def test_convolutions_of_the_same_geometry_and_weights_compute_the_same(convolution):
    maps = torch.randn(2, 8, 9, 11, generator=torch.Generator().manual_seed(0))
    made = factory_like(convolution)(8, 6)
    assert made(maps).shape[2:] == convolution(maps).shape[2:]
    torch.testing.assert_close(joined_classifier([convolution])(maps), convolution(maps))
