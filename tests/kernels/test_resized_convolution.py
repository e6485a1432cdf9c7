import pytest
import torch
import torch.nn.functional as F

from avalanche_seg.kernels import convolve_resized


def naive(maps, weight, size):
    resized = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    return F.conv2d(resized, weight, padding=weight.shape[-1] // 2)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize(
    ("small", "size"),
    [((4, 5), (8, 10)), ((3, 2), (7, 9)), ((1, 1), (4, 3)), ((5, 3), (5, 9)), ((6, 6), (6, 6))],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equals_resize_then_convolution_with_both_gradients(kernel, small, size, layout):
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 6, *small, dtype=torch.float64, generator=generator)
    maps = maps.contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(4, 6, kernel, kernel, dtype=torch.float64, generator=generator)
    weight.requires_grad_()
    expected, got = (f(maps, weight, size) for f in (naive, convolve_resized))
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    upstream = torch.randn(expected.shape, dtype=torch.float64, generator=generator)
    for result, wanted in zip(
        torch.autograd.grad(got, (maps, weight), upstream),
        torch.autograd.grad(expected, (maps, weight), upstream),
        strict=True,
    ):
        torch.testing.assert_close(result, wanted, rtol=1e-12, atol=1e-12)


def test_a_smaller_result_is_the_plain_one():
    maps, weight = torch.randn(1, 2, 8, 8), torch.randn(3, 2, 3, 3)
    assert convolve_resized(maps, weight, (4, 5)).equal(naive(maps, weight, (4, 5)))


def test_half_precision_is_as_near_to_the_truth_as_the_plain_way():
    generator = torch.Generator().manual_seed(0)
    maps, weight = torch.randn(2, 32, 8, 8, generator=generator), torch.randn(16, 32, 3, 3) / 17
    truth = naive(maps.double(), weight.double(), (16, 16))
    with torch.autocast("cpu", torch.bfloat16):
        theirs, ours = naive(maps, weight, (16, 16)), convolve_resized(maps, weight, (16, 16))
    assert ours.dtype == theirs.dtype == torch.bfloat16
    assert (ours - truth).abs().mean() < 2 * (theirs - truth).abs().mean()
