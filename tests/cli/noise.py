"""Pictures of nothing."""

import numpy as np
from PIL import Image


def noise(height, width, seed=0):
    """A few coloured blocks and noise, H x W x 3."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
    image = Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC)
    return (np.asarray(image) * 0.8 + rng.integers(0, 50, (height, width, 3))).astype(np.uint8)
