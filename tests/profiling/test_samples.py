import random

import numpy as np
import torch
from PIL import Image

from profiling.original_samples import OriginalSamples
from profiling.photographs import HEIGHT, WIDTH, photographs, write_photographs
from tests.devkits import write_mask


def test_photographs_are_like_vocs(tmp_path):
    devkit = write_photographs(tmp_path, 3)
    assert photographs(tmp_path, 3) == devkit
    for image, mask in zip(devkit.train.images, devkit.train.masks, strict=True):
        assert Image.open(image).size == Image.open(mask).size == (WIDTH, HEIGHT)
        assert 30_000 < image.stat().st_size < 120_000
        assert 3 <= len(np.unique(np.asarray(Image.open(mask)))) <= 5


def test_original_samples_remap_labels(tmp_path):
    ids = np.array([[0, 1], [2, 255]], dtype=np.uint8)
    mask = write_mask(tmp_path / "m.png", ids)
    Image.new("RGB", (2, 2), (124, 116, 104)).save(tmp_path / "i.png")
    random.seed(0)
    torch.manual_seed(0)
    for channels, expected in (({1: 5, 2: 6}, {0, 5, 6}), (None, {0, 1, 2, 255})):
        samples = OriginalSamples([tmp_path / "i.png"], [mask], 8, channels)
        seen = set()
        for _ in range(8):
            pixels, labels = samples[0]
            assert pixels.shape == (3, 8, 8) and pixels.abs().max() < 0.1
            assert labels.dtype == torch.int64
            seen |= set(labels.unique().tolist())
        assert seen == expected
