import pytest
import torch

from avalanche_seg.plugins.blocks import Scratch, blocks, pick

SHAPES = [(), (3,), (5, 2, 3, 3), (1, 40), (0, 4), (7, 3)]


def tensors(memory_format=torch.contiguous_format):
    torch.manual_seed(0)
    made = {str(i): torch.randn(shape) for i, shape in enumerate(SHAPES)}
    made["2"] = made["2"].contiguous(memory_format=memory_format)
    return made


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [1, 10, 18, 1000])
def test_blocks_cover_every_element_once(size, memory_format):
    given = tensors(memory_format)
    counts = {name: torch.zeros_like(tensor) for name, tensor in given.items()}
    for block in blocks(given, size):
        torch._foreach_add_(pick(counts, block), 1)
    assert all((count == 1).all() for count in counts.values())


def test_blocks_are_about_as_large_as_asked():
    given = {"a": torch.zeros(1000, 3), "b": torch.zeros(10), "c": torch.zeros(10)}
    sizes = [sum(t.numel() for t in pick(given, block)) for block in blocks(given, 300)]
    assert sizes == [300] * 10 + [20]


def test_a_row_larger_than_a_block_stays_whole():
    given = {"a": torch.zeros(2, 50)}
    assert [block for block in blocks(given, 10)] == [
        [("a", slice(0, 1))],
        [("a", slice(1, 2))],
    ]


def test_other_devices_get_one_block():
    given = {name: tensor.to("meta") for name, tensor in tensors().items()}
    assert list(blocks(given, 1)) == [[(name, None) for name in given]]


def test_no_tensor_is_no_block_on_a_cpu():
    assert list(blocks({})) == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scratch_has_the_shape_and_format_of_the_tensor(dtype):
    scratch = Scratch()
    for shape in [(2, 3, 4, 5), (1, 2, 1, 1), (0, 2, 2, 2)]:
        for memory_format in [torch.contiguous_format, torch.channels_last]:
            tensor = torch.zeros(shape, dtype=dtype).contiguous(memory_format=memory_format)
            made = scratch.like(tensor)
            assert (made.shape, made.dtype) == (tensor.shape, dtype)
            assert made.stride() == tensor.stride()


def test_scratch_of_a_tensor_with_gaps_is_dense():
    made = Scratch().like(torch.zeros(4, 6).t()[:2])
    assert made.shape == (2, 4)
    assert made.is_contiguous()


def test_scratch_is_used_again_and_numbers_are_apart():
    scratch, tensor = Scratch(), torch.zeros(10)
    first, second = scratch.like(tensor, 0).fill_(1), scratch.like(tensor, 1).fill_(2)
    assert first.data_ptr() == scratch.like(tensor[:5], 0).data_ptr()
    assert first.eq(1).all()
    assert second.eq(2).all()
