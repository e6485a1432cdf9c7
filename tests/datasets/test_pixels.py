from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from avalanche_seg.datasets.pixels import image_pixels, label_values

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
GREY = PIXELS[..., 0]


@pytest.mark.parametrize(
    "image",
    [
        PIXELS,
        torch.from_numpy(PIXELS).permute(2, 0, 1),
        Image.fromarray(PIXELS),
        Image.fromarray(PIXELS).convert("RGBA"),
    ],
    ids=["array", "tensor", "Pillow", "Pillow with transparency"],
)
def test_images_of_three_channels(image: Any) -> None:
    found = image_pixels(image, "a")
    assert found.dtype == np.uint8 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, PIXELS)


@pytest.mark.parametrize(
    "image",
    [GREY, GREY[..., None], torch.from_numpy(GREY.copy()), torch.from_numpy(GREY.copy())[None]],
)
def test_grey_images(image: Any) -> None:
    np.testing.assert_array_equal(image_pixels(image, "a"), np.stack([GREY] * 3, axis=-1))


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (PIXELS / 255, "an image of float64; expected uint8 .*ToTensor"),
        (torch.zeros(3, 2, 2), "an image of float32"),
        (np.zeros((3, 5, 7), np.uint8), r"shape \(3, 5, 7\); expected 3 x H x W as a tensor"),
        (torch.zeros(5, 2, 2, dtype=torch.uint8), r"shape \(5, 2, 2\)"),
        (np.zeros((0, 5, 3), np.uint8), r"shape \(0, 5, 3\)"),
        ("a.jpg", "an image of type str"),
        (Image.new("F", (2, 2)), r"mode F \(floating point\)"),
    ],
)
def test_other_images(image: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^train.3.: .*{text}"):
        image_pixels(image, "train[3]")


VALUES = [[0, 1, 7], [200, 255, 3]]


@pytest.mark.parametrize(
    "labels",
    [
        np.array(VALUES),
        np.array(VALUES, dtype=np.uint8),
        torch.tensor(VALUES),
        torch.tensor([VALUES], dtype=torch.int16),
        Image.fromarray(np.array(VALUES, dtype=np.uint8)),
        Image.fromarray(np.array(VALUES, dtype=np.uint16)),
    ],
)
def test_labels(labels: Any) -> None:
    found = label_values(labels, "a")
    assert found.dtype == np.uint8 and found.tolist() == VALUES


def test_deep_and_negative_labels() -> None:
    found = label_values(np.array([[0, 300], [-1, -100]]), "a", frozenset([-1, -100]))
    assert found.dtype == np.uint16 and found.tolist() == [[0, 300], [65535, 65535]]
    assert label_values(np.array([[True, False]]), "a").tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (torch.zeros(2, 2), "a label map of torch.float32; expected whole numbers"),
        ([[0, 1]], "a label map of list"),
        (np.zeros((2, 2, 2), np.uint8), r"shape \(2, 2, 2\); expected H x W"),
        (np.array([[-1, 5]]), r"labels -1\.\.5; expected .* void_ids"),
        (np.array([[70000]]), r"labels 70000\.\.70000"),
        (Image.new("RGB", (2, 2)), "mode RGB; .*convert colours to indices"),
    ],
)
def test_other_labels(labels: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^a: .*{text}"):
        label_values(labels, "a")
