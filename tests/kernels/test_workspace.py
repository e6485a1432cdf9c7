import pytest
import torch

from avalanche_seg.kernels import Workspace


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scratch_has_the_shape_and_format_of_the_tensor(dtype):
    scratch = Workspace()
    for shape in [(2, 3, 4, 5), (1, 2, 1, 1), (0, 2, 2, 2)]:
        for memory_format in [torch.contiguous_format, torch.channels_last]:
            tensor = torch.zeros(shape, dtype=dtype).contiguous(memory_format=memory_format)
            made = scratch.like(tensor)
            assert (made.shape, made.dtype) == (tensor.shape, dtype)
            assert made.stride() == tensor.stride()


def test_scratch_of_a_tensor_with_gaps_is_dense():
    made = Workspace().like(torch.zeros(4, 6).t()[:2])
    assert made.shape == (2, 4)
    assert made.is_contiguous()


def test_scratch_is_used_again_and_numbers_are_apart():
    scratch, tensor = Workspace(), torch.zeros(10)
    first, second = scratch.like(tensor, 0).fill_(1), scratch.like(tensor, 1).fill_(2)
    assert first.data_ptr() == scratch.like(tensor[:5], 0).data_ptr()
    assert first.eq(1).all()
    assert second.eq(2).all()


def test_scratch_grows_and_is_shared():
    scratch, double = Workspace(), torch.zeros(1, dtype=torch.float64)
    small = scratch.of_shape((2, 3), double)
    assert (small.shape, small.dtype) == ((2, 3), torch.float64)
    large = scratch.of_shape((3, 4), double)
    assert large.shape == (3, 4)
    assert scratch.of_shape((2, 2), double).data_ptr() == large.data_ptr()
    assert scratch.of_shape((2, 2), double.float()).dtype == torch.float32
