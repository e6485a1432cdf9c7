"""The first convolution for images of other channels."""

import pytest
import torch
from torch import nn

from avalanche_seg.models.first_convolution import first_convolution, weights_for_channels


def test_three_channels_keep_the_very_convolution():
    rgb = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
    assert first_convolution(rgb, 3, pretrained=True) is rgb
    assert weights_for_channels(rgb.weight, 3) is rgb.weight


@pytest.mark.parametrize("in_channels", [1, 2, 4, 5, 12])
@pytest.mark.parametrize("pretrained", [False, True])
def test_others_get_one_of_the_same_size(in_channels, pretrained):
    torch.manual_seed(0)
    rgb = nn.Conv2d(3, 4, 7, stride=2, padding=3, bias=False)
    made = first_convolution(rgb, in_channels, pretrained=pretrained)
    assert made.weight.shape == (4, in_channels, 7, 7) and made.bias is None
    images = torch.rand(1, in_channels, 9, 12)
    assert made(images).shape == rgb(torch.rand(1, 3, 9, 12)).shape
    if pretrained:
        assert torch.equal(made.weight, weights_for_channels(rgb.weight, in_channels))


@pytest.mark.parametrize("in_channels", [1, 3, 6, 9])
def test_a_grey_image_gives_what_it_gave_as_rgb(in_channels):
    torch.manual_seed(0)
    rgb = nn.Conv2d(3, 4, 3).double()
    made = first_convolution(rgb, in_channels, pretrained=True).double()
    with torch.no_grad():
        made.weight.copy_(weights_for_channels(rgb.weight, in_channels))
    grey = torch.rand(2, 1, 6, 7, dtype=torch.float64)
    expected = rgb(grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(
        made(grey.expand(-1, in_channels, -1, -1)), expected, rtol=1e-6, atol=1e-7
    )
