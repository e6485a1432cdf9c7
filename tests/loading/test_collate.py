from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, default_collate

from avalanche_seg.loading.collate import collate, collate_by_size


def samples(channels_last):
    images = [torch.randint(0, 256, (5, 7, 3), dtype=torch.uint8) for _ in range(3)]
    images = [image.permute(2, 0, 1) for image in images]
    if not channels_last:
        images = [image.contiguous() for image in images]
    return [(image, image[0].clone(), torch.tensor([True])) for image in images]


def test_batches_are_torchs_and_channels_stay_last():
    for channels_last in (True, False):
        batch = samples(channels_last)
        found, expected = collate(batch), default_collate(batch)
        assert len(found) == len(expected) == 3
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
        assert found[0].is_contiguous(memory_format=torch.channels_last) == channels_last


def test_anything_else_is_left_to_torch():
    assert torch.equal(collate([torch.ones(2), torch.ones(2)]), torch.ones(2, 2))
    assert collate([(1, "a"), (2, "b")])[1] == ("a", "b")
    grey = torch.zeros(1, 4, 4)
    assert collate([(grey, 1), (grey, 2)])[0].is_contiguous()
    mixed = [samples(True)[0], samples(False)[0]]
    assert collate(mixed)[0].is_contiguous()


def test_workers_share_such_batches():
    loader = DataLoader(samples(True), batch_size=3, num_workers=1, collate_fn=collate)
    (batch,) = loader
    assert batch[0].is_contiguous(memory_format=torch.channels_last)


def test_extras_are_collated_by_name():
    batch = [
        (image, labels, {"saliency": labels, "known": known})
        for image, labels, known in samples(True)
    ]
    for found in (collate(batch), default_collate(batch)):
        assert set(found[2]) == {"saliency", "known"}
        assert torch.equal(found[2]["saliency"], found[1])
        assert found[2]["known"].tolist() == [[True]] * 3
    assert collate(batch)[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("sizes", [[(4, 6), (6, 4)], [(3, 3), (3, 3), (3, 5)]])
def test_images_of_different_sizes_say_what_to_set(sizes, channels_last):
    samples = []
    for height, width in sizes:
        image = torch.zeros(height, width, 3).permute(2, 0, 1)
        samples.append((image if channels_last else image.contiguous(), torch.zeros(height, width)))
    named = r"\d x \d and \d x \d"
    with pytest.raises(ValueError, match=rf"different sizes, such as {named};.*train_transform"):
        collate(samples)


@given(sizes=st.lists(st.sampled_from([(4, 6), (6, 4), (3, 3)]), min_size=1, max_size=8))
def test_parts_are_of_one_size_each_and_keep_every_image_in_order(sizes):
    batch = [(torch.full((3, *size), i), torch.full(size, i)) for i, size in enumerate(sizes)]
    parts = collate_by_size(batch)
    numbers = [int(number) for images, _ in parts for number in images[:, 0, 0, 0]]
    assert numbers == list(range(len(sizes)))
    found = [tuple(images.shape[-2:]) for images, _ in parts]
    assert all(a != b for a, b in pairwise(found))
    assert all(images.shape[-2:] == labels.shape[-2:] for images, labels in parts)


def test_what_is_no_sample_of_images_is_one_part():
    assert torch.equal(collate_by_size([torch.ones(2), torch.ones(2)])[0], torch.ones(2, 2))
    assert collate_by_size([(1, "a"), (2, "b")])[0][1] == ("a", "b")
