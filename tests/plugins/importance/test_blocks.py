import pytest
import torch

from avalanche_seg.plugins.importance.blocks import blocks, pick

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
