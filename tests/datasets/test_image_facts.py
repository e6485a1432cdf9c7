"""What one image file is."""

import numpy as np
import pytest
from PIL import Image

from avalanche_seg.datasets.image_facts import ImageFacts, image_facts, pooled


def test_size_kind_mean_and_variance(tmp_path):
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    facts = image_facts(tmp_path / "a.png", pixels=True)
    assert facts[:3] == ((2, 3), "PNG RGB", False) and facts.refused == ""
    np.testing.assert_allclose(facts.mean, pixels.mean(axis=(0, 1)) / 255, atol=1e-6)
    np.testing.assert_allclose(facts.variance, pixels.var(axis=(0, 1)) / 255**2, atol=1e-6)
    assert image_facts(tmp_path / "a.png", pixels=False) == ImageFacts((2, 3), "PNG RGB")


@pytest.mark.parametrize(
    ("name", "written", "is_misnamed"),
    [
        ("a.jpg", "PNG", True),
        ("a.jpeg", "JPEG", False),
        ("a.jpg", "MPO", False),
        ("a.data", "PNG", False),  # Says nothing.
        ("a.TIF", "TIFF", False),
    ],
)
def test_a_suffix_of_another_format_is_told(tmp_path, name, written, is_misnamed):
    Image.new("RGB", (4, 4)).save(tmp_path / name, written)
    assert image_facts(tmp_path / name, pixels=False).is_misnamed == is_misnamed


@pytest.mark.parametrize("pixels", [False, True])
def test_what_cannot_be_read_is_said_not_raised(tmp_path, pixels):
    (tmp_path / "a.png").write_bytes(b"no image")
    Image.new("F", (4, 4)).save(tmp_path / "b.tif")
    assert (
        "a.png: the image cannot be read" in image_facts(tmp_path / "a.png", pixels=pixels).refused
    )
    assert "whose white is not known" in image_facts(tmp_path / "b.tif", pixels=pixels).refused
    assert "cannot be read" in image_facts(tmp_path / "none.png", pixels=pixels).refused


def test_images_count_by_their_pixels():
    small = ImageFacts((1, 1), mean=np.array([0.0]), variance=np.array([0.0]))
    large = ImageFacts((1, 3), mean=np.array([0.8]), variance=np.array([0.0]))
    mean, std = pooled([small, ImageFacts(), large])
    np.testing.assert_allclose((mean[0], std[0]), (0.6, np.std([0, 0.8, 0.8, 0.8])))
    assert pooled([ImageFacts()]) == ((), ())
