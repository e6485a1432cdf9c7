import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from avalanche_seg.benchmarks import eval_preset, train_preset
from avalanche_seg.benchmarks.transforms import JointTransform
from avalanche_seg.normalization import normalize_images


def _sample(height: int, width: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(height)
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 21, (height, width), dtype=torch.uint8, generator=generator)
    labels[0] = 255
    return image, labels


def _apply(transform: v2.Transform, height: int, width: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return JointTransform(transform)(*_sample(height, width))


@pytest.mark.parametrize("size", [(60, 80), (80, 60), (20, 30), (30, 200), (48, 48)])
@pytest.mark.parametrize("preset", [train_preset, eval_preset])
def test_squares_of_the_crop_size(preset: object, size: tuple[int, int]) -> None:
    image, labels = _apply(preset(48), *size)  # type: ignore[operator]
    assert (image.dtype, labels.dtype) == (torch.uint8, torch.uint8)
    assert image.shape == (3, 48, 48)
    assert labels.shape == (48, 48)


@pytest.mark.parametrize("preset", [train_preset, eval_preset])
def test_normalized(preset: object) -> None:
    image, labels = _apply(preset(32), 50, 70)  # type: ignore[operator]
    normalized, same = _apply(preset(32, normalize=True), 50, 70)  # type: ignore[operator]
    assert (normalized.dtype, same.dtype) == (torch.float32, torch.int64)
    torch.testing.assert_close(normalized, normalize_images(image))
    assert torch.equal(same, labels.long())


@pytest.mark.parametrize(("height", "width"), [(91, 71), (71, 91)], ids=["portrait", "landscape"])
def test_eval_is_the_centre_of_the_resized_image(height: int, width: int) -> None:
    image, labels = _apply(eval_preset(48), height, width)
    size = (int(48 * width / min(height, width)), int(48 * height / min(height, width)))
    left, top = (round((side - 48) / 2) for side in size)
    box = (left, top, left + 48, top + 48)
    source, source_labels = _sample(height, width)
    by_pillow = Image.fromarray(source_labels.numpy()).resize(size, Image.Resampling.NEAREST)
    np.testing.assert_array_equal(labels.numpy(), np.asarray(by_pillow.crop(box)))
    picture = Image.fromarray(source.permute(1, 2, 0).numpy())
    expected = np.asarray(picture.resize(size, Image.Resampling.BILINEAR).crop(box))
    np.testing.assert_allclose(image.permute(1, 2, 0).numpy(), expected, atol=1.01)


def test_eval_at_full_resolution_changes_nothing() -> None:
    image, labels = _apply(eval_preset(None), 37, 53)
    assert torch.equal(image, _sample(37, 53)[0])
    assert torch.equal(labels, _sample(37, 53)[1])
    image, labels = _apply(eval_preset(None, normalize=True), 37, 53)
    torch.testing.assert_close(image, normalize_images(_sample(37, 53)[0]))
    assert torch.equal(labels, _sample(37, 53)[1].long())


def test_eval_is_not_random() -> None:
    transform = JointTransform(eval_preset(32))
    first, second = (transform(*_sample(50, 70)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_train_flip(flip: float) -> None:
    whole = train_preset(48, scale=(1, 1), ratio=(1, 1), flip_p=flip)
    image, labels = _apply(whole, 48, 48)
    expected = _sample(48, 48)
    if flip:
        expected = (expected[0].flip(-1), expected[1].flip(-1))
    assert torch.equal(image, expected[0])
    assert torch.equal(labels, expected[1])


def test_train_crops_a_share_of_the_area() -> None:
    y, x = torch.meshgrid(torch.arange(120), torch.arange(160), indexing="ij")
    transform = JointTransform(train_preset(64, scale=(0.1, 0.3), flip_p=0))
    torch.manual_seed(0)
    for _ in range(10):
        image = torch.stack([y, x, y]).to(torch.uint8)
        height, width = ((v.max() - v.min() + 1).item() for v in transform(image, y)[0][:2])
        assert 0.09 < height * width / (120 * 160) < 0.31
        assert 0.7 < width / height < 1.43


def test_defaults_are_mibs() -> None:
    crop, flip = train_preset().transforms
    assert (crop.size, crop.scale, crop.antialias) == ((512, 512), (0.5, 2.0), True)
    assert crop.ratio == (3 / 4, 4 / 3)
    assert flip.p == 0.5
    resize, centre = eval_preset().transforms
    assert resize.size == 512
    assert tuple(centre.size) == (512, 512)
