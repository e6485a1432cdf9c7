import numpy as np
import pytest
import torch

from avalanche_seg.normalization import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    check_normalized,
    normalize_images,
)


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


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64, torch.bool])
def test_other_integers_are_refused_by_name(dtype: torch.dtype) -> None:
    name = str(dtype).removeprefix("torch.")
    with pytest.raises(ValueError, match=rf"dtype {name}; expected uint8 in 0\.\.255"):
        normalize_images(torch.ones(3, 2, 2).to(dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize(
    "values", [(0.0, 1.0), (0.2, 0.4), (0.0, 0.0), (0.0, 255.0), (3.0, 4.0)], ids=str
)
def test_scaled_images_are_refused(values: tuple[float, float], dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match=r"not normalised; pass uint8 .*normalized=True"):
        check_normalized(torch.tensor(values).to(dtype))


def test_the_message_says_what_was_found() -> None:
    with pytest.raises(ValueError, match=r"got float64 images with values in 0\.125\.\.0\.75,"):
        check_normalized(torch.tensor([0.125, 0.75], dtype=torch.float64))


@pytest.mark.parametrize("values", [(-2.1, 2.6), (-0.01, 0.9), (0.1, 2.64), (-1.0, 200.0)])
def test_images_that_may_be_normalised_pass(values: tuple[float, float]) -> None:
    check_normalized(torch.tensor(values, requires_grad=True))


@pytest.mark.parametrize(
    "images", [torch.zeros(0, 3, 4, 4), torch.ones(3, 2, 2, dtype=torch.uint8)], ids=["no", "uint8"]
)
def test_nothing_to_check(images: torch.Tensor) -> None:
    check_normalized(images)


def test_every_photograph_passes_once_it_is_normalised() -> None:
    generator = torch.Generator().manual_seed(0)
    for darkest in (0, 60, 110):
        images = torch.randint(darkest, 256, (1, 3, 8, 8), generator=generator, dtype=torch.uint8)
        check_normalized(normalize_images(images))
        with pytest.raises(ValueError, match="not normalised"):
            check_normalized(images.float())
        with pytest.raises(ValueError, match="not normalised"):
            check_normalized(images / 255)
