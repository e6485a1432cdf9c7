from pathlib import Path

import numpy as np
import torch

from avalanche_seg.datasets import Source, content_of, image_of, mask_of, read_image
from avalanche_seg.datasets.file_sources import ReadImage
from avalanche_seg.datasets.sources import image_content, mask_content, state_of
from tests.devkits import write_image, write_mask


def zeros(path: Path) -> np.ndarray:
    return np.zeros((3, 4, 3), dtype=np.uint8)


def test_files(tmp_path: Path) -> None:
    image = write_image(tmp_path / "a.jpg", (3, 4))
    mask = write_mask(tmp_path / "a.png", [[1, 2, 255]])
    assert torch.equal(image_of(image), read_image(image))
    content, values = mask_content(mask)
    assert content == content_of(mask, "mask") == mask.read_bytes()
    assert values.tolist() == mask_of(mask).tolist() == [[1, 2, 255]]
    content, head = image_content(image)
    assert content == image.read_bytes() and head[:2] == (3, 4)
    assert torch.equal(image_of(str(image)), image_of(image))
    assert mask_of(str(mask)).tolist() == [[1, 2, 255]]
    assert state_of(image) != state_of(mask)


def test_sources(tmp_path: Path) -> None:
    source = ReadImage(write_image(tmp_path / "a.jpg", (9, 9)), zeros)
    assert isinstance(source, Source)
    assert image_of(source).shape == (3, 3, 4)
    content, head = image_content(source)
    assert content == content_of(source, "image") and head[:2] == (3, 4)
    content, values = mask_content(source)
    assert content == content_of(source, "mask") and (values == source.pixels()).all()
    image_of(source).add_(1)
    assert not image_of(source).any()
