import numpy as np
import pytest
import torch

from avalanche_seg.normalization import IMAGENET_MEAN, IMAGENET_STD, normalize_images


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_agrees_with_the_formula(shape: tuple[int, ...]) -> None:
    images = torch.randint(0, 256, shape, dtype=torch.uint8)
    result = normalize_images(images)
    per_channel = (3, 1, 1)
    mean, std = (np.reshape(values, per_channel) for values in (IMAGENET_MEAN, IMAGENET_STD))
    expected = (images.numpy().astype(np.float64) / 255 - mean) / std
    assert result.dtype == torch.float32
    assert result.shape == shape
    np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=1e-6)


def test_channels_beside_each_other_make_no_difference() -> None:
    images = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    expected = normalize_images(images)
    for one in (images, images[:, :, ::2], images[:1]):
        beside = one.contiguous(memory_format=torch.channels_last)
        assert torch.equal(normalize_images(beside), normalize_images(one))
    single = images[0].permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert torch.equal(normalize_images(single), expected[0])


def test_statistics_are_imagenets() -> None:
    assert IMAGENET_MEAN == (0.485, 0.456, 0.406)
    assert IMAGENET_STD == (0.229, 0.224, 0.225)


def test_input_is_left_alone() -> None:
    images = torch.full((3, 2, 2), 200, dtype=torch.uint8)
    normalize_images(images)
    assert (images == 200).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_floating_point_is_returned_as_it_is(dtype: torch.dtype) -> None:
    images = torch.rand(1, 3, 2, 2).to(dtype)
    assert normalize_images(images) is images


def test_memory_format_is_kept() -> None:
    images = torch.zeros(2, 3, 4, 5, dtype=torch.uint8).to(memory_format=torch.channels_last)
    assert normalize_images(images).is_contiguous(memory_format=torch.channels_last)
