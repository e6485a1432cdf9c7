import math

import pytest
import torch
from torch import nn

from avalanche_seg.models.conv_block import ConvBlock


@pytest.mark.parametrize(
    ("kernel_size", "stride", "dilation"), [(1, 1, 1), (3, 1, 1), (3, 2, 1), (3, 1, 6), (5, 1, 2)]
)
def test_it_is_convolution_norm_and_relu_of_the_same_size(kernel_size, stride, dilation):
    torch.manual_seed(0)
    block = ConvBlock(3, 4, kernel_size=kernel_size, stride=stride, dilation=dilation)
    maps = torch.randn(2, 3, 9, 6)
    conv, norm = block[0], block[1]
    assert conv.bias is None and (norm.eps, norm.momentum) == (1e-5, 0.1)
    expected = nn.functional.conv2d(
        maps, conv.weight, None, stride, kernel_size // 2 * dilation, dilation
    )
    expected = nn.functional.batch_norm(
        expected, None, None, norm.weight, norm.bias, training=True
    ).clamp(min=0)
    assert expected.shape == (2, 4, math.ceil(9 / stride), math.ceil(6 / stride))
    torch.testing.assert_close(block(maps), expected)
