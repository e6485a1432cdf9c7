"""A network without its classifiers."""

import copy

import pytest
import torch
from torch import nn

from avalanche_seg.models.adapting.network import TappedNetwork, padded_to
from avalanche_seg.models.adapting.taps import TapError
from tests.adapted import Plain
from tests.models.tiny import random_images


def tapped(**options):
    torch.manual_seed(0)
    return TappedNetwork(Plain("aux"), ["classifier"], aux=["aux"], **options)


def test_the_maps_under_the_classifiers_and_taps():
    network, images = (
        tapped(taps={"early": "first", "late": "second.0"}).eval(),
        random_images(32, 48),
    )
    features = network(images, ("early",))
    plain = network.adapted
    first = plain.first(images)
    assert torch.equal(features.main, plain.second(first))
    assert features.aux == () and features.taps.keys() == {"early"}
    assert torch.equal(features.taps["early"], first)
    assert network.tap_names == ("early", "late")
    training = network.train()(images)
    assert [m.shape for m in training.aux] == [(2, 6, 16, 24)]


def test_nothing_is_left_in_the_network():
    network = tapped(taps={"early": "first"})
    network(random_images(16, 16))
    copy.deepcopy(network)
    with pytest.raises(RuntimeError):
        network(torch.zeros(2, 4, 16, 16))
    network.adapted.second[0].weight.data = torch.zeros(8, 5, 3, 3)
    with pytest.raises(RuntimeError):  # After the first tap.
        network(random_images(16, 16))
    copy.deepcopy(network)


@pytest.mark.parametrize(("side", "padded", "cells"), [(64, 64, 16), (33, 64, 9), (65, 96, 17)])
def test_images_are_padded_and_the_maps_cropped(side, padded, cells):
    images = random_images(side, 32)
    assert padded_to(images, 32).shape == (2, 3, padded, 32)
    assert torch.equal(padded_to(images, 32)[:, :, :side], images)
    features = tapped(multiple_of=32).eval()(images)
    assert features.main.shape == (2, 8, cells, 8)


def test_multiples_leave_images_alone():
    images = random_images(32, 64)
    assert padded_to(images, 32) is images


class Sum(nn.Module):
    """Adds two classifiers, one at half the size."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

    def forward(self, images):
        low = self.b(nn.functional.avg_pool2d(images, 2))
        low = nn.functional.interpolate(low, images.shape[-2:], mode="bilinear")
        return self.a(images) + low


def test_several_maps_are_joined_at_the_largest_size():
    images = random_images(8, 12)
    main = TappedNetwork(Sum(), ["a", "b"])(images).main
    low = nn.functional.avg_pool2d(images, 2)
    assert torch.equal(main[:, :3], images)
    torch.testing.assert_close(
        main[:, 3:], nn.functional.interpolate(low, (8, 12), mode="bilinear")
    )


def test_what_gives_no_map_is_named():
    class Tokens(nn.Sequential):
        def forward(self, images):
            tokens = self[0](images)
            return self[1](tokens.view_as(images))

    network = TappedNetwork(Tokens(nn.Flatten(2), nn.Conv2d(3, 4, 1)), ["1"], taps={"t": "0"})
    assert network(random_images(8, 8)).main.shape == (2, 3, 8, 8)
    with pytest.raises(TapError, match=r"'0' gives a float32 tensor 2 x 3 x 64, no map B x D"):
        network(random_images(8, 8), ("t",))
    unused = TappedNetwork(Plain("logits"), ["classifier"], aux=["aux"])
    with pytest.raises(TapError, match="does not call 'aux', whose map is wanted"):
        unused(random_images(16, 16))
