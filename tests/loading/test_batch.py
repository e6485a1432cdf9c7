import torch

from avalanche_seg.loading import split_batch, to_device


def test_parts_hold_every_sample_once_in_order():
    batch = [torch.arange(10).view(5, 2), torch.arange(5), {"a": torch.arange(5), "b": {}}]
    parts = split_batch(batch, 3)
    assert [len(part[1]) for part in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([part[0] for part in parts]), batch[0])
    assert torch.equal(torch.cat([part[2]["a"] for part in parts]), batch[2]["a"])
    assert all(part[2]["b"] == {} for part in parts)


def test_without_extras_parts_are_those_of_torch():
    batch = [torch.randn(7, 3, 2, 2), torch.arange(7)]
    expected = zip(*(tensor.tensor_split(2) for tensor in batch), strict=True)
    for part, (images, labels) in zip(split_batch(batch, 2), expected, strict=True):
        assert part[0].equal(images) and part[1].equal(labels)
        assert part[0].data_ptr() == images.data_ptr(), "a view"


def test_a_dict_is_moved_value_by_value():
    moved = to_device({"a": torch.ones(2)}, torch.device("meta"))
    assert moved["a"].device.type == "meta"
    assert to_device(torch.ones(2), torch.device("meta")).device.type == "meta"
