"""What one image file is: size, format, the mean of its channels, and why it cannot be read."""

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from avalanche_seg.datasets.decoding import UNREADABLE, unreadable
from avalanche_seg.datasets.description import Split
from avalanche_seg.datasets.sources import Item, image_content, image_of

__all__ = ["ImageFacts", "channel_statistics", "image_facts", "pooled"]

_LEAST_STD = 1 / 255  # Of a channel that is the same everywhere, which is to be divided by it.


class ImageFacts(NamedTuple):
    """Of one image file.

    Attributes:
        size: height and width as shown; 0 where they are not known.
        kind: format and mode, such as "JPEG RGB".
        is_misnamed: its suffix is that of another format.
        mean: float64, by channel, in 0..1; None where no pixel was read.
        variance: the same.
        refused: why training cannot read it; empty where it can.
    """

    size: tuple[int, int] = (0, 0)
    kind: str = ""
    is_misnamed: bool = False
    mean: NDArray[np.float64] | None = None
    variance: NDArray[np.float64] | None = None
    refused: str = ""


def image_facts(item: Item, *, pixels: bool) -> ImageFacts:
    """Look at an image.

    Args:
        item: a file, or a source.
        pixels: decode it; False reads a file's head alone.
    """
    size, kind, is_misnamed = (0, 0), "", False
    try:
        content, head = image_content(item)
        size = head.height, head.width
        kind, is_misnamed = _kind(item, content)
        if not pixels:
            return ImageFacts(size, kind, is_misnamed)
        mean, variance = _moments(image_of(item))
    except ValueError as error:
        return ImageFacts(size, kind, is_misnamed, refused=str(error))
    return ImageFacts(size, kind, is_misnamed, mean, variance)


def _moments(image: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance by channel, of values in 0..1, from exact sums of whole numbers."""
    values = image.permute(1, 2, 0).reshape(-1, len(image)).float()
    sums = (values.sum(0, dtype=torch.float64), (values * values).sum(0, dtype=torch.float64))
    mean, square = (one.numpy() / (len(values) * 255**power) for power, one in enumerate(sums, 1))
    return mean, np.maximum(square - mean**2, 0)


def _kind(item: Item, content: bytes) -> tuple[str, bool]:
    """Format and mode of an image, and whether its suffix says another format."""
    if not isinstance(item, Path):
        return getattr(item, "kind", "no file"), False
    try:
        with Image.open(io.BytesIO(content)) as image:
            kind = image.format, image.mode
    except UNREADABLE as error:
        raise unreadable(item, "image", error) from error
    told = Image.registered_extensions().get(item.suffix.lower())
    # A photograph with a second picture in it is a .jpg file too.
    found, told = ("JPEG" if name == "MPO" else name for name in (kind[0], told))
    return " ".join(map(str, kind)), told is not None and told != found


def channel_statistics(
    split: Split, indices: Sequence[int] | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation by channel over the pixels of a split's images.

    Args:
        split: the split.
        indices: of the images that count; None for all.

    Returns:
        mean and deviation, in 0..1; a deviation is 1/255 at least.

    Raises:
        ValueError: naming an image that cannot be read; for a split without images.

    Example:
        >>> import tempfile
        >>> from avalanche_seg.datasets import make_synthetic_voc, read_voc
        >>> with tempfile.TemporaryDirectory() as name:
        ...     split = read_voc(make_synthetic_voc(name, n_train=20, n_val=20)).train
        ...     mean, std = channel_statistics(split, range(10))
        >>> len(mean), len(std)
        (3, 3)
    """
    items = split.images if indices is None else [split.images[i] for i in indices]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        images = list(pool.map(partial(image_facts, pixels=True), items))
    for facts in images:
        if facts.refused:
            raise ValueError(facts.refused)
    if not images:
        raise ValueError(f"{split.root}/{split.name}: no image to take the mean of; expected some")
    mean, std = pooled(images)
    return mean, tuple(max(value, _LEAST_STD) for value in std)


def pooled(images: Sequence[ImageFacts]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation by channel over the pixels of all images; empty without any."""
    known = [facts for facts in images if facts.mean is not None and facts.variance is not None]
    if not known:
        return (), ()
    weights = np.array([facts.size[0] * facts.size[1] for facts in known], dtype=np.float64)
    means = np.array([facts.mean for facts in known])
    variances = np.array([facts.variance for facts in known])
    mean = np.average(means, axis=0, weights=weights)
    std = np.sqrt(np.average(variances + (means - mean) ** 2, axis=0, weights=weights))
    return tuple(mean.tolist()), tuple(std.tolist())
