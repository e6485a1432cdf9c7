from collections.abc import Callable

import numpy as np
import pytest
import torch
from avalanche.benchmarks.utils.transform_groups import TransformGroups
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from avalanche_seg.benchmarks.transforms import (
    JointTransform,
    Normalize,
    RandomResizedCrop,
    ResizeShorterSide,
)
from avalanche_seg.normalization import normalize_images

Pair = tuple[Tensor, Tensor]


def _coordinates(height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """An image whose channels are its y and x coordinates, and both as label maps."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    y, x = y.to(torch.uint8), x.to(torch.uint8)
    return torch.stack([y, x, torch.zeros_like(x)]), y, x


def _apply(transform: Callable[..., Pair], image: Tensor, labels: Tensor, seed: int) -> Pair:
    torch.manual_seed(seed)
    return JointTransform(transform)(image, labels)


@pytest.mark.parametrize("size", [(97, 131), (130, 95), (64, 64)])
def test_image_and_labels_move_together(size: tuple[int, int]) -> None:
    image, *maps = _coordinates(*size)
    crop = RandomResizedCrop((56, 72), scale=(0.3, 1.0), antialias=True)
    transform = v2.Compose([crop, v2.RandomHorizontalFlip(0.5)])
    flipped = []
    for seed in range(12):
        for channel, labels in enumerate(maps):
            moved, moved_labels = _apply(transform, image, labels, seed)
            # Where the picture says it is, against where the labels say: in source pixels.
            error = moved[channel].float() - moved_labels.float()
            assert error.abs().max() <= 1.5
            assert abs(error.mean()) < 0.1  # half a pixel off on average would be a shift
        flipped.append(bool(moved[1, 0, 0] > moved[1, 0, -1]))
    assert 0 < sum(flipped) < 12


@pytest.mark.parametrize("size", [(91, 71), (71, 91), (33, 200), (40, 40)])
def test_shorter_side(size: tuple[int, int]) -> None:
    image, *maps = _coordinates(*size)
    for channel, labels in enumerate(maps):
        moved, moved_labels = _apply(ResizeShorterSide(48), image, labels, 0)
        height, width = (int(48 * side / min(size)) for side in size)
        assert moved.shape == (3, height, width)
        assert moved_labels.shape == (height, width)
        error = moved[channel].float() - moved_labels.float()
        assert error.abs().max() <= 1.5
        assert abs(error.mean()) < 0.1


def _resized_by_pillow(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(labels).resize(size[::-1], Image.Resampling.NEAREST))


def _resized(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    whole = RandomResizedCrop(size, scale=(1, 1), ratio=(labels.shape[1] / labels.shape[0],) * 2)
    image = torch.zeros(3, *labels.shape, dtype=torch.uint8)
    return JointTransform(whole)(image, torch.from_numpy(labels))[1].numpy()


@pytest.mark.parametrize("source", [(375, 500), (333, 500), (500, 281), (100, 80), (6, 9)])
@pytest.mark.parametrize("size", [(512, 512), (256, 128), (64, 64), (32, 512)])
def test_labels_are_resized_as_pillow_does(source: tuple[int, int], size: tuple[int, int]) -> None:
    labels = np.random.default_rng(0).integers(0, 256, source, dtype=np.uint8)
    np.testing.assert_array_equal(_resized(labels, size), _resized_by_pillow(labels, size))


@given(st.integers(8, 250), st.integers(8, 250))
def test_labels_differ_from_pillow_between_two_pixels_only(source: int, size: int) -> None:
    row = np.arange(source, dtype=np.uint8)[None]
    ours = JointTransform(ResizeShorterSide(size))(
        torch.zeros(3, source, source, dtype=torch.uint8), torch.from_numpy(row.repeat(source, 0))
    )[1].numpy()[0]
    pillow = _resized_by_pillow(row, (1, size))[0]
    # A sample on the border of two source pixels may fall either way.
    tie = (2 * np.arange(size) + 1) * source % (2 * size) == 0
    np.testing.assert_array_equal(ours[~tie], pillow[~tie])
    assert (np.abs(ours.astype(int) - pillow)[tie] <= 1).all()


@pytest.mark.parametrize("transform", [RandomResizedCrop((31, 37)), ResizeShorterSide(29)])
def test_labels_are_never_mixed(transform: v2.Transform) -> None:
    values = torch.tensor([0, 7, 200, 255], dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    labels = values[torch.randint(4, (60, 80), generator=generator)]
    for seed in range(10):
        moved = _apply(transform, torch.zeros(3, 60, 80, dtype=torch.uint8), labels, seed)[1]
        assert moved.dtype == torch.uint8
        assert set(moved.unique().tolist()) == {0, 7, 200, 255}


def test_same_seed_same_result() -> None:
    image = torch.randint(0, 256, (3, 50, 60), dtype=torch.uint8)
    crop = RandomResizedCrop((32, 32))
    first = _apply(crop, image, image[0], seed=5)
    again = _apply(crop, image, image[0], seed=5)
    other = _apply(crop, image, image[0], seed=6)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_normalize() -> None:
    image = torch.randint(0, 256, (3, 4, 5), dtype=torch.uint8)
    labels = torch.tensor([[0, 3, 255]], dtype=torch.uint8)
    moved, moved_labels = JointTransform(Normalize())(image, labels)
    torch.testing.assert_close(moved, normalize_images(image), rtol=0, atol=0)
    assert moved.dtype == torch.float32
    assert moved_labels.dtype == torch.int64
    assert moved_labels.tolist() == [[0, 3, 255]]


def test_joint_transform_hands_over_tv_tensors_and_gives_plain_ones() -> None:
    seen: list[type] = []

    def look(image: Tensor, labels: Tensor) -> Pair:
        seen.extend([type(image), type(labels)])
        return image, labels

    image, labels, _ = _coordinates(4, 5)
    result = JointTransform(look)(image, labels)
    assert seen == [tv_tensors.Image, tv_tensors.Mask]
    assert [type(part) for part in result] == [Tensor, Tensor]
    assert torch.equal(result[0], image)
    assert torch.equal(result[1], labels)


def test_joint_transform_in_avalanches_groups() -> None:
    flip = v2.RandomHorizontalFlip(1.0)
    image, _, labels = _coordinates(4, 5)
    groups = TransformGroups({"train": JointTransform(flip), "eval": None})
    moved, moved_labels = groups["train"](image, labels)
    assert torch.equal(moved, image.flip(-1))
    assert torch.equal(moved_labels, labels.flip(-1))


def test_joint_transforms_compare_by_what_they_wrap() -> None:
    flip, crop = v2.RandomHorizontalFlip(1.0), RandomResizedCrop((4, 4))
    assert JointTransform(flip) == JointTransform(flip)
    assert hash(JointTransform(flip)) == hash(JointTransform(flip))
    assert JointTransform(flip) != JointTransform(crop)
    assert JointTransform(flip) != flip
    found = [JointTransform(flip).flat_transforms(i) for i in range(4)]
    assert found == [[flip], [flip], [flip], []]


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("size", [(37, 53), (300, 410)])
def test_a_crop_is_torchvisions_with_labels_at_pixel_centres(
    size: tuple[int, int], channels_last: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (*size, 3), dtype=torch.uint8, generator=generator)
    image = image.permute(2, 0, 1)
    image = image if channels_last else image.contiguous()
    labels = torch.randint(0, 256, size, dtype=torch.uint8, generator=generator)
    arguments: dict[str, object] = {"scale": (0.5, 2.0), "ratio": (3 / 4, 4 / 3)}
    ours, theirs = (
        kind((64, 72), **arguments) for kind in (RandomResizedCrop, v2.RandomResizedCrop)
    )
    exact = v2.RandomResizedCrop(
        (64, 72), interpolation=v2.InterpolationMode.NEAREST_EXACT, **arguments
    )
    for seed in range(20):
        found, found_labels = _apply(ours, image, labels, seed)
        torch.manual_seed(seed)
        assert torch.equal(found, theirs(image))
        torch.manual_seed(seed)
        assert torch.equal(found_labels, exact(labels[None])[0])
        assert found_labels.is_contiguous()
    floats, _ = _apply(ours, image.float(), labels, 0)
    torch.manual_seed(0)
    assert torch.equal(floats, theirs(image.float()))


@pytest.mark.parametrize("transform", [RandomResizedCrop((31, 37)), ResizeShorterSide(29)])
def test_extra_maps_move_like_labels_and_other_extras_stay(transform: v2.Transform) -> None:
    image, y, x = _coordinates(60, 80)
    flip = v2.Compose([transform, v2.RandomHorizontalFlip(0.5)])
    known = torch.tensor([True, False])
    for seed in range(6):
        torch.manual_seed(seed)
        moved, labels, extras = JointTransform(flip)(image, y, {"x": x, "y": y, "known": known})
        assert torch.equal(moved, _apply(flip, image, y, seed)[0])
        assert torch.equal(labels, extras["y"]) and type(extras["x"]) is Tensor
        assert torch.equal(extras["x"], _apply(flip, image, x, seed)[1])
        assert extras["known"] is known


def test_extras_without_maps_are_not_shown_to_the_transform() -> None:
    image, labels, _ = _coordinates(4, 5)
    known = {"known": torch.ones(3)}
    result = JointTransform(lambda image, labels: (image, labels))(image, labels, known)
    assert result[2] is known
    result = JointTransform(lambda image, labels: (image, labels))(image, labels, 7)
    assert result[2] == 7


def test_extras_in_avalanches_groups() -> None:
    image, y, x = _coordinates(4, 5)
    groups = TransformGroups({"train": JointTransform(v2.RandomHorizontalFlip(1.0)), "eval": None})
    _, labels, extras = groups["train"](image, y, {"x": x})
    assert torch.equal(labels, y.flip(-1)) and torch.equal(extras["x"], x.flip(-1))


def test_normalizing_leaves_maps_of_real_numbers_alone():
    from avalanche_seg.benchmarks.transforms import Normalize

    real, whole = torch.full((2, 2), 0.7), torch.full((2, 2), 7, dtype=torch.uint8)
    for values, dtype in ((real, torch.float32), (whole, torch.int64)):
        found = Normalize()(tv_tensors.Mask(values))
        assert found.dtype == dtype and found.to(values.dtype).equal(values)
